--! out call 1 now {}
--! answer 1 {"ok":10}
--! out step 2 first 11
--! out call 3 now {}
--! answer 3 {"ok":20}
--! out step 4 inner 1
--! out call 5 now {}
--! answer 5 {"ok":30}
--! out end {"result":["suspended","a","normal","b",30,"dead",false,"cannot resume dead coroutine"],"state":"ended"}
-- A ctx call inside of a coroutine waits through all that resumed it.
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local got = {}
    local outer
    outer = coroutine.create(function(x)
      local t = ctx.now()
      ctx.step("first", function() return t + x end)
      local y = coroutine.yield("a")
      assert(y == 2)
      local inner = coroutine.wrap(function()
        got[#got + 1] = coroutine.status(outer)
        assert(ctx.now() == 20)
        coroutine.yield(ctx.step("inner", function() return 1 end))
        return ctx.now()
      end)
      assert(inner() == 1)
      coroutine.yield("b")
      return inner()
    end)
    local list = { coroutine.status(outer) }
    local function push(ok, value)
      assert(ok)
      list[#list + 1] = value
    end
    push(coroutine.resume(outer, 1))
    local ok, b = coroutine.resume(outer, 2)
    assert(ok)
    list[#list + 1] = got[1]
    list[#list + 1] = b
    push(coroutine.resume(outer))
    list[#list + 1] = coroutine.status(outer)
    local dead, why = coroutine.resume(outer)
    list[#list + 1] = dead
    list[#list + 1] = why
    return list
  end,
}
