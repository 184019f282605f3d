-- expect: exit 86
local keel = require "keel"

return keel.agent {
  run = function()
    assert(not pcall(string.format, "%99999d", 1))
    local text = ("x"):rep(1 << 20)
    local form = ("%s"):rep(1000)
    local args = {}
    for i = 1, 200 do
      args[i] = text
    end
    return #form:sub(1, 400):format(table.unpack(args))
  end,
}
