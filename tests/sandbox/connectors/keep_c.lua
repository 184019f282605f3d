-- expect: ended
-- Keeps what it was lent, and uses it in another verb.
local keel = require "keel"

local kept = {}

return keel.connector { thing = {
  read = function(c, q)
    kept.c, kept.q = c, q
    kept.stream = c.stream.open(c.config.lines)
    kept.task = coroutine.create(function()
      coroutine.yield(c.http.get("/echo"))
      kept.late = c.http.get("/echo").status
    end)
    coroutine.resume(kept.task)
    return "again"
  end,
}, again = {
  read = function(c)
    assert(rawequal(kept.c, c))
    local _ = kept.q.body, kept.q.nothing, kept.stream:send("x")
    kept.stream:close()
    coroutine.resume(kept.task)
    return kept.late
  end,
} }
