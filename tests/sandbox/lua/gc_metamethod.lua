-- expect: failed: __gc is not available
local keel = require "keel"

return keel.agent {
  run = function()
    setmetatable({}, { __gc = function() while true do end end })
  end,
}
