-- Documents in a granted folder. A write names what it expects to find, so that a person's change in
-- between is a conflict and never lost; what a write replaces is kept for its undo.
local keel = require "keel"

local kept = ".before" -- below it: KEY, what the write of that key replaced; KEY.none, that there was nothing
local page = 200
local neither = " is neither what was written nor what was there before"

-- ---- what is there ----

-- Bytes, or nil when there is nothing; an error in any other case.
local function current(c, path)
  local bytes, err = c.fs.read(c.config.folder, path)
  if not bytes and err.code ~= "not_found" then
    return nil, err
  end
  return bytes
end

-- What stood there when the write of this key began: bytes, or false for nothing; nil: it has not begun.
local function before(c, key)
  local bytes, err = current(c, kept .. "/" .. key)
  if bytes or err then
    return bytes, err
  end
  local none, bad = current(c, kept .. "/" .. key .. ".none")
  if bad then
    return nil, bad
  end
  return none and false
end

local function keep(c, key, bytes)
  return c.fs.write(c.config.folder, kept .. "/" .. key .. (bytes and "" or ".none"), bytes or "")
end

local function put(c, path, bytes, opts)
  if bytes then
    return c.fs.write(c.config.folder, path, bytes, opts)
  end
  return c.fs.remove(c.config.folder, path)
end

local function digest(bytes)
  return bytes and keel.digest(bytes) or nil
end

-- ---- writing ----

local function is_kept(path)
  return path == kept or path:sub(1, #kept + 1) == kept .. "/"
end

local fields = { path = true, text = true, remove = true, expect = true }

-- The path and what shall stand there: bytes, or false for nothing.
local function wanted(body)
  local path = type(body) == "table" and body.path
  for name in pairs(type(body) == "table" and body or {}) do
    if not fields[name] then -- whoever approved it has seen it
      return nil, keel.fail("invalid", "a document has no " .. tostring(name))
    end
  end
  if type(path) ~= "string" or path == "" then
    return nil, keel.fail("invalid", "a document has a path, such as \"offers/bakery.txt\"")
  elseif is_kept(path) then
    return nil, keel.fail("invalid", kept .. " holds what was replaced; it is not for documents")
  elseif body.remove ~= nil and body.remove ~= true then
    return nil, keel.fail("invalid", "remove is true, or it is not there")
  elseif (body.remove == true) == (body.text ~= nil) or body.text and type(body.text) ~= "string" then
    return nil, keel.fail("invalid", "a document has a text, or remove = true")
  elseif body.expect ~= nil and type(body.expect) ~= "string" then
    return nil, keel.fail("invalid", "expect is the etag of what was read, or \"absent\"")
  end
  return path, body.text or false
end

-- Whether what is there is what the writer takes to be there: what an earlier attempt found, or
-- what the arguments expect.
local function check_expected(body, now, found)
  local path, expect = body.path, body.expect
  if found ~= nil and now ~= (found or nil) then
    return keel.fail("unknown", path .. neither) -- an earlier attempt may have been changed since
  elseif expect == nil or expect == (digest(now) or "absent") then
    return nil
  end
  return keel.fail("conflict", not now and path .. " is not there"
    or expect == "absent" and path .. " is there already"
    or path .. " has changed since: its etag is now " .. digest(now))
end

-- What is recorded: for the agent, and for compensate.
local function ref(q, text, found)
  if found == nil then -- it was so before the first attempt
    found = text
  end
  return {
    id = q.body.path,
    etag = digest(text),
    size = text and #text or nil,
    removed = not text or nil,
    before = digest(found),
    key = q.key,
    unchanged = found == text or nil,
  }
end

local function write(c, q)
  local path, text = wanted(q.body)
  if not path then
    return nil, text
  end
  local now, err = current(c, path)
  local found, bad = before(c, q.key)
  if err or bad then
    return nil, err or bad
  elseif now == (text or nil) then
    return ref(q, text, found)
  end
  local conflict = check_expected(q.body, now, found)
  if conflict then
    return nil, conflict
  elseif not q.dry_run then
    local ok, failed = true, nil
    if found == nil then
      ok, failed = keep(c, q.key, now)
    end
    if ok then
      ok, failed = put(c, path, text, { new = not now })
    end
    if not ok then
      return nil, failed
    end
  end
  return ref(q, text, now or false)
end

local function reconcile(c, q)
  local path, text = wanted(q.body)
  if not path then
    return nil, text
  end
  local now, err = current(c, path)
  local found, bad = before(c, q.key)
  if err or bad then
    return nil, err or bad
  elseif now == (text or nil) then
    return keel.applied(ref(q, text, found))
  elseif found == nil or now == (found or nil) then
    return keel.absent()
  end
  return keel.cannot_tell(path .. neither)
end

-- Nobody needs it any more. What cannot be removed stays, and does no harm.
local function forget(c, key)
  for _, path in ipairs { kept .. "/" .. key, kept .. "/" .. key .. ".none", kept } do
    c.fs.remove(c.config.folder, path)
  end
end

local function compensate(c, q)
  local was = q.outcome
  local now, err = current(c, was.id)
  if err then
    return nil, err
  end
  local undone = { id = was.id, etag = was.before, removed = not was.before or nil }
  if was.unchanged or digest(now) == was.before then
    if not (was.unchanged or q.dry_run) then
      forget(c, was.key)
    end
    return undone
  elseif digest(now) ~= was.etag then
    return nil, keel.fail("conflict", was.id .. " was changed since, and is left as it is")
  end
  local found, bad = before(c, was.key)
  if bad then
    return nil, bad
  elseif was.before and digest(found or nil) ~= was.before then
    return nil, keel.fail("conflict", "what " .. was.id .. " was before is no longer in " .. kept)
  elseif not q.dry_run then
    local ok, failed = put(c, was.id, found, { new = not now })
    if not ok then
      return nil, failed
    end
    forget(c, was.key)
  end
  return undone
end

-- ---- reading ----

local function document(c, path)
  local bytes, err = c.fs.read(c.config.folder, path)
  if not bytes then
    return nil, err
  end
  local info = c.fs.stat(c.config.folder, path) or {}
  return { items = {
    { id = path, text = bytes, etag = keel.digest(bytes), size = #bytes, mtime_us = info.mtime_us },
  } }
end

-- The paths of all files below a folder.
local function walk(c, under, out)
  local entries, err = c.fs.list(c.config.folder, under)
  if not entries then
    return nil, err
  end
  for _, e in ipairs(entries) do
    local path = under == "" and e.name or under .. "/" .. e.name
    if e.kind == "file" then
      out[#out + 1] = path
    elseif e.kind == "folder" and path ~= kept then
      local ok, failed = walk(c, path, out)
      if not ok and failed.code ~= "not_found" then -- else it has gone meanwhile
        return nil, failed
      end
    end
  end
  return out
end

-- A page of them: those behind the cursor, which is the last path of the page before.
local function list(c, q)
  local under, limit, cursor = q.under or "", q.limit or page, q.cursor or ""
  if type(under) ~= "string" or is_kept(under) then
    return nil, keel.fail("invalid", "under is the path of a folder of documents")
  elseif math.type(limit) ~= "integer" or limit < 1 or type(cursor) ~= "string" then
    return nil, keel.fail("invalid", "limit is 1 or more, and cursor is what an earlier read gave as next")
  end
  local paths, err = walk(c, (under:gsub("/$", "")), {})
  if not paths then
    return nil, err
  end
  table.sort(paths)
  local items = {}
  for _, path in ipairs(paths) do
    local info = path > cursor and c.fs.stat(c.config.folder, path)
    if info and #items == math.min(limit, page) then
      return { items = items, next = items[#items].id }
    elseif info then
      items[#items + 1] = { id = path, size = info.size, mtime_us = info.mtime_us }
    end
  end
  return { items = keel.list(items) }
end

local function read(c, q)
  local body = q.body or {}
  local path = nil
  if type(body) == "table" then
    path = body.path == nil and body.id or body.path -- a document's id is its path
  end
  if type(body) ~= "table" or path ~= nil and type(path) ~= "string" then
    return nil, keel.fail("invalid", "read { path = } for a document, { under = } for a list of them")
  elseif path == nil then
    return list(c, body)
  end
  return document(c, path)
end

return keel.connector {
  document = { read = read, write = write, reconcile = reconcile, compensate = compensate },
}
