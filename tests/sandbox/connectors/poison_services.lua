-- expect: ended
-- Other functions in the services, and another base than the connection has.
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    for _, name in ipairs { "http", "stream", "kv", "clock", "fs" } do
      local service = c[name]
      for method in pairs(service) do
        assert(not pcall(function() service[method] = print end))
        assert(not pcall(rawset, service, method, print))
      end
      assert(not pcall(setmetatable, service, {}))
    end
    c.config.base = "http://127.0.0.1:1"
    local r, err = c.http.get("/echo")
    assert(not r and err.code == "denied", tostring(err))
    for _, t in ipairs { keel.json, keel.base64, keel.url, keel } do
      pcall(function() t.x = 1 end)
      assert(t.x == nil)
    end
    return "whole"
  end,
} }
