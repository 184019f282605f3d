-- expect: overdue
-- Sleeps beyond its deadline, and once more when it is woken.
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    while true do
      c.clock.sleep("7d")
    end
  end,
} }
