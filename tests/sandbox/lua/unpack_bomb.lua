-- expect: failed: too many results to unpack
local keel = require "keel"

return keel.agent {
  run = function()
    pcall(string.byte, ("x"):rep(10000000), 1, -1)
    pcall(utf8.codepoint, ("x"):rep(10000000), 1, -1)
    return table.unpack({}, 1, 1 << 30)
  end,
}
