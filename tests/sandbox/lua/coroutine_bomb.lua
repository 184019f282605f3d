-- expect: exit 86
-- Coroutines that all live.
local keel = require "keel"

return keel.agent {
  run = function()
    local hold = {}
    while true do
      local co = coroutine.create(function() coroutine.yield() end)
      coroutine.resume(co)
      hold[#hold + 1] = co
    end
  end,
}
