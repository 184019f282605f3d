-- expect: failed: C stack overflow
local keel = require "keel"

return keel.agent {
  run = function()
    local function f()
      local _, e = coroutine.resume(coroutine.create(f))
      error(e, 0)
    end
    f()
  end,
}
