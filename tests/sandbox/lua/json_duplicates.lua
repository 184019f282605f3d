-- expect: ended
-- A million members of one name.
local keel = require "keel"

return keel.agent {
  run = function()
    local text = "{" .. ('"a":1,'):rep(1000000) .. '"a":1}'
    local value, err = keel.json.decode(text)
    assert(value == nil and err.code == "unknown", "taken")
  end,
}
