-- expect: failed: cannot set 'seen' in the globals: declare it local
-- A run cannot leave anything for the next one.
local keel = require "keel"

return keel.agent {
  run = function()
    seen = true
  end,
}
