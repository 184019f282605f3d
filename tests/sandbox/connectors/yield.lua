-- expect: failed: attempt to yield from outside a coroutine
-- A verb answers; it does not yield.
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    return coroutine.yield(c)
  end,
} }
