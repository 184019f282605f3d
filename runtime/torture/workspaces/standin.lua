-- Stands for the outside of a workspace under torture. What it applies stands in its folder's file
-- `applied`, one line each: the effect's key, the verb, the digest of the arguments. That file, not
-- the journal, says what really happened. What it answers comes from the scenes (answers.json), or is
-- a plain result. `fault` names one call at which it does not do what it should.
local keel = require "keel"

local function read(c, name)
  return c.fs.read(c.config.folder, name) or ""
end

local function append(c, name, line)
  assert(c.fs.write(c.config.folder, name, read(c, name) .. line .. "\n"))
end

local function applied(c, key)
  return ("\n" .. read(c, "applied")):find("\n" .. key, 1, true) ~= nil
end

-- ---- answers ----

local function same(a, b)
  return keel.json.encode(a) == keel.json.encode(b)
end

-- The same effect gets the same answer on each attempt; another one the next that fits.
local function choose(c, q, verb)
  local text = read(c, "answers.json")
  local scene = text ~= "" and keel.json.decode(text) or { answers = {}, scene = 0 }
  local given, taken = read(c, "given"), {}
  local mark = scene.scene .. " " .. q.key .. " "
  for key, index in given:gmatch("(%S+ %S+) (%d+)\n") do
    if key .. " " == mark then
      return scene.answers[tonumber(index)]
    end
    if key:match("^(%S+)") == tostring(scene.scene) then
      taken[tonumber(index)] = true
    end
  end
  local exact, any
  for i, a in ipairs(scene.answers) do
    if a.use == verb then
      if a.args and a.args ~= keel.null and same(a.args, q.body) then
        exact = (exact and not taken[exact]) and exact or i
      elseif not a.args or a.loose then
        any = (any and not taken[any]) and any or i
      end
    end
  end
  local index = exact or any
  if index then
    append(c, "given", mark .. index)
  end
  return index and scene.answers[index]
end

local refusals = { invalid = true, denied = true, not_found = true, conflict = true, retry = true,
                   not_implemented = true }

local function refused(answer)
  return answer and answer.err and answer.err ~= keel.null and refusals[answer.err.code]
end

local function answer_or(answer, plain)
  if answer and answer.ok ~= nil and answer.ok ~= keel.null then
    return answer.ok
  end
  return plain
end

-- ---- faults ----

local function die()
  return ("x"):rep(1 << 30) -- over its memory, at once: the executor ends
end

local function never(c)
  while true do
    c.clock.sleep(1)
  end
end

-- How this call goes wrong, or nil. Each call is counted, so it goes wrong once.
local function fault(c, verb)
  append(c, "calls", verb)
  local wanted, at, how = read(c, "fault"):match("^(%S+) (%d+) (%S+)")
  if wanted ~= verb then
    return nil
  end
  local n = 0
  for line in read(c, "calls"):gmatch("[^\n]+") do
    n = n + (line == verb and 1 or 0)
  end
  if n ~= tonumber(at) then
    return nil
  end
  append(c, "struck", verb .. " " .. how)
  return how
end

local function after(c, how)
  if how == "dies" then
    die()
  elseif how == "silent" then
    never(c)
  elseif how == "late" then
    c.clock.sleep(0.5)
  end
end

-- ---- verbs ----

local function look_up(resource)
  return function(c, q)
    if q.key == ("0"):rep(32) then
      return { items = keel.list {} } -- a poll: what a scene receives is sent
    end
    local verb = resource .. ".read"
    local how = fault(c, verb)
    if how == "dies_before" then
      die()
    end
    local answer = choose(c, q, verb)
    after(c, how)
    if refused(answer) then
      return nil, keel.fail(answer.err.code, answer.err.why or "the scene says so")
    end
    return answer_or(answer, { items = keel.list {} })
  end
end

local function apply(resource, name, class)
  return function(c, q)
    if q.dry_run then
      return nil, keel.fail("not_implemented", "there is no dry run")
    end
    local verb = resource .. "." .. name
    local how = fault(c, verb)
    if how == "dies_before" then
      die()
    end
    local answer = choose(c, q, verb)
    if refused(answer) then
      after(c, how)
      return nil, keel.fail(answer.err.code, answer.err.why or "the scene says so")
    end
    if class ~= "keyed" or not applied(c, q.key) then
      local digest = name == "write" and keel.digest(keel.json.encode(q.body)) or "-"
      append(c, "applied", q.key .. " " .. verb .. " " .. digest)
    end
    after(c, how)
    return answer_or(answer, { ref = q.key })
  end
end

local function reconcile(resource)
  return function(c, q)
    local verb = resource .. ".reconcile"
    local how = fault(c, verb)
    if how == "dies_before" then
      die()
    end
    after(c, how)
    if not applied(c, q.key) then
      return keel.absent()
    end
    return keel.applied(answer_or(choose(c, q, resource .. ".write"), { ref = q.key }))
  end
end

return function(resources)
  local verbs = {}
  for name, has in pairs(resources) do
    verbs[name] = {
      read = has.read and look_up(name) or nil,
      write = has.write and apply(name, "write", has.write) or nil,
      compensate = has.compensate and apply(name, "compensate", has.compensate) or nil,
      reconcile = has.write and reconcile(name) or nil,
    }
  end
  return keel.connector(verbs)
end
