-- expect: failed: rawset: this table cannot be changed
local keel = require "keel"

return keel.agent {
  run = function()
    rawset(string, "upper", function() return "pwn" end)
  end,
}
