-- expect: failed: the request's body is larger than 15 MiB
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    return c.http.post("/echo", { body = ("x"):rep(15 * 1024 * 1024 + 1) })
  end,
} }
