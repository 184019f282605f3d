-- expect: overdue
-- Does not come back.
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    c.http.get("/echo")
    while true do end
  end,
} }
