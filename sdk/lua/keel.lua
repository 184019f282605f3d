-- The library that agents and connectors `require "keel"`, and the functions of Lua's own libraries
-- that must be able to wait in a callback. Kept with each plugin version that was installed with it.
local lent = ...
local error, getmetatable, ipairs, pairs = error, getmetatable, ipairs, pairs
local tonumber, tostring, type = tonumber, tostring, type
local concat = table.concat
local find, sub, format, match = string.find, string.sub, string.format, string.match
local gsub_plain, gmatch = string.gsub, string.gmatch
local whole_number, text_length = math.tointeger, utf8.len

local keel = {}

keel.null = lent.null
-- JSON, base64 and percent-encoding: keel.json.encode(v), keel.json.decode(text), ...
keel.json, keel.base64, keel.url = lent.json, lent.base64, lent.url
-- BLAKE2b of a text's bytes, as 64 hexadecimal digits.
keel.digest = lent.digest

local function what_is(value)
  return value == nil and "nothing" or "a " .. type(value)
end

-- An array, also when it is empty: keel.list {} is [] where {} is {}.
function keel.list(items)
  if items ~= nil and type(items) ~= "table" then
    error("keel.list: its argument is a table, and is " .. what_is(items), 2)
  end
  items = items or {}
  if getmetatable(items) ~= nil and getmetatable(items) ~= "keel.list" then
    error("keel.list: this table has a metatable already", 2)
  end
  return lent.mark(items, "list")
end

-- ---- agents ----

local agent_fields = {
  name = "string", version = "string", outcome = "string", on_failure = "string", run = "function",
}

local function check_fields(what, spec, fields)
  if type(spec) ~= "table" then
    error(what .. ": its argument is a table, and is " .. what_is(spec), 3)
  end
  for name, value in pairs(spec) do
    local wanted = fields[name]
    if not wanted then
      error(format("%s: there is no field '%s'", what, tostring(name)), 3)
    elseif type(value) ~= wanted then
      error(format("%s: %s must be a %s, and is %s", what, name, wanted, what_is(value)), 3)
    end
  end
end

function keel.agent(spec)
  check_fields("keel.agent", spec, agent_fields)
  if not spec.run then
    error("keel.agent: it needs run = function(ctx, input) ... end", 2)
  end
  return lent.mark(spec, "agent")
end

-- ---- connectors ----

local verbs = { read = "function", write = "function", reconcile = "function", compensate = "function" }

function keel.connector(resources)
  if type(resources) ~= "table" then
    error("keel.connector: its argument is a table of resources, and is " .. what_is(resources), 2)
  end
  for name, resource in pairs(resources) do
    if type(name) ~= "string" then
      error("keel.connector: a resource has a name, as in { note = { read = ... } }", 2)
    end
    check_fields("keel.connector: " .. name, resource, verbs)
  end
  return lent.mark(resources, "connector")
end

local codes = {
  invalid = true, denied = true, not_found = true, conflict = true, retry = true, unknown = true,
  deadline = true, cancelled = true, internal = true, no_memory = true, not_implemented = true,
}

-- Why a verb did not do it: return nil, keel.fail("not_found", "there is no note 7").
function keel.fail(code, message)
  if type(code) ~= "string" or not codes[code] then
    error(format("keel.fail: '%s' is no status: invalid denied not_found conflict retry "
      .. "not_implemented (not applied), unknown deadline cancelled internal no_memory (maybe)",
      tostring(code)), 2)
  end
  return lent.mark({ code = code, message = tostring(message or code) }, "fail")
end

-- What an answer's status means for a verb (keel/http.h has the same list); all else of 4xx is
-- invalid, and all else unknown.
local meanings = {
  [401] = "denied", [403] = "denied", [404] = "not_found", [410] = "not_found", [409] = "conflict",
  [412] = "conflict", [429] = "retry", [408] = "unknown",
}

local function meaning_of(status)
  if status >= 200 and status < 400 then
    return "ok"
  end
  return meanings[status] or (status >= 400 and status < 500 and "invalid" or "unknown")
end

local function cut(text)
  local last = 200
  while #text > last and match(sub(text, last + 1, last + 1), "[\128-\191]") do
    last = last - 1
  end
  return sub(text, 1, last)
end

-- What the other side says of its refusal: a member of its JSON, or its text.
local function words_of(r)
  local value = r:json()
  if type(value) == "table" then
    for _, name in ipairs { "message", "error", "detail", "title" } do
      local text = value[name]
      if type(text) == "table" then
        text = text.message
      end
      if type(text) == "string" and text ~= "" then
        return cut(text)
      end
    end
  end
  return cut(r.body)
end

-- The second result of a verb: nil when the answer is good, else why not. Codes of one's own, by
-- status: keel.status(r, { [423] = "retry", [404] = "ok" }). Without an answer, err as it is.
function keel.status(r, opts)
  if r == nil then
    return opts or keel.fail("unknown", "there is no answer")
  elseif type(r) ~= "table" or type(r.status) ~= "number" then
    error("keel.status: its argument is an answer of c.http, and is " .. what_is(r), 2)
  end
  local code = opts and opts[r.status] or meaning_of(r.status)
  if code == "ok" then
    return nil
  end
  local words = words_of(r)
  return keel.fail(code, format("the answer was %d%s%s", r.status, words == "" and "" or ": ", words))
end

-- What reconcile found.
function keel.applied(ref)
  return lent.mark({ state = "applied", ref = ref }, "verdict")
end

function keel.absent()
  return lent.mark({ state = "absent" }, "verdict")
end

function keel.pending()
  return lent.mark({ state = "pending" }, "verdict")
end

function keel.cannot_tell(why)
  return lent.mark({ state = "cannot_tell", why = why and tostring(why) or nil }, "verdict")
end

-- What an attempt really cost: return result, keel.cost { USD = "0.002" }.
function keel.cost(amounts)
  local currency, amount
  for name, value in pairs(amounts) do
    if currency then
      error("keel.cost: one currency, as in { USD = \"0.002\" }", 2)
    end
    currency, amount = name, tostring(value)
  end
  local whole, dot, part = match(amount or "", "^(%d+)(%.?)(%d*)$")
  if not whole or not match(tostring(currency), "^%u%u%u$") or #part > 6 or #whole > 12
      or (dot == ".") ~= (part ~= "") then
    error("keel.cost: three capitals and an amount with at most 6 decimals, as in { USD = \"0.002\" }", 2)
  end
  local micros = tonumber(whole .. part .. ("0"):rep(6 - #part))
  return lent.mark({ currency = currency, micros = micros }, "cost")
end

-- What a model used: return result, keel.usage { model = r.model, input = 900, output = 120 }.
function keel.usage(used)
  if type(used) ~= "table" then
    error("keel.usage: its argument is a table, and is " .. what_is(used), 2)
  end
  local model = used.model
  if type(model) ~= "string" or #model < 1 or #model > 100 or find(model, "%c") or not text_length(model) then
    error("keel.usage: model is the name of the model that answered, of 1 to 100 bytes", 2)
  end
  local out = { model = model, input = 0, output = 0, cache_read = 0, cache_write = 0 }
  for name, count in pairs(used) do
    if out[name] == nil then
      error(format("keel.usage: there is no class of tokens '%s' (input, output, cache_read, cache_write)",
        tostring(name)), 2)
    elseif name ~= "model" then
      out[name] = type(count) == "number" and whole_number(count)
      if not out[name] or out[name] < 0 or out[name] > 1000000000 then
        error(format("keel.usage: %s is a number of tokens, from 0 to a billion", name), 2)
      end
    end
  end
  return lent.mark(out, "usage")
end

-- ---- files of the plugin ----

-- The bytes of a file that was installed with the plugin, such as "templates/reply.txt".
function keel.file(name)
  if type(name) ~= "string" then
    error("keel.file: its argument is a file's name, and is " .. what_is(name), 2)
  end
  local text = lent.file(name)
  if not text then
    error(format("keel.file: the plugin has no file '%s' (list it under templates: in its manifest)",
      name), 2)
  end
  return text
end

local function lookup(values, path)
  for part in gmatch(path, "[^.]+") do
    if type(values) ~= "table" then
      return nil
    end
    local value = values[part]
    if value == nil and match(part, "^%d+$") then
      value = values[tonumber(part)]
    end
    values = value
  end
  return values
end

-- templates/NAME with each {field} or {field.part} replaced by what `values` has there. {{ and }}
-- stand for braces. A field that is not there, or is no text or number, is an error.
function keel.template(name, values)
  local text = lent.file("templates/" .. tostring(name))
  if not text then
    error(format("keel.template: the plugin has no templates/%s (list it under templates: in its "
      .. "manifest)", tostring(name)), 2)
  end
  local out, at = {}, 1
  while true do
    local from = find(text, "[{}]", at)
    if not from then
      break
    end
    out[#out + 1] = sub(text, at, from - 1)
    local two = sub(text, from, from + 1)
    if two == "{{" or two == "}}" then
      out[#out + 1] = sub(two, 1, 1)
      at = from + 2
    else
      local _, last, path = find(text, "^{([%w_.]+)}", from)
      local value = path and lookup(values, path)
      if type(value) ~= "string" and type(value) ~= "number" then
        local _, line = gsub_plain(sub(text, 1, from), "\n", "\n")
        error(format("templates/%s:%d: %s", name, line + 1,
          path and "there is no text or number '" .. path .. "' to put here"
          or "a brace stands for itself when it is doubled"), 2)
      end
      out[#out + 1] = tostring(value)
      at = last + 1
    end
  end
  out[#out + 1] = sub(text, at)
  return concat(out)
end

-- ---- Lua's own, in Lua: their callbacks may wait ----

local function less_than(a, b)
  return a < b
end

-- Merge sort: stable, and it ends with any comparison.
local function sort(list, less)
  if type(list) ~= "table" then
    error("bad argument #1 to 'sort' (table expected, got " .. type(list) .. ")", 2)
  end
  if less ~= nil and type(less) ~= "function" then
    error("bad argument #2 to 'sort' (function expected, got " .. type(less) .. ")", 2)
  end
  less = less or less_than
  local n = #list
  for first = 1, n, 8 do
    local last = first + 7 < n and first + 7 or n
    for i = first + 1, last do
      local item, at = list[i], i
      while at > first and less(item, list[at - 1]) do
        list[at] = list[at - 1]
        at = at - 1
      end
      list[at] = item
    end
  end
  local from, to, width = list, {}, 8
  while width < n do
    for first = 1, n, 2 * width do
      local middle = first + width <= n and first + width or n + 1
      local last = first + 2 * width <= n and first + 2 * width or n + 1
      local a, b = first, middle
      for at = first, last - 1 do
        if a < middle and (b >= last or not less(from[b], from[a])) then
          to[at] = from[a]
          a = a + 1
        else
          to[at] = from[b]
          b = b + 1
        end
      end
    end
    from, to, width = to, from, 2 * width
  end
  if from ~= list then
    for i = 1, n do
      list[i] = from[i]
    end
  end
end

local function replacement(repl, whole, first, ...)
  if first == nil then
    first = whole
  end
  local value
  if type(repl) == "function" then
    value = repl(first, ...)
  else
    value = repl[first]
  end
  if not value then
    return whole
  elseif type(value) ~= "string" and type(value) ~= "number" then
    error("invalid replacement value (a " .. type(value) .. ")", 3)
  end
  return value
end

local function gsub_call(text, pattern, repl, limit)
  local out, count, at, last = {}, 0, 1, nil
  local anchored = sub(pattern, 1, 1) == "^"
  local function take(from, to, ...)
    if not from or (to < from and from == last) then
      return false
    end
    out[#out + 1] = sub(text, at, from - 1)
    out[#out + 1] = replacement(repl, sub(text, from, to), ...)
    count, at, last = count + 1, to + 1, to + 1
    return true
  end
  while count < limit and at <= #text + 1 do
    if not take(find(text, pattern, at)) then
      -- Nothing from here on, or an empty match where the last one ended: one character further.
      if anchored or not find(text, pattern, at) or at > #text then
        break
      end
      out[#out + 1] = sub(text, at, at)
      at = at + 1
    end
    if anchored then
      break
    end
  end
  out[#out + 1] = sub(text, at)
  return concat(out), count
end

local function gsub(text, pattern, repl, limit)
  local kind = type(repl)
  if kind ~= "function" and not (kind == "table" and getmetatable(repl)) then
    return gsub_plain(text, pattern, repl, limit)
  end
  if type(text) ~= "string" and type(text) ~= "number" then
    error("bad argument #1 to 'gsub' (string expected, got " .. type(text) .. ")", 2)
  elseif type(pattern) ~= "string" and type(pattern) ~= "number" then
    error("bad argument #2 to 'gsub' (string expected, got " .. type(pattern) .. ")", 2)
  end
  return gsub_call(tostring(text), tostring(pattern), repl, limit or #tostring(text) + 1)
end

return keel, { ["table.sort"] = sort, ["string.gsub"] = gsub }
