-- {name}: notes of a web service. The connection's config says where it is, and its `auth` how to
-- log in: egress adds that to each request, and no script ever sees it.
local keel = require "keel"

-- The answer as JSON, or nil and why not: 2xx ok, a 4xx was not applied, all else is unknown.
local function ask(c, method, path, opts)
  local r, err = c.http[method](path, opts)
  local failed = keel.status(r, err)
  if failed then
    return nil, failed
  end
  return r:json() or {}
end

return keel.connector { note = {
  read = function(c, q)
    if q.body.id then
      local note, err = ask(c, "get", "/notes/" .. q.body.id)
      return note and { items = { note } }, err
    end
    local page, err = ask(c, "get", "/notes", { query = { cursor = q.body.cursor } })
    return page and { items = keel.list(page.items), next = page.next }, err
  end,
  -- q.key is the effect's own, the same on every attempt: kept with the note, it is what
  -- `reconcile` looks for.
  write = function(c, q)
    if type(q.body.text) ~= "string" then
      return nil, keel.fail("invalid", "a note needs a text")
    end
    if q.dry_run then
      return { text = q.body.text }
    end
    return ask(c, "post", "/notes", { json = { text = q.body.text, ref = q.key }, key = q.key })
  end,
  reconcile = function(c, q)
    local found, err = ask(c, "get", "/notes", { query = { ref = q.key } })
    if not found then
      return keel.cannot_tell(err.message)
    end
    local note = found.items and found.items[1]
    return note and keel.applied(note) or keel.absent()
  end,
} }
