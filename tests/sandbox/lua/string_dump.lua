-- expect: failed: string.dump is not available
local keel = require "keel"

return keel.agent {
  run = function()
    return load(string.dump(function() return 1 end), "x", "b")()
  end,
}
