--! out call 1.2.1 now {}
--! out call 1.1.1.1.1 now {}
--! out call 1.1.1.2.1 now {}
--! answer 1.1.1.2.1 {"ok":2}
--! answer 1.2.1 {"ok":5}
--! answer 1.1.1.1.1 {"ok":1}
--! out call 1.1.2 now {}
--! answer 1.1.2 {"ok":9}
--! out end {"result":[[1,2,9],5],"state":"ended"}
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local function clock()
      return ctx.now()
    end
    local results = ctx.all {
      function()
        local inner = ctx.all { clock, clock }
        inner[3] = ctx.now()
        return inner
      end,
      clock,
    }
    return results
  end,
}
