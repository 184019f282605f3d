--! out step 1 count 1
--! out end {"result":{"seen":["a"]},"state":"continued"}
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local n = ctx.step("count", function() return 1 end)
    local seen = keel.list {}
    seen[n] = "a"
    return ctx.continue({ seen = seen })
  end,
}
