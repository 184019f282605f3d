-- expect: exit 86
local keel = require "keel"

return keel.agent {
  run = function()
    local t = {}
    while true do
      t = { t, {}, {}, {} }
    end
  end,
}
