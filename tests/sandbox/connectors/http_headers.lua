-- expect: failed: a request has at most 128 headers
-- A million headers.
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    local many = {}
    for i = 1, 1000000 do
      many[i] = 1
    end
    return c.http.get("/echo", { headers = { ["X-Many"] = many } })
  end,
} }
