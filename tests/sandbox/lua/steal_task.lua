-- expect: ended
-- One task cannot wake another one that waits, nor leave by a yield.
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local task
    ctx.any {
      function()
        task = coroutine.running()
        ctx.sleep("7d")
      end,
      function()
        local ok = coroutine.resume(task)
        assert(not ok)
        assert(not pcall(coroutine.close, task))
        assert(not pcall(coroutine.yield))
      end,
    }
  end,
}
