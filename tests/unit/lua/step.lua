--! start {"n":20} null
--! out step 1 double 40
--! out step 2 table {"a":[1,2.5,"x"],"b":{}}
--! out step 3 nothing null
--! out end {"result":{"a":40,"b":"2.5 x 3","c":true},"state":"ended"}
local keel = require "keel"

return keel.agent {
  run = function(ctx, input)
    local a = ctx.step("double", function() return input.n * 2 end)
    local b = ctx.step("table", function() return { b = {}, a = { 1.0, 2.5, "x" } } end)
    local c = ctx.step("nothing", function() end)
    return { a = a, b = b.a[2] .. " " .. b.a[3] .. " " .. #b.a, c = c == nil }
  end,
}
