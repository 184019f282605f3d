-- expect: killed by cpu limit
-- One call of a C function that no hook interrupts.
local keel = require "keel"

return keel.agent {
  run = function()
    local s = ("a"):rep(20000)
    return s:find(".-.-.-.-b")
  end,
}
