local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local sum = ctx.step("sum", function() return 20 + 22 end)
    ctx.sleep(0.001)
    return sum
  end,
}
