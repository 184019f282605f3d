--! record 1 step first - {"ok":1}
--! record 2 step second - {"ok":1}
--! out mismatch {"now":null,"path":"2","recorded":{"call":"a45f82f90aacca83","kind":"step","name":"second"}}
-- The run ended where its record goes on.
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    return ctx.step("first", function() return 1 end)
  end,
}
