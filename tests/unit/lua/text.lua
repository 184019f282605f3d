--! out end {"result":["table","function","thread","keel.list","null","nil","1.5","T!","Named","table function","x table 7","  table","%"],"state":"ended"}
-- No text shows an address.
local keel = require "keel"

return keel.agent {
  run = function()
    local ok, e = pcall(string.format, "%p", {})
    assert(not ok and e:find("%p is not available", 1, true), e)
    ok, e = pcall(string.format, "%-10p", {})
    assert(not ok and e:find("%p is not available", 1, true), e)
    ok, e = pcall(string.format, "%d", {})
    assert(not ok and e:find("number expected, got table", 1, true), e)
    ok, e = pcall(string.format, "%s")
    assert(not ok and e:find("no value", 1, true), e)
    ok, e = pcall(string.format, "%y", 1)
    assert(not ok and e:find("invalid conversion", 1, true), e)
    ok, e = pcall(tostring, setmetatable({}, { __tostring = function() return {} end }))
    assert(not ok and e:find("'__tostring' must return a string", 1, true), e)
    return {
      tostring({}), tostring(print), tostring(coroutine.create(print)), tostring(keel.list {}),
      tostring(keel.null), tostring(nil), tostring(1.5),
      tostring(setmetatable({}, { __tostring = function() return "T!" end })),
      tostring(setmetatable({}, { __name = "Named" })),
      string.format("%s %s", {}, print), ("%s %s %d"):format("x", {}, 7), ("%7s"):format({}),
      ("%%"):format(),
    }
  end,
}
