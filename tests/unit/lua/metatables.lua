--! out end {"result":"ok","state":"ended"}
local keel = require "keel"

return keel.agent {
  run = function()
    local function refused(wanted, f, ...)
      local ok, e = pcall(f, ...)
      assert(not ok and e:find(wanted, 1, true), e)
    end
    for _, name in ipairs { "__gc", "__mode", "__close" } do
      local words = name .. " is not available"
      refused(words, setmetatable, {}, { [name] = "k" })
      refused(words, rawset, {}, name, "k")
      local mt = {}
      local t = setmetatable({}, mt)
      refused(words, function() mt[name] = "k" end)
      setmetatable(mt, nil)
      refused(words, function() mt[name] = "k" end)
      assert(getmetatable(t) == mt and getmetatable(mt) == nil)
    end
    -- Classes work as ever: methods added later, inheritance, a metatable that is its own index.
    local Base = {}
    Base.__index = Base
    local base = setmetatable({ n = 1 }, Base)
    function Base:get() return self.n end
    local Derived = setmetatable({}, { __index = Base })
    Derived.__index = Derived
    local derived = setmetatable({ n = 2 }, Derived)
    function Derived:twice() return 2 * self:get() end
    assert(base:get() == 1 and derived:twice() == 4)
    Base.__add = function(a, b) return a.n + b.n end
    assert(base + base == 2)
    local calls = 0
    local proxy = setmetatable({}, { __index = function(_, k) return k end,
      __newindex = function(t, k, v) calls = calls + 1; rawset(t, k, v) end })
    proxy.x = 1
    assert(proxy.x == 1 and proxy.y == "y" and calls == 1)
    assert(setmetatable(setmetatable({}, {}), nil))
    refused("cannot change a protected metatable", setmetatable,
      setmetatable({}, { __metatable = "mine" }), {})
    local list = setmetatable(keel.list {}, { __index = function() return 5 end })
    assert(list[1] == 5)
    refused("nil or table expected", setmetatable, {}, 1)
    return "ok"
  end,
}
