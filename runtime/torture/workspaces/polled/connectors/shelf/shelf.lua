-- Papers are the words of a file; `applied` is the outside's own word on what was done.
local keel = require "keel"

local function read(c)
  local items = keel.list {}
  for word in (c.fs.read(c.config.folder, "papers") or ""):gmatch "%S+" do
    items[#items + 1] = { id = word }
  end
  return { items = items }
end

local function write(c, q)
  local done = c.fs.read(c.config.folder, "applied") or ""
  if not done:find(q.key, 1, true) then
    assert(c.fs.write(c.config.folder, "applied", done .. q.key .. " copy\n"))
  end
  return { id = q.key }
end

return keel.connector { paper = { read = read }, copy = { write = write } }
