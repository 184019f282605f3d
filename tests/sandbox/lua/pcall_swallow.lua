-- expect: killed by cpu limit
-- Swallows whatever is thrown at it and goes on.
local keel = require "keel"

return keel.agent {
  run = function()
    local n = 0
    while true do
      pcall(function() while true do n = n + 1 end end)
    end
  end,
}
