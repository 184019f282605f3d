-- expect: failed: cannot change a protected metatable
local keel = require "keel"

return keel.agent {
  run = function()
    setmetatable(_G, { __index = function() return "pwn" end })
  end,
}
