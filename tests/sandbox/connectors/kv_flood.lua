-- expect: overdue
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    local i = 0
    while true do
      i = i + 1
      c.kv.put("k" .. i % 100, { i, ("v"):rep(i % 4000) })
    end
  end,
} }
