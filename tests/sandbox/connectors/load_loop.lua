-- expect: killed by cpu limit
-- Does not come back from being loaded.
local keel = require "keel"

while true do end

return keel.connector { thing = {
  read = function()
    return "never"
  end,
} }
