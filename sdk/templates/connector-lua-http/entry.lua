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
  local value = r.status == 204 and {} or r:json() -- 204: done, and nothing to say
  if type(value) ~= "table" then
    return nil, keel.fail("unknown", "the answer is no JSON")
  end
  return value
end

-- The address of one note. An id is a text or a whole number, as the service gave it; as a part of an
-- address "." and ".." would name another thing.
local function path_of(id)
  if math.type(id) ~= "integer" and (type(id) ~= "string" or id:match("^%.?%.?$")) then
    return nil, keel.fail("invalid", "an id is a text or a whole number")
  end
  return "/notes/" .. keel.url.encode(tostring(id))
end

return keel.connector { note = {
  read = function(c, q)
    if q.body.id ~= nil then
      local path, bad = path_of(q.body.id)
      if not path then
        return nil, bad
      end
      local note, err = ask(c, "get", path)
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
  -- service keeps it as the note's `ref`, and that is what `reconcile` looks for. Change the name if
  -- your service calls it otherwise (headers = { ["X-Key"] = q.key } instead of key); a service that
  -- ignores repeats of it is `keyed, window:` in the manifest.
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
  -- Undoes a write, given its result. What is gone already was undone.
  compensate = function(c, q)
    local path, bad = path_of(q.outcome.id)
    if not path then
      return nil, bad
    end
    local gone, err = ask(c, "delete", path)
    if gone or err.code == "not_found" then
      return { id = q.outcome.id }
    end
    return nil, err
  end,
} }
