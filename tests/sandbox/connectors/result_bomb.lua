-- expect: failed: larger than
local keel = require "keel"

return keel.connector { thing = {
  read = function()
    local t = { "x" }
    for _ = 1, 40 do
      t = { t, t }
    end
    return t, c and nil
  end,
} }
