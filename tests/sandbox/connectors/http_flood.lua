-- expect: overdue
-- Asks again and again, whatever it is told.
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    while true do
      c.http.get("/echo")
    end
  end,
} }
