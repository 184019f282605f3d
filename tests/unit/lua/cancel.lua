--! out step 1 a 1
--! out call 2 now {}
--! cancel
--! answer 2 {"ok":1}
--! nothing
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    ctx.step("a", function() return 1 end)
    pcall(ctx.now)
    ctx.log("never")
  end,
}
