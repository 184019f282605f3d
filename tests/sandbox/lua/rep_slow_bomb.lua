-- expect: exit 86
-- Each piece is allowed, all of them are not.
local keel = require "keel"

return keel.agent {
  run = function()
    local hold = {}
    for i = 1, 1000 do
      pcall(function() hold[i] = ("x"):rep(1 << 20) .. i end)
    end
    return #hold
  end,
}
