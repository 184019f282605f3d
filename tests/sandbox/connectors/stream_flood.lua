-- expect: overdue
-- Writes and never reads.
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    local text = ("x"):rep(1000000)
    while true do
      local s = c.stream.open(c.config.lines)
      while s and s:send(text) do end
    end
  end,
} }
