-- expect: failed: __gc is not available
-- Services that are called by the collector.
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    for _ = 1, 200 do
      setmetatable({}, { __gc = function() c.http.get("/echo") c.kv.put("x", 1) error("late") end })
    end
    collectgarbage()
    return c.http.get("/echo").status
  end,
} }
