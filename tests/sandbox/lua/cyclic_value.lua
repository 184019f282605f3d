-- expect: failed: nested deeper than 60 levels, or containing itself
local keel = require "keel"

return keel.agent {
  run = function()
    local t = {}
    t.t = t
    return t
  end,
}
