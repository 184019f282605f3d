-- expect: exit 86
-- memory: 8388608
local keel = require "keel"

return keel.agent {
  run = function()
    local text = "x"
    while true do
      text = keel.base64.encode(text .. text)
    end
  end,
}
