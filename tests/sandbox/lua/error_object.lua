-- expect: failed: a table was thrown: it.self
-- The host does not call what an error brings along.
local keel = require "keel"

return keel.agent {
  run = function()
    local e = {}
    e.self = e
    error(setmetatable(e, { __tostring = function() while true do end end }))
  end,
}
