-- Memos as files of a folder: a connector that keeps all promises. tests/e2e/check.bats breaks one of
-- its verbs at a time.
local keel = require "keel"
local verbs = {}

local page = 2

local function one(c, id)
  local found, err = c.fs.stat(c.config.folder, id)
  return found and { items = { { id = id } } }, err
end

function verbs.read(c, q)
  if q.body.id then
    return one(c, q.body.id)
  end
  local all, err = c.fs.list(c.config.folder, "")
  if not all then
    return nil, err
  end
  local items, after, more = keel.list {}, q.body.cursor or "", false
  for _, entry in ipairs(all) do
    if entry.name > after and #items < page then
      items[#items + 1] = { id = entry.name }
    elseif entry.name > after then
      more = true
    end
  end
  return { items = items, next = more and items[#items].id or nil }
end

function verbs.write(c, q)
  if type(q.body.text) ~= "string" then
    return nil, keel.fail("invalid", "a memo needs a text")
  elseif q.dry_run then
    return nil, keel.fail("not_implemented", "there is no dry run of a memo")
  end
  local ok, err = c.fs.write(c.config.folder, q.key .. ".txt", q.body.text)
  return ok and { id = q.key .. ".txt" }, err
end

function verbs.reconcile(c, q)
  local found, err = c.fs.stat(c.config.folder, q.key .. ".txt")
  if found then
    return keel.applied { id = q.key .. ".txt" }
  end
  return err.code == "not_found" and keel.absent() or keel.cannot_tell(err.message)
end

function verbs.compensate(c, q)
  local ok, err = c.fs.remove(c.config.folder, q.outcome.id)
  return ok and { id = q.outcome.id }, err
end

return verbs
