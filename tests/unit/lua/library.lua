--! with templates/reply.txt
--! out end {"result":"Dear Ann,\n\n> a {b} c\n\n3 of 2.5, first x\n","state":"ended"}
local keel = require "keel"

return keel.agent {
  run = function()
    local function says(wanted, f, ...)
      local ok, e = pcall(f, ...)
      assert(not ok and e:find(wanted, 1, true), e)
    end
    says("keel.agent: it needs run = function(ctx, input) ... end", keel.agent, {})
    says("keel.agent: there is no field 'rum'", keel.agent, { rum = print })
    says("keel.agent: run must be a function, and is a number", keel.agent, { run = 1 })
    says("keel.agent: its argument is a table, and is nothing", keel.agent)
    says("keel.connector: note: there is no field 'get'", keel.connector, { note = { get = print } })
    says("keel.connector: a resource has a name", keel.connector, { { read = print } })
    says("keel.connector: its argument is a table of resources", keel.connector, 1)
    says("keel.fail: 'broken' is no status: invalid denied", keel.fail, "broken")
    says("keel.cost: three capitals", keel.cost, { usd = 1 })
    says("keel.cost: three capitals", keel.cost, { USD = "0.0000001" })
    says("keel.cost: three capitals", keel.cost, { USD = "-1" })
    says("keel.cost: three capitals", keel.cost, {})
    says("keel.cost: one currency", keel.cost, { EUR = 1, USD = 1 })
    assert(keel.cost({ USD = "0.002" }).micros == 2000 and keel.cost({ EUR = 12 }).micros == 12000000)
    says("keel.list: its argument is a table, and is a number", keel.list, 1)
    says("keel.list: this table has a metatable already", keel.list, setmetatable({}, {}))
    assert(keel.digest("") == "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8")
    assert(keel.digest("a\0b") == "f2c67fb755da2d22dea00c49aa161fa4457ada51c50260da341260b4752f74d1" and keel.digest("a") ~= keel.digest("a\0"))
    says("string expected, got no value", keel.digest)
    says("keel.file: the plugin has no file 'x'", keel.file, "x")
    assert(keel.file("templates/reply.txt"):sub(1, 4) == "Dear")
    says("keel.template: the plugin has no templates/none.txt", keel.template, "none.txt")
    says("templates/reply.txt:1: there is no text or number 'to.name' to put here", keel.template,
      "reply.txt", {})
    says("templates/reply.txt:5: there is no text or number 'sum' to put here", keel.template,
      "reply.txt", { to = { name = "Ann" }, quote = "q" })
    return keel.template("reply.txt", { to = { name = "Ann" }, quote = "a {b} c", sum = 3, of = 2.5,
      list = { "x" } })
  end,
}
