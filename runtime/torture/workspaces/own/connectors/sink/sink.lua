-- The outside of the crash tests. What is done stands in the folder's file `applied`, one line each:
-- that file, not the journal, says what really happened.
local keel = require "keel"

local last_words = {
  die = function()
    return ("x"):rep(1 << 30) -- over its memory, at once: the executor ends
  end,
  hang = function(c)
    while true do
      c.clock.sleep(1)
    end
  end,
}

local function lines(c)
  return c.fs.read(c.config.folder, "applied") or ""
end

local function is_applied(c, key)
  return lines(c):find(key, 1, true) ~= nil
end

local function fail_at_first(c, q, how)
  if how and q.attempt == 1 then
    last_words[how](c)
  end
end

local function write(c, q)
  if q.body.bad then
    return nil, keel.fail("invalid", "it was asked to be refused")
  end
  if c.config.fails and q.attempt <= c.config.fails then
    return nil, keel.fail("retry", "it has a bad day")
  end
  if q.body.stubborn and not c.fs.read(c.config.folder, "mended") then
    return nil, keel.fail("conflict", "it is not mended")
  end
  fail_at_first(c, q, c.config.before)
  if q.resource ~= "keyed" or not is_applied(c, q.key) then
    local line = q.key .. " " .. q.resource .. "\n"
    local ok, why = c.fs.write(c.config.folder, "applied", lines(c) .. line)
    if not ok then
      return nil, why
    end
  end
  fail_at_first(c, q, c.config.after)
  return { ref = q.key }
end

local function take_back(c, q)
  local line = q.key .. " " .. q.resource .. ".compensate\n"
  assert(c.fs.write(c.config.folder, "applied", lines(c) .. line))
  fail_at_first(c, q, c.config.after)
  return { ref = q.key }
end

local function refuse()
  return nil, keel.fail("invalid", "this cannot be taken back")
end

local function look(c, q)
  return is_applied(c, q.key) and keel.applied { ref = q.key } or keel.absent()
end

local function count(c)
  local _, n = lines(c):gsub("\n", "\n")
  return { items = keel.list { { id = "count", lines = n } } }
end

return keel.connector {
  keyed = { read = count, write = write },
  checkable = { write = write, reconcile = look },
  slow = { write = write, reconcile = look },
  once = { write = write },
  repeatable = { write = write },
  signed = { write = write, reconcile = look },
  rejected = { write = write },
  edited = { write = write },
  stale = { write = write, reconcile = look },
  remembered = { write = write, reconcile = look },
  expiring = { write = write },
  undoable = { write = write, reconcile = look, compensate = take_back },
  fixed = { write = write, reconcile = look, compensate = refuse },
  forbidden = { write = write },
}
