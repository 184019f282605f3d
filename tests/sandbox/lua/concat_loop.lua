-- expect: killed by cpu limit
-- Work without memory: all of it is garbage at once.
local keel = require "keel"

return keel.agent {
  run = function()
    while true do
      local s = ""
      for i = 1, 100 do s = s .. i end
    end
  end,
}
