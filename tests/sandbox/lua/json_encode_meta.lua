-- expect: ended
-- What a metatable says is not asked.
local keel = require "keel"

return keel.agent {
  run = function()
    local loop = function() while true do end end
    local evil = { __index = loop, __pairs = loop, __len = loop, __tostring = loop, __name = "x", __eq = loop }
    assert(keel.json.encode(setmetatable({ a = 1 }, evil)) == '{"a":1}')
  end,
}
