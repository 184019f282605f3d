--! out call 1 now {}
--! answer 1 {"ok":1700000000000000}
--! out call 2 random {}
--! answer 2 {"ok":"8000000000000000"}
--! out call 3 random {}
--! answer 3 {"ok":"8000000000000000"}
--! out call 4 random {}
--! answer 4 {"ok":"ffffffffffffffff"}
--! out call 5 random {}
--! answer 5 {"ok":"0000000000000000"}
--! out call 6 sleep {"us":259200000000}
--! answer 6 {"ok":null}
--! out call 7 sleep {"us":1500000}
--! answer 7 {"ok":null}
--! out call 8 sleep {"us":5400000000}
--! answer 8 {"err":{"code":"cancelled","why":"halted"}}
--! out end {"result":{"code":"cancelled","half":0.5,"low":-3,"now":1700000000000000,"six":6,"slept":true,"ten":6},"state":"ended"}
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local now = ctx.now()
    local half = ctx.random()
    local ten = ctx.random(10)
    local six = ctx.random(1, 6)
    local low = ctx.random(-3, 3)
    local slept = ctx.sleep("3d") and ctx.sleep(1.5)
    local nothing, err = ctx.sleep("1h30m")
    assert(nothing == nil and tostring(err) == "cancelled: halted")
    return { now = now, half = half, ten = ten, six = six, low = low, slept = slept, code = err.code }
  end,
}
