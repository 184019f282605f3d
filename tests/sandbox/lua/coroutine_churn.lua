-- expect: killed by cpu limit
-- Each coroutine would begin with a fresh instruction count.
local keel = require "keel"

return keel.agent {
  run = function()
    local n = 0
    local function body() for _ = 1, 200 do n = n + 1 end end
    while true do
      coroutine.resume(coroutine.create(body))
    end
  end,
}
