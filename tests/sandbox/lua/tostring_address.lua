-- expect: ended
-- No way shows an address: it would tell where the host lies, and differ in a replay.
local keel = require "keel"

return keel.agent {
  run = function()
    local things = { {}, print, coroutine.create(print), keel.null, keel, string, keel.list {},
      setmetatable({}, { __name = "mine" }) }
    for _, thing in ipairs(things) do
      assert(not tostring(thing):find("0x"), tostring(thing))
      assert(not ("%s"):format(thing):find("0x"))
      assert(not pcall(string.format, "%p", thing))
      local ok, e = pcall(function() return #nil .. thing end)
      assert(not ok and not e:find("0x"))
    end
    local ok, e = pcall(error, {})
    assert(not ok and not tostring(e):find("0x"))
  end,
}
