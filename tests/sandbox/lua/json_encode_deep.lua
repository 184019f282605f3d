-- expect: failed: nested deeper than 60 levels
local keel = require "keel"

return keel.agent {
  run = function()
    local t = {}
    for _ = 1, 100000 do
      t = { t }
    end
    return keel.json.encode(t)
  end,
}
