-- expect: exit 86
-- memory: 8388608
-- Each byte becomes three.
local keel = require "keel"

return keel.agent {
  run = function()
    return #keel.url.encode(("\255"):rep(3000000))
  end,
}
