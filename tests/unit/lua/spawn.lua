--! out call 1 spawn {"agent":"helper","input":{"id":1},"key":"m1"}
--! answer 1 {"ok":{"existing":false,"run":12}}
--! out call 2 spawn {"agent":"helper","input":null}
--! answer 2 {"err":{"code":"denied","rule":"none","why":"no rule allows it"}}
--! out call 3 wait {"run":12}
--! answer 3 {"ok":{"result":{"sum":3},"state":"ended"}}
--! out call 4 wait {"run":13}
--! answer 4 {"ok":{"error":{"code":"error","message":"helper.lua:3: no"},"state":"failed"}}
--! out call 5 wait {"run":14}
--! answer 5 {"err":{"code":"not_found","why":"there is no run 14"}}
--! out end {"result":[12,false,"denied",3,"error: helper.lua:3: no","failed","not_found"],"state":"ended"}
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local child = ctx.spawn("helper", { id = 1 }, { key = "m1" })
    local none, denied = ctx.spawn("helper")
    assert(none == nil)
    local result = ctx.wait(child)
    local _, err = ctx.wait(13)
    local _, gone = ctx.wait(14)
    return { child.run, child.existing, denied.code, result.sum, tostring(err), err.state, gone.code }
  end,
}
