-- expect: exit 86
-- memory: 2097152
-- Reaches for the use after free of Lua 5.4.4: a failing allocation, while a table with a weak
-- metatable is written. Neither the metatable nor the failing allocation can be had.
local keel = require "keel"

return keel.agent {
  run = function()
    local hold = {}
    for r = 1, 4000 do
      local mt = { __newindex = {} }
      pcall(setmetatable, mt, { __mode = "v" })
      local t = setmetatable({}, mt)
      pcall(function() mt.__mode = "v" end)
      pcall(function() hold[#hold + 1] = ("y"):rep(3000 + r) end)
      pcall(function() for i = 1, 200 do t[i] = i end end)
    end
    return #hold
  end,
}
