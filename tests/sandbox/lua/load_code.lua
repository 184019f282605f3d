-- expect: failed: load is not available
local keel = require "keel"

return keel.agent {
  run = function()
    return load("return _G")()
  end,
}
