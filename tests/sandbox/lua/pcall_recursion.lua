-- expect: ended
-- Each level is a C call, of which there are few.
local keel = require "keel"

return keel.agent {
  run = function()
    local depth = 0
    local function f()
      depth = depth + 1
      return pcall(f)
    end
    f()
    assert(depth < 1000)
  end,
}
