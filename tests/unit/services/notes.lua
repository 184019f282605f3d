-- The connector of the design's page on plugins, as it is printed there.
local keel = require "keel"
local function notes(c, method, path, body, key)
  local r = c.http[method](path, { json = body, key = key })
  return r.ok and r:json() or nil, keel.status(r)            -- 2xx ok, listed 4xx not applied, else unknown
end
return keel.connector { note = {
  read       = function(c, q) return notes(c, "get", "/notes/" .. q.id) end,
  write      = function(c, q) return notes(c, "post", "/notes", q.body, q.key) end,
  reconcile  = function(c, q)
    local hit = notes(c, "get", "/notes?ref=" .. q.key)
    return hit and hit[1] and keel.applied(hit[1].id) or keel.absent()
  end,
  compensate = function(c, q) return notes(c, "delete", "/notes/" .. q.outcome.id) end,
} }
