-- expect: failed: a table was thrown
-- An error whose text is an error.
local keel = require "keel"

return keel.agent {
  run = function()
    local mt = {}
    mt.__tostring = function(e) error(e) end
    mt.__index = function(e, k) return e[k] end
    error(setmetatable({}, mt))
  end,
}
