-- The engine of services that are declared in YAML alone (README.md). It is installed beside the
-- description of each, which Keel has checked, and which it reads as service.json.
local keel = require "keel"
local request = require "rest_request"

local service, is_list, at = request.service, request.is_list, request.at
local text_of, fill, fill_value = request.text_of, request.fill, request.fill_value
local fill_address, has_names, query_of = request.fill_address, request.has_names, request.query_of
local list_address, method_of, prepare = request.list_address, request.method_of, request.prepare
local send, ask = request.send, request.ask

-- ---- read ----

local function no_id(path)
  return keel.fail("unknown", "what the service answered has no " .. path .. " to be known by")
end

local function item_of(value, spec, otherwise)
  local item = type(value) == "table" and value or { id = value, value = value }
  local id = at(item, spec.id or "id")
  if id == nil then
    id = otherwise
  end
  item.id = text_of(id, "id")
  return item.id and item or nil
end

local function read_one(c, spec, scope)
  local address, bad = fill_address(spec.get, scope)
  if not address then
    return nil, bad
  end
  local r, err = ask(c, spec, address, scope)
  if err then
    return nil, err
  end
  local known = scope.args.id
  if spec.as == "text" then
    return { items = { { id = known or address, text = r.body, etag = r:header("etag") } } }
  end
  local value, no_json = r:json()
  if value == nil then
    return nil, no_json
  end
  local one = value
  if spec.item then
    one = at(value, spec.item)
  end
  local item = one ~= nil and one ~= keel.null and item_of(one, spec, known)
  if not item then
    return nil, no_id(spec.id or "id")
  end
  item.etag = item.etag or r:header("etag")
  return { items = { item } }
end

local function link_of(r, rel)
  for target, rest in (r:header("link") or ""):gmatch("<([^>]*)>([^<]*)") do
    if rest:find("rel=\"?" .. rel:gsub("%p", "%%%0") .. "\"?") then
      return target
    end
  end
end

local function next_of(spec, cursor, r, value, count)
  local how = spec.next
  if not how then
    return nil
  elseif how.page or how.offset then
    local now = tonumber(cursor) or how.from or (how.page and 1 or 0)
    if count < (how.full or 1) then
      return nil
    end
    return text_of(how.page and now + 1 or now + count, "next")
  end
  local found
  if how.link then
    found = link_of(r, how.link)
  else
    found = at(value, how.at)
  end
  if found == nil or found == "" or found == false then
    return nil
  elseif how.param then
    return text_of(found, "next")
  end
  return query_of(tostring(found))
end

local function read_many(c, spec, scope)
  local cursor = scope.args.cursor
  local address, bad = list_address(spec, scope, cursor)
  if not address then
    return nil, bad
  end
  local r, err = ask(c, spec, address, scope)
  if err then
    return nil, err
  end
  local value, no_json = r:json()
  if value == nil then
    return nil, no_json
  end
  local list = value
  if spec.items then
    list = at(value, spec.items)
  end
  if not is_list(list) then
    return nil, keel.fail("unknown", "the service answered no list" .. (spec.items and " at " .. spec.items or ""))
  end
  for i, one in ipairs(list) do
    list[i] = item_of(one, spec)
    if not list[i] then
      return nil, no_id(spec.id or "id")
    end
  end
  local following, unusable = next_of(spec, cursor, r, value, #list)
  if unusable then
    return nil, unusable
  end
  return { items = list, next = following }
end

local function scope_of(q)
  return { args = type(q.body) == "table" and q.body or {}, key = q.key, outcome = q.outcome }
end

local function reader(spec)
  return function(c, q)
    local scope = scope_of(q)
    if spec.get and (not spec.list or has_names(spec.get, scope)) then
      return read_one(c, spec, scope)
    end
    return read_many(c, spec, scope)
  end
end

-- ---- write and compensate ----

-- The first request that fits.
local function choose(spec, scope)
  local wanted = {}
  for _, one in ipairs(is_list(spec) and spec or { spec }) do
    local value = one.when == nil or at(scope.args, one.when)
    if value then
      return one
    end
    wanted[#wanted + 1] = one.when
  end
  return nil, keel.fail("invalid", "no request fits: one of these arguments is needed: "
    .. table.concat(wanted, ", "))
end

-- What is recorded. value: what the answer says, or what was found in it; nil: nothing.
local function result_of(spec, value, scope)
  if not spec.result then
    local id = at(value, "id")
    if id == nil then
      id = scope.args.id
    end
    if id == nil then
      id = at(scope.outcome, "id")
    end
    return { id = (text_of(id, "id")) }
  end
  local out = {}
  for name, what in pairs(spec.result) do
    local found, bad
    if what:find("[{}]") then
      found, bad = fill_value(what, scope)
    else
      found = at(value, what)
      bad = found == nil and keel.fail("unknown", "what the service answered has no " .. what) or nil
    end
    if bad then
      return nil, bad
    end
    out[name] = found
  end
  return out
end

local function needs_answer(spec)
  for _, what in pairs(spec.result or {}) do
    if not what:find("[{}]") then
      return true
    end
  end
  return false
end

-- The answer's JSON where it is needed, or where it is one.
local function value_of(r, spec)
  local json = (r:header("content-type") or ""):find("json", 1, true)
  if not needs_answer(spec) and (spec.result or not json) then
    return nil
  end
  return r:json()
end

local function changer(spec)
  return function(c, q)
    local scope = scope_of(q)
    local one, unfit = choose(spec, scope)
    if not one then
      return nil, unfit
    end
    local method = method_of(one)
    local address, bad = fill_address(one[method], scope)
    if not address then
      return nil, bad
    end
    local asked, wrong = prepare(c, one, method, address, scope)
    if not asked then
      return nil, wrong
    elseif q.dry_run then
      return { would = asked.method .. " " .. asked.url }
    end
    local r, refusal = send(c, one, asked)
    if refusal then
      return nil, refusal
    end
    scope.answer = r
    if not r.ok then -- `errors` says that this is as good
      return result_of({}, nil, scope)
    end
    local value, no_json = value_of(r, one)
    if no_json then
      return nil, no_json
    end
    return result_of(one, value, scope)
  end
end

-- ---- reconcile ----

local function applied(spec, value, scope)
  local ref, bad = result_of(spec, value, scope)
  if not ref then
    return nil, bad
  end
  return keel.applied(ref)
end

-- It is not what was written. Only what was there before proves that nothing was.
local function not_applied(scope)
  local etag = scope.args.etag
  if etag ~= nil and scope.answer:header("etag") == etag then
    return keel.absent()
  end
  return keel.cannot_tell("what is there is neither what was written nor what the argument etag names")
end

local function is_same(same, value, scope)
  if type(same) == "string" then
    local text, bad = fill(same, scope)
    return text == scope.answer.body, bad
  end
  for path, text in pairs(same) do
    local wanted, bad = fill_value(text, scope)
    local found = at(value, path)
    if bad then
      return nil, bad
    elseif found == nil or keel.json.encode(found) ~= keel.json.encode(wanted) then
      return false
    end
  end
  return true
end

-- A service that does not know what it was asked by answers with whatever it has: what holds another
-- value where it was asked for the key is not what was written. Returns that name.
local function holds_another(spec, found, scope)
  local one = is_list(found) and found[1] or found
  for name in spec.get:gmatch("[?&]([^=&{}]+)={key}") do
    local held = type(one) == "table" and one[name]
    if held and held ~= scope.key then
      return name
    end
  end
end

local function find(spec, value, scope)
  local found, holder = value, value
  if spec.found then
    found, holder = at(value, spec.found)
  end
  if found ~= nil and found ~= keel.null and found ~= false and not (is_list(found) and #found == 0) then
    local asked = holds_another(spec, found, scope)
    if asked then
      return keel.cannot_tell("the service was asked for " .. asked .. "=" .. scope.key
          .. ", and answered with another object")
    end
    return applied(spec, found, scope)
  end
  local name = spec.found and spec.found:match("[^.]+$")
  if is_list(found) or is_list(holder) or type(holder) == "table" and holder[name] == keel.null then
    return keel.absent()
  end
  return keel.cannot_tell("the service answered, and there is no " .. (spec.found or "value") .. " in it")
end

local function judge(spec, r, scope)
  if spec.gone then
    local etag = scope.args.etag
    if etag ~= nil and r:header("etag") ~= etag then
      return not_applied(scope)
    end
    return keel.absent()
  end
  if type(spec.same) == "string" then
    local same, bad = is_same(spec.same, nil, scope)
    if bad then
      return nil, bad
    end
    return same and applied(spec, nil, scope) or not_applied(scope)
  end
  local value, no_json = r:json()
  if value == nil then
    return nil, no_json
  elseif not spec.same then
    return find(spec, value, scope)
  end
  local same, bad = is_same(spec.same, value, scope)
  if bad then
    return nil, bad
  end
  return same and applied(spec, value, scope) or not_applied(scope)
end

local function finder(spec)
  return function(c, q)
    local scope = scope_of(q)
    local one, unfit = choose(spec, scope)
    if not one then
      return nil, unfit
    end
    local address, bad = fill_address(one.get, scope)
    if not address then
      return nil, bad
    end
    local r, err = ask(c, one, address, scope)
    if not r then
      return nil, err
    end
    scope.answer = r
    if err and err.code == "not_found" then
      return one.gone and applied({}, nil, scope) or keel.absent()
    elseif err then
      return nil, err
    end
    return judge(one, r, scope)
  end
end

-- ---- the connector ----

local verbs = {}
for name, resource in pairs(service.resources) do
  verbs[name] = {
    read = resource.read and reader(resource.read),
    write = resource.write and changer(resource.write),
    reconcile = resource.reconcile and finder(resource.reconcile),
    compensate = resource.compensate and changer(resource.compensate),
  }
end
return keel.connector(verbs)
