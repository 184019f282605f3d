-- expect: failed: invalid: 
-- A URL of 10 MB.
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    return c.http.get("/" .. ("u"):rep(10000000))
  end,
} }
