local keel = require "keel"

return keel.connector { page = {
  read = function(c)
    local r, err = c.http.get("/echo")
    return r and { status = r.status }, err
  end,
} }
