--! out end {"result":"ok","state":"ended"}
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local function refused(wanted, value)
      local ok, e = pcall(ctx.step, "s", function() return value end)
      assert(not ok)
      assert(e:gsub("^[%w_.]+:%d+: ", "") == 'ctx.step "s": ' .. wanted, e)
    end
    refused("its result.items[3]: a hole", { items = { 1, 2, nil, 4 } })
    refused("its result[1]: a hole", { nil, 2 })
    refused("its result.a.b: not a number (0/0)", { a = { b = 0 / 0 } })
    refused("its result[1]: an infinite number", { 1 / 0 })
    refused('its result["a b"].c: a value that is a function', { ["a b"] = { c = print } })
    refused("its result: names and positions as keys of one table", { 1, 2, x = 3 })
    refused("its result: names and positions as keys of one table", { x = 3, [7] = 1 })
    refused("its result: a key that is a fraction", { [1.5] = 3 })
    refused("its result: a key that is a boolean", { [true] = 3 })
    refused("its result[0]: a position below 1", { [0] = 3 })
    refused("its result[-1]: a position below 1", { [1] = 1, [-1] = 3 })
    refused("its result: a value that is a thread", (coroutine.create(print)))
    refused("its result.x: a key that is not UTF-8", { x = { ["\xff"] = 1 } })
    local deep = {}
    deep.deep = deep
    local _, e = pcall(ctx.step, "s", function() return deep end)
    assert(e:find("deep.deep: nested deeper than 60 levels, or containing itself", 1, true), e)
    local list = keel.list { 1 }
    list.x = 1
    refused("its result: names and positions as keys of one table", list)
    local wide = {}
    for i = 1, 40 do
      wide["k" .. i] = i
    end
    wide[true] = 1
    refused("its result: a key that is a boolean", wide)
    return "ok"
  end,
}
