-- expect: killed by cpu limit
-- A loop in C, where no hook of Lua reaches.
local keel = require "keel"

return keel.agent {
  run = function()
    table.move({}, 1, 1 << 50, 2)
  end,
}
