--! out end {"result":["-3","0.5","1","2","2.5","10","9007199254740993","B","a","a\u0000","aa","b"],"state":"ended"}
local keel = require "keel"

return keel.agent {
  run = function()
    local t = { aa = 1, a = 1, ["a\0"] = 1, B = 1, b = 1, [10] = 1, [2] = 1, [1] = 1, [2.5] = 1,
      [-3] = 1, [0.5] = 1, [(1 << 53) + 1] = 1 }
    local keys, again = {}, {}
    for k in pairs(t) do
      keys[#keys + 1] = tostring(k)
    end
    for k in next, t do
      again[#again + 1] = tostring(k)
    end
    assert(table.concat(keys, " ") == table.concat(again, " "))
    assert(next({}) == nil and next({ 5 }) == 1 and next({ x = 1 }) == "x")
    return keys
  end,
}
