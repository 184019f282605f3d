-- expect: failed: stack overflow
local keel = require "keel"

return keel.agent {
  run = function()
    local function f(n) return 1 + f(n + 1) end
    return f(1)
  end,
}
