-- Takes all memory there is, whenever it is tried.
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    ctx.step("before", function() return 1 end)
    return ("x"):rep(1 << 30) -- over its memory, at once: the executor ends
  end,
}
