-- expect: failed: debug is not available
local keel = require "keel"

return keel.agent {
  run = function()
    debug.sethook(function() end, "c")
  end,
}
