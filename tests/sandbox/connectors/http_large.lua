-- expect: failed: larger than its limit
-- Answers that are larger than anybody may have.
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    for _ = 1, 2 do
      local r, err = c.http.get("/large/20000000")
      if r or err.code ~= "unknown" then
        return nil, keel.fail("conflict", "it was given 20 MB, or " .. tostring(err))
      end
    end
    return c.http.get("/headers/10000000")
  end,
} }
