-- expect: ended
-- Metatables where the host looks.
local keel = require "keel"

return keel.connector { thing = {
  read = function(c, q)
    local loop = function() while true do end end
    local evil = { __index = loop, __newindex = loop, __pairs = loop, __len = loop, __tostring = loop }
    pcall(setmetatable, q, evil)
    pcall(setmetatable, q.body, evil)
    pcall(setmetatable, c.config, nil)
    pcall(rawset, q, "key", setmetatable({}, evil))
    return setmetatable({ a = 1 }, { __index = loop, __pairs = loop, __len = loop, __tostring = loop })
  end,
} }
