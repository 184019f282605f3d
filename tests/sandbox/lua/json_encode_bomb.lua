-- expect: failed: larger than
-- Forty small tables that would be a terabyte as text.
local keel = require "keel"

return keel.agent {
  run = function()
    local t = { "x" }
    for _ = 1, 40 do
      t = { t, t }
    end
    return keel.json.encode(t)
  end,
}
