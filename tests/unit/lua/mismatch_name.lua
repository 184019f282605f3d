--! record 1 step first - {"ok":1}
--! record 2 step second - {"ok":2}
--! out mismatch {"now":{"args":null,"call":"d9c07b4eb8c309f8","kind":"step","name":"other"},"path":"2","recorded":{"call":"a45f82f90aacca83","kind":"step","name":"second"}}
--! nothing
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    ctx.step("first", function() return 1 end)
    ctx.step("other", function() return 2 end)
  end,
}
