-- expect: failed: stack overflow
local keel = require "keel"

return keel.agent {
  run = function()
    local function f(x) return (x:gsub(".", f)) end
    return f("a")
  end,
}
