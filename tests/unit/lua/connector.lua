--! kind connector
--! config {"base":"x","list":[]}
--! verb 1 {"attempt":1,"body":{"id":"7","key":"mine"},"deadline_us":0,"flags":[],"key":"e1","mode":null,"outcome":null,"resource":"note","verb":"read"}
--! out reply 1 {"result":{"attempt":1,"base":"x","dry":false,"id":"7","key":"e1","mine":"mine","n":1}}
--! verb 2 {"attempt":3,"body":{"text":"a"},"deadline_us":5,"flags":["dry_run"],"key":"e2","mode":null,"outcome":null,"resource":"note","verb":"write"}
--! out note warn writes a
--! out reply 2 {"cost":{"currency":"USD","micros":2000},"result":{"dry":true,"id":1}}
--! verb 3 {"attempt":1,"body":{"text":""},"deadline_us":0,"flags":[],"key":"e3","mode":null,"outcome":null,"resource":"note","verb":"write"}
--! out fail 3 {"code":"invalid","cost":{"currency":"EUR","micros":1000000},"message":"an empty note"}
--! verb 4 {"attempt":1,"body":{"text":"?"},"deadline_us":0,"flags":[],"key":"e4","mode":null,"outcome":null,"resource":"note","verb":"write"}
--! out fail 4 {"code":"internal","message":"connector.lua:40: what?"}
--! out note error stack traceback:
--! verb 5 {"attempt":1,"body":{"text":"nothing"},"deadline_us":0,"flags":[],"key":"e5","mode":null,"outcome":null,"resource":"note","verb":"write"}
--! out fail 5 {"code":"internal","message":"write returned neither a value nor a reason: return a value, or nil and keel.fail(code, message)"}
--! verb 6 {"attempt":1,"body":{},"deadline_us":0,"flags":[],"key":"e6","mode":"effect","outcome":{"id":4},"resource":"note","verb":"reconcile"}
--! out reply 6 {"result":{"ref":{"id":4},"state":"applied"}}
--! verb 7 {"attempt":1,"body":{},"deadline_us":0,"flags":[],"key":"e7","mode":"effect","outcome":null,"resource":"note","verb":"reconcile"}
--! out reply 7 {"result":{"state":"absent"}}
--! verb 8 {"attempt":1,"body":{"odd":"pending"},"deadline_us":0,"flags":[],"key":"e8","mode":"effect","outcome":null,"resource":"note","verb":"reconcile"}
--! out reply 8 {"result":{"state":"pending"}}
--! verb 9 {"attempt":1,"body":{"odd":"cannot_tell"},"deadline_us":0,"flags":[],"key":"e9","mode":"effect","outcome":null,"resource":"note","verb":"reconcile"}
--! out reply 9 {"result":{"state":"cannot_tell","why":"odd"}}
--! verb 10 {"attempt":1,"body":{"odd":"true"},"deadline_us":0,"flags":[],"key":"e10","mode":"effect","outcome":null,"resource":"note","verb":"reconcile"}
--! out fail 10 {"code":"internal","message":"reconcile returned no verdict: return keel.applied(ref), keel.absent(), keel.pending() or keel.cannot_tell()"}
--! verb 11 {"attempt":1,"body":{},"deadline_us":0,"flags":[],"key":"e11","mode":null,"outcome":null,"resource":"note","verb":"compensate"}
--! out fail 11 {"code":"not_implemented","message":"connector.lua has no compensate of 'note'"}
--! verb 12 {"attempt":1,"body":{},"deadline_us":0,"flags":[],"key":"e12","mode":null,"outcome":null,"resource":"page","verb":"read"}
--! out fail 12 {"code":"not_implemented","message":"connector.lua has no read of 'page'"}
--! verb 13 {"attempt":1,"body":{},"deadline_us":0,"flags":[],"key":"e13","mode":null,"outcome":null,"resource":"note","verb":"delete"}
--! out fail 13 {"code":"not_implemented","message":"there is no verb 'delete' here"}
--! verb 14 {"attempt":1,"body":{"id":"hole"},"deadline_us":0,"flags":[],"key":null,"mode":null,"outcome":null,"resource":"note","verb":"read"}
--! out fail 14 {"code":"internal","message":"what the verb returned cannot be recorded: result[2]: a hole"}
local keel = require "keel"
local reads = 0

local function write(c, q)
  if q.text == "" then
    return nil, keel.fail("invalid", "an empty note"), keel.cost { EUR = 1 }
  elseif q.body.text == "?" then
    error("what?")
  elseif q.text == "nothing" then
    return
  end
  c.log("warn", "writes " .. q.text)
  return { id = 1, dry = q.dry_run }, keel.cost { USD = "0.002" }
end

return keel.connector {
  note = {
    read = function(c, q)
      reads = reads + 1
      if q.id == "hole" then return { 1, nil, 3 } end
      return { id = q.id, mine = q.body.key, key = q.key, n = reads, base = c.config.base,
        dry = q.dry_run, attempt = q.attempt }
    end,
    write = write,
    reconcile = function(_, q)
      if q.odd == "pending" then return keel.pending() end
      if q.odd == "cannot_tell" then return keel.cannot_tell("odd") end
      if q.odd then return { state = "applied" } end
      return q.outcome and keel.applied(q.outcome) or keel.absent()
    end,
  },
}
