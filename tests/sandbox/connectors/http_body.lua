-- expect: failed: resulting string too large
-- A body of 4 GB.
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    return c.http.post("/echo", { body = ("x"):rep(1 << 32) })
  end,
} }
