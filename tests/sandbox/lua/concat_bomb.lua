-- expect: exit 86
local keel = require "keel"

return keel.agent {
  run = function()
    local s = "x"
    for _ = 1, 60 do
      s = s .. s
    end
    return #s
  end,
}
