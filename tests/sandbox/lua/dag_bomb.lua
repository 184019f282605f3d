-- expect: failed: larger than 4 MiB
-- Forty small tables that would be a terabyte as text.
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local t = { "x" }
    for _ = 1, 40 do
      t = { t, t }
    end
    return ctx.step("grows", function() return t end)
  end,
}
