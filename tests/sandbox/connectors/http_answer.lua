-- expect: ended
-- An answer that was tampered with.
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    local r = c.http.get("/echo")
    pcall(function() r.status = 999 end)
    pcall(function() r.headers = nil end)
    pcall(setmetatable, r, { __index = function() while true do end end })
    pcall(rawset, r, "ok", setmetatable({}, { __tostring = function() error("x") end }))
    local why = keel.status(r)
    return { said = tostring(why) }
  end,
} }
