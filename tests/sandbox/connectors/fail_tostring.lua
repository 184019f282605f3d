-- expect: overdue
-- A reason that takes for ever to say.
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    return nil, keel.fail("denied", setmetatable({}, { __tostring = function() while true do c.clock.now() end end }))
  end,
} }
