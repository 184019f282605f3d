-- expect: failed: cannot set 'upper' in string: libraries cannot be changed
local keel = require "keel"

return keel.agent {
  run = function()
    string.upper = function() return "pwn" end
    return ("x"):upper()
  end,
}
