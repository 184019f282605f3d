-- expect: ended
-- An error handler that fails in itself.
local keel = require "keel"

return keel.agent {
  run = function()
    local ok = xpcall(error, function(e) error(e) end, "x")
    assert(not ok)
  end,
}
