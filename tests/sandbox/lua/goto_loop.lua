-- expect: killed by cpu limit
local keel = require "keel"

return keel.agent {
  run = function()
    ::again::
    goto again
  end,
}
