-- expect: failed: its reason is no text
local keel = require "keel"

return keel.connector { thing = {
  read = function()
    local e = keel.fail("denied", "x")
    e.code, e.message = { e }, print
    return nil, e
  end,
} }
