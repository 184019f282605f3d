-- expect: exit 86
-- It fits as text, and not twice.
local keel = require "keel"

return keel.agent {
  run = function()
    return #keel.base64.decode(("QUJD"):rep(8000000))
  end,
}
