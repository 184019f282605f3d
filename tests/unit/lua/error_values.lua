--! out call 1.1.1 now {}
--! out call 1.2.1 now {}
--! out call 1.3.1 now {}
--! answer 1.1.1 {"ok":1}
--! lost 1.2.1
--! lost 1.3.1
--! out failed a function was thrown
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    ctx.all {
      function()
        ctx.now()
        error(print)
      end,
      ctx.now,
      ctx.now,
    }
  end,
}
