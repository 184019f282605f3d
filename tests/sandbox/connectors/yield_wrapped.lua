-- expect: failed: attempt to yield from outside a coroutine
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    local value = {}
    table.sort({ 3, 2, 1 }, function() coroutine.yield(c) end)
    return value
  end,
} }
