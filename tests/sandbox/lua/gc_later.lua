-- expect: failed: __gc is not available
-- The field comes after the metatable was set, and its name is not in the text.
local keel = require "keel"

return keel.agent {
  run = function()
    local mt = {}
    setmetatable({}, mt)
    mt["__" .. "gc"] = function() while true do end end
  end,
}
