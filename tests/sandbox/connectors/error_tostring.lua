-- expect: failed: a table was thrown
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    c.log("info", "it throws")
    error(setmetatable({}, { __tostring = function() while true do end end }))
  end,
} }
