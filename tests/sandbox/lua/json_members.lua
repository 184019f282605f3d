-- expect: exit 86
-- memory: 25165824
-- Names beyond counting: the tables that they become are over the quota.
local keel = require "keel"

return keel.agent {
  run = function()
    local parts = {}
    for i = 1, 200000 do
      parts[i] = ('"%d":[]'):format(i)
    end
    return #keel.json.decode("{" .. table.concat(parts, ",") .. "}")
  end,
}
