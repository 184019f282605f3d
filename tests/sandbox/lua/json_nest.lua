-- expect: ended
local keel = require "keel"

return keel.agent {
  run = function()
    for _, text in ipairs { ("["):rep(1000000), ('{"a":'):rep(1000000), '"\\ud800"', "\255", ("9"):rep(100000) } do
      local value, err = keel.json.decode(text)
      if value ~= nil or err.code ~= "unknown" then
        error("taken")
      end
    end
  end,
}
