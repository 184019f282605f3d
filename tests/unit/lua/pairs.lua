--! out end {"result":"ok","state":"ended"}
local keel = require "keel"

return keel.agent {
  run = function()
    local function refused(wanted, f, ...)
      local ok, e = pcall(f, ...)
      assert(not ok and e:find(wanted, 1, true), e)
    end
    refused("pairs: a key is a boolean; only numbers and strings have an order", pairs, { [true] = 1 })
    refused("pairs: a key is a table; only numbers and strings have an order", pairs, { [{}] = 1 })
    refused("next: a key is a function", next, { [print] = 1 })
    refused("table expected, got nil", pairs, nil)
    -- Clearing and changing fields on the way is allowed.
    local t, seen = { a = 1, b = 2, c = 3, d = 4 }, {}
    for k, v in pairs(t) do
      seen[#seen + 1] = k .. v
      t.c = nil
      t.d = 5
      t[k] = nil
    end
    assert(table.concat(seen, " ") == "a1 b2 d5", table.concat(seen, " "))
    local list, n = { 1, 2, 3, 4 }, 0
    for i, v in pairs(list) do
      assert(i == v)
      list[i + 1] = nil
      n = n + 1
    end
    assert(n == 1 or n == 2)
    local p = setmetatable({}, { __pairs = function(x) return function(_, k) return not k and 1 or nil end, x, nil end })
    n = 0
    for _ in pairs(p) do
      n = n + 1
    end
    assert(n == 1)
    return "ok"
  end,
}
