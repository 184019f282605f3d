-- expect: failed: invalid: 
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    return c.http.post("/echo", { body = ("x"):rep(15 * 1024 * 1024 + 1) })
  end,
} }
