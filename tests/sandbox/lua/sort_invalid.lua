-- expect: ended
-- A comparison that contradicts itself can make Lua's own sort read beyond the table.
local keel = require "keel"

return keel.agent {
  run = function()
    local list = {}
    for i = 1, 300 do
      list[i] = i
    end
    table.sort(list, function() return true end)
    table.sort(list, function(a, b) return a ~= b end)
    assert(#list == 300)
  end,
}
