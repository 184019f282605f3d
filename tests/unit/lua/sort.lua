--! out end {"result":"ok","state":"ended"}
local keel = require "keel"

return keel.agent {
  run = function()
    for n = 0, 70 do
      local list, seed = {}, n + 1
      for i = 1, n do
        seed = seed * 1103515245 + 12345 & 0x7fffffff
        list[i] = seed % 50
      end
      table.sort(list)
      for i = 2, n do
        assert(list[i - 1] <= list[i])
      end
      assert(#list == n)
    end
    -- Equal items keep their order.
    local items = {}
    for i = 1, 40 do
      items[i] = { key = i % 3, at = i }
    end
    table.sort(items, function(a, b) return a.key < b.key end)
    for i = 2, 40 do
      local a, b = items[i - 1], items[i]
      assert(a.key < b.key or a.key == b.key and a.at < b.at)
    end
    -- A comparison that makes no sense ends too.
    local odd = {}
    for i = 1, 100 do
      odd[i] = i
    end
    table.sort(odd, function() return true end)
    assert(#odd == 100)
    assert(not pcall(table.sort, { 1, "a" }))
    local ok, e = pcall(table.sort, 1)
    assert(not ok and e:find("bad argument #1 to 'sort' (table expected, got number)", 1, true), e)
    ok, e = pcall(table.sort, {}, 1)
    assert(not ok and e:find("bad argument #2 to 'sort'", 1, true), e)
    return "ok"
  end,
}
