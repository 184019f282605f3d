-- {name}: notes of a web service. The connection's config says where it is, and its `auth` how to
-- log in: egress adds that to each request, and no script ever sees it.
local keel = require "keel"

-- The answer as JSON, or nil and why there is none: 2xx ok, a 4xx was not applied, and what cannot be
-- understood is unknown, for it may have been.
local function ask(c, method, path, opts)
  local r, err = c.http[method](path, opts)
  local failed = keel.status(r, err)
  if failed then
    return nil, failed
  end
  local value = r:json()
  if type(value) ~= "table" then
    return nil, keel.fail("unknown", "the answer is no JSON")
  end
  return value
end

return keel.connector { note = {
  read = function(c, q)
    if q.body.id then
      local note, err = ask(c, "get", "/notes/" .. keel.url.encode(tostring(q.body.id)))
      return note and { items = { note } }, err
    end
    local page, err = ask(c, "get", "/notes", { query = { cursor = q.body.cursor } })
    if not page then
      return nil, err
    elseif type(page.items) ~= "table" then
      return nil, keel.fail("unknown", "the answer has no items")
    end
    return { items = keel.list(page.items), next = page.next }
  end,
  -- q.key is the effect's own, the same on every attempt, and goes along as Idempotency-Key: the
  -- service keeps it as the note's `ref`, and that is what `reconcile` looks for.
  write = function(c, q)
    if type(q.body.text) ~= "string" then
      return nil, keel.fail("invalid", "a note needs a text")
    end
    if q.dry_run then
      return { text = q.body.text }
    end
    local note, err = ask(c, "post", "/notes", { json = { text = q.body.text }, key = q.key })
    if note and not note.id then
      return nil, keel.fail("unknown", "the answer names no note")
    end
    return note and { id = note.id }, err
  end,
  reconcile = function(c, q)
    local found, err = ask(c, "get", "/notes", { query = { ref = q.key } })
    if not found then
      return nil, err
    end
    return found[1] and keel.applied { id = found[1].id } or keel.absent()
  end,
} }
