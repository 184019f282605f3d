-- expect: failed: '__index' chain too long; possible loop
local keel = require "keel"

return keel.agent {
  run = function()
    local a, b = {}, {}
    setmetatable(a, { __index = b })
    setmetatable(b, { __index = a })
    return a.x
  end,
}
