-- expect: failed: io is not available
local keel = require "keel"

return keel.agent {
  run = function()
    return io.open("/etc/passwd"):read("a")
  end,
}
