-- Notes of a service: a connector that keeps all promises. tests/e2e/check.bats breaks one of its verbs
-- at a time.
local keel = require "keel"
local verbs = {}

-- The answer's JSON, or nil and why there is none.
local function ask(c, method, path, opts)
  local r, err = c.http[method](path, opts)
  if not r then
    return nil, err
  end
  local bad = keel.status(r)
  if bad then
    return nil, bad
  end
  local value = #r.body > 0 and r:json() or {}
  if type(value) ~= "table" then
    return nil, keel.fail("unknown", "the answer is no JSON")
  end
  return value
end

function verbs.read(c, q)
  if q.body.id then
    local note, err = ask(c, "get", "/notes/" .. q.body.id)
    return note and { items = { note } }, err
  end
  local found, err = ask(c, "get", "/notes", { query = { cursor = q.body.cursor } })
  if not found then
    return nil, err
  elseif not found.items then
    return nil, keel.fail("unknown", "the answer has no items")
  end
  return { items = found.items, next = found.next }
end

function verbs.write(c, q)
  if q.dry_run then
    return nil, keel.fail("not_implemented", "the service has no dry run")
  end
  local note, err = ask(c, "post", "/notes", { json = q.body, key = q.key })
  return note and { id = note.id }, err
end

function verbs.reconcile(c, q)
  local hit, err = ask(c, "get", "/notes", { query = { ref = q.key } })
  if not hit then
    return nil, err
  end
  return hit[1] and keel.applied { id = hit[1].id } or keel.absent()
end

function verbs.compensate(c, q)
  local gone, err = ask(c, "delete", "/notes/" .. q.outcome.id)
  return gone and { id = q.outcome.id }, err
end

return verbs
