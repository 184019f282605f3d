-- expect: ended
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    local bad = { ("["):rep(1000000), ('{"a":'):rep(100000), "{" .. ('"a":1,'):rep(10000) .. '"a":1}', "1e999", "\0" }
    for _, text in ipairs(bad) do
      local value, err = keel.json.decode(text)
      assert(value == nil and err.code == "unknown")
    end
    return { answer = c.http.post("/echo", { json = keel.list {} }).status }
  end,
} }
