-- expect: ended
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    local task = coroutine.wrap(function()
      for _ = 1, 3 do
        coroutine.yield(c.http.get("/echo").status)
      end
    end)
    assert(task() == 200 and task() == 200)
    local other = coroutine.create(function() return c.http.get("/slow/50").status end)
    coroutine.resume(other)
    return coroutine.status(other)
  end,
} }
