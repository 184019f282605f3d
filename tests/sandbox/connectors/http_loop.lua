-- expect: failed: conflict: it redirects for ever
-- Follows a redirect that leads to itself.
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    for _ = 1, 4 do
      local r = c.http.get("/loop", { follow = true })
      if r and r.status ~= 302 then
        return "taken"
      end
    end
    return nil, keel.fail("conflict", "it redirects for ever")
  end,
} }
