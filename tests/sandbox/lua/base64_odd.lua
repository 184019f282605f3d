-- expect: ended
local keel = require "keel"

return keel.agent {
  run = function()
    for _, text in ipairs { "=", "====", "A", "QUJ", "QUJD=", "QU\0JD", "QUJD\n", ("="):rep(1000000), ("\255"):rep(1000000) } do
      local value = keel.base64.decode(text)
      assert(value == nil or #value <= #text)
    end
  end,
}
