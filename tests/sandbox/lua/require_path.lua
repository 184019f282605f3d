-- expect: failed: this plugin has no file
local keel = require "keel"

return keel.agent {
  run = function()
    return require "/etc/passwd"
  end,
}
