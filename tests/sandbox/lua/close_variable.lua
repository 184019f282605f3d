-- expect: failed: __close is not available
local keel = require "keel"

return keel.agent {
  run = function()
    local x <close> = setmetatable({}, { __close = function() while true do end end })
    return x
  end,
}
