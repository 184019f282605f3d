--! out call 1 receive {}
--! answer 1 {"ok":{"body":{"n":1},"name":"mail"}}
--! out call 2 receive {"name":"reply","timeout_us":604800000000}
--! answer 2 {"ok":null}
--! out call 3 receive {"timeout_us":2000000}
--! answer 3 {"ok":{"body":null,"name":"tick"}}
--! out end {"result":["mail",1,true,"tick"],"state":"ended"}
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local first = ctx.receive()
    local second = ctx.receive("reply", { timeout = "7d" })
    local third = ctx.receive({ timeout = 2 })
    return { first.name, first.body.n, second == nil, third.name }
  end,
}
