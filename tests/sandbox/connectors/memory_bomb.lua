-- expect: exit 86
local keel = require "keel"

return keel.connector { thing = {
  read = function()
    local text = "x"
    while true do
      text = text .. text
    end
  end,
} }
