-- {name}: notes as files of a folder. A note's name is the effect's own key, so that none is written
-- twice, and one can be looked for when an answer was lost.
local keel = require "keel"

local function note_of(c, file)
  local text, err = c.fs.read(c.config.folder, file)
  return text and { id = file, text = text }, err
end

return keel.connector { note = {
  read = function(c, q)
    if q.body.id then
      local note, err = note_of(c, q.body.id)
      return note and { items = { note } }, err
    end
    local found, err = c.fs.list(c.config.folder, "")
    if not found then
      return nil, err
    end
    local items = keel.list {}
    for _, entry in ipairs(found) do
      if entry.kind == "file" then
        items[#items + 1] = { id = entry.name }
      end
    end
    return { items = items }
  end,
  write = function(c, q)
    if type(q.body.text) ~= "string" then
      return nil, keel.fail("invalid", "a note needs a text")
    end
    local file = q.key .. ".txt"
    if q.dry_run then
      return { id = file }
    end
    local ok, err = c.fs.write(c.config.folder, file, q.body.text)
    return ok and { id = file }, err
  end,
  reconcile = function(c, q)
    local found, err = c.fs.stat(c.config.folder, q.key .. ".txt")
    if found then
      return keel.applied { id = q.key .. ".txt" }
    end
    return err.code == "not_found" and keel.absent() or keel.cannot_tell(err.message)
  end,
} }
