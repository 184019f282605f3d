--! out call 1 spawn {"agent":"sorter","input":{"mail":7},"quarantine":true,"returns":{"due":{"optional":true,"type":"date"},"kind":{"enum":["lead","invoice"]},"sum":{"decimals":2,"number":[0,1000]},"urgent":"bool"}}
--! answer 1 {"ok":{"existing":false,"run":12}}
--! out call 2 wait {"run":12}
--! answer 2 {"ok":{"result":{"kind":"lead","sum":12.5,"urgent":true},"state":"ended"}}
--! out call 3 spawn {"agent":"sorter","input":null,"key":"m1","quarantine":true,"returns":{"name":"string"}}
--! answer 3 {"err":{"code":"not_found","why":"returns/name: a text is open"}}
--! out call 4 wait {"run":13}
--! answer 4 {"ok":{"error":{"code":"quarantine","message":"it does not fit its schema"},"state":"failed"}}
--! out end {"result":["lead","returns/name: a text is open","quarantine: it does not fit its schema"],"state":"ended"}
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local child = ctx.spawn("sorter", { mail = 7 }, { quarantine = true, returns = {
      urgent = "bool", kind = { enum = { "lead", "invoice" } }, sum = { number = { 0, 1000 }, decimals = 2 },
      due = { type = "date", optional = true },
    } })
    local sorted = ctx.wait(child)
    local _, open = ctx.spawn("sorter", nil, { key = "m1", quarantine = true, returns = { name = "string" } })
    local _, err = ctx.wait(13)
    return { sorted.kind, open.why, tostring(err) }
  end,
}
