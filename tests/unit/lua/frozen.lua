--! out end {"result":"ok","state":"ended"}
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local function refused(wanted, f, ...)
      local ok, e = pcall(f, ...)
      assert(not ok and e:find(wanted, 1, true), e)
    end
    refused("cannot set 'x' in the globals: declare it local; runs share no variables",
      function() x = 1 end) -- luacheck: ignore
    refused("cannot set 'pairs' in the globals", function() pairs = nil end) -- luacheck: ignore
    refused("cannot set 'y' in the globals", function() _G.y = 1 end)
    refused("cannot set 'upper' in string", function() string.upper = nil end)
    refused("cannot set 'agent' in keel", function() keel.agent = nil end)
    refused("rawset: this table cannot be changed", rawset, string, "x", 1)
    refused("rawset: this table cannot be changed", rawset, _G, "x", 1)
    refused("cannot change a protected metatable", setmetatable, table, {})
    refused("cannot change a protected metatable", setmetatable, ctx, {})
    refused("cannot set '1' in table", table.insert, table, 1)
    assert(getmetatable("") == "string" and getmetatable(string) == "frozen")
    assert(rawget(string, "upper") == nil and next(string) == nil)
    local _, leak = pairs(string)
    assert(leak == string)
    local n = 0
    for k, v in pairs(string) do
      n = n + 1
      assert(string[k] == v)
    end
    assert(n > 15)
    assert(undefined == nil) -- luacheck: ignore
    refused("there is no ctx.facts (see the ctx table in sdk/README.md)",
      function() return ctx.facts end)
    assert(ctx.previous == nil)
    local inner = function()
      local _ENV = { y = 1 }
      y = y + 1
      return y
    end
    assert(inner() == 2)
    return "ok"
  end,
}
