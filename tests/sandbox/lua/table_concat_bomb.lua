-- expect: exit 86
local keel = require "keel"

return keel.agent {
  run = function()
    local piece, list = ("x"):rep(1 << 20), {}
    for i = 1, 500 do
      list[i] = piece
    end
    return #table.concat(list)
  end,
}
