-- expect: exit 86
local keel = require "keel"

return keel.agent {
  run = function()
    assert(not pcall(string.rep, "x", 1 << 40)) -- refused by Lua itself
    local ok = pcall(string.rep, "x", 1 << 30)
    return ok
  end,
}
