-- expect: exit 86
-- memory: 8388608
local keel = require "keel"

return keel.agent {
  run = function()
    return #keel.json.decode("[" .. ("{},"):rep(1000000) .. "{}]")
  end,
}
