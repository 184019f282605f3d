-- expect: failed: cannot be called here
-- A step may not act: not directly, not through a coroutine.
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    return ctx.step("acts", function()
      return coroutine.wrap(function() return ctx.use("mail").write("message", {}) end)()
    end)
  end,
}
