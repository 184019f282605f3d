-- How long one request takes, seen from inside of a verb: the median of many, in nanoseconds.
local keel = require "keel"

return keel.connector { page = { read = function(c, q)
  local took = {}
  for i = 1, q.body.count do
    local from = c.clock.monotonic()
    local r, err = c.http.get("/page")
    if not r then
      return nil, err
    end
    took[i] = c.clock.monotonic() - from
  end
  table.sort(took)
  return { items = keel.list { { id = "page", p50_ns = took[#took // 2 + 1] } } }
end } }
