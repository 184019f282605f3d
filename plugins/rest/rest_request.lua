-- What rest.lua asks of a service: texts that are filled in, addresses, and requests.
local keel = require "keel"

local service = keel.json.decode(keel.file("service.json"))

-- ---- values ----

local function is_list(value)
  return type(value) == "table" and getmetatable(value) == "keel.list"
end

-- What stands at "data.0.id", lists from 0; nil where nothing or null does. The second: what holds it.
local function at(value, path)
  local holder
  for part in (path or ""):gmatch("[^.]+") do
    holder = value
    if type(value) ~= "table" then
      return nil, nil
    elseif is_list(value) then
      value = part:find("^%d+$") and value[tonumber(part) + 1]
    else
      value = value[part]
    end
    if value == keel.null then
      value = nil
    end
  end
  return value, holder
end

local function text_of(value, name)
  if type(value) == "string" then
    return value
  elseif math.type(value) == "integer" or type(value) == "boolean" then
    return tostring(value)
  elseif type(value) == "number" then
    return keel.json.encode(value)
  end
  return nil, keel.fail("invalid", name .. (value == nil and " is missing" or " is neither a text nor a number"))
end

-- ---- texts with {names} ----

-- A list of texts and of { name =, optional = }.
local function parse(text)
  local parts, plain, from = {}, "", 1
  while true do
    local brace = text:find("[{}]", from)
    plain = plain .. text:sub(from, (brace or 0) - 1)
    if not brace then
      break
    end
    local two = text:sub(brace, brace + 1)
    if two == "{{" or two == "}}" then
      plain, from = plain .. two:sub(1, 1), brace + 2
    else
      local name, mark, behind = text:match("^{([^?}]+)(%??)}()", brace)
      parts[#parts + 1], plain = plain ~= "" and plain or nil, ""
      parts[#parts + 1], from = { name = name, optional = mark == "?" }, behind
    end
  end
  parts[#parts + 1] = plain ~= "" and plain or nil
  return parts
end

local function named(name, scope)
  local first, rest = name:match("^([^.]+)%.?(.*)$")
  if name == "key" then
    return scope.key
  elseif first == "outcome" then
    return at(scope.outcome, rest)
  elseif first == "header" then
    return scope.answer and scope.answer:header(rest)
  elseif first == "arguments" then
    return at(scope.args, rest)
  end
  return (at(scope.args, name))
end

-- The text, filled in; nil alone where an optional name has no value; nil and why not.
local function fill(text, scope, escape)
  local out = {}
  for i, part in ipairs(parse(text)) do
    if type(part) == "table" then
      local value = named(part.name, scope)
      if value == nil and part.optional then
        return nil
      end
      local plain, bad = text_of(value, part.name)
      if not plain then
        return nil, bad
      end
      out[i] = escape and escape(plain) or plain
    else
      out[i] = part
    end
  end
  return table.concat(out)
end

-- Any value of the description with its texts filled in; one that is a name alone keeps its type.
local function fill_value(value, scope)
  if type(value) == "string" then
    local parts = parse(value)
    if #parts ~= 1 or type(parts[1]) ~= "table" then
      return fill(value, scope)
    end
    local found = named(parts[1].name, scope)
    if found == nil and not parts[1].optional then
      return nil, keel.fail("invalid", parts[1].name .. " is missing")
    end
    return found
  elseif type(value) ~= "table" then
    return value
  end
  local out = is_list(value) and keel.list {} or {}
  for name, item in pairs(value) do
    local filled, bad = fill_value(item, scope)
    if bad then
      return nil, bad
    elseif is_list(value) then
      out[#out + 1] = filled
    else
      out[name] = filled
    end
  end
  return out
end

-- ---- addresses ----

-- The path and the query of "/notes/{id}?tag={tag?}".
local function split(address)
  local mask = address:gsub("{[^}]*}", function(name) return ("x"):rep(#name) end)
  local mark = mask:find("?", 1, true)
  if not mark then
    return address, ""
  end
  return address:sub(1, mark - 1), address:sub(mark + 1)
end

-- A value is part of one part of a path, whatever is in it: it adds no slash, and leads nowhere else.
local function fill_path(path, scope)
  local filled, bad = fill(path, scope, keel.url.encode)
  if not filled then
    return nil, bad
  end
  for name in path:gmatch("{([^{}]+)}") do
    if named(name, scope) == "" then
      return nil, keel.fail("invalid", name .. " is empty, and stands in a path")
    end
  end
  for part in filled:gmatch("[^/]+") do
    if part == "." or part == ".." then
      return nil, keel.fail("invalid", "a part of a path is " .. part .. ", which would lead elsewhere")
    end
  end
  return filled
end

-- One list of "name=text" for each, those without a value left out.
local function fill_query(query, scope)
  local out = {}
  for name, text in query:gmatch("([^=&]+)=([^&]*)") do
    local value, bad = fill(text, scope, keel.url.encode)
    if bad then
      return nil, bad
    elseif value then
      out[#out + 1] = name .. "=" .. value
    end
  end
  return out
end

local function join(path, query)
  return #query == 0 and path or path .. "?" .. table.concat(query, "&")
end

local function fill_address(address, scope)
  local path, query = split(address)
  local filled, bad = fill_path(path, scope)
  local asked, worse = fill_query(query, scope)
  if bad or worse then
    return nil, bad or worse
  end
  return join(filled, asked)
end

-- Whether each name that an address must have is among the arguments.
local function has_names(address, scope)
  for _, part in ipairs(parse(address)) do
    if type(part) == "table" and not part.optional and named(part.name, scope) == nil then
      return false
    end
  end
  return true
end

-- ---- pages ----

local function is_query(text)
  return text:find("^[%w%-._~!$&'()*+,;=:@/?%%%[%]]+$") ~= nil
end

-- Of the address of a next page, its query is used: its path is the one that is declared.
local function query_of(address)
  local query = address:match("^[^?#]*%?([^#]*)")
  if query and is_query(query) then
    return query
  end
  return nil, keel.fail("unknown", "the next page's address has no query that can be followed: " .. address)
end

-- The address of a list's page: the first, or the one of a cursor.
local function list_address(spec, scope, cursor)
  local how = spec.next
  local path, query = split(spec.list)
  local filled, bad = fill_path(path, scope)
  local asked, worse = fill_query(query, scope)
  if bad or worse then
    return nil, bad or worse
  elseif cursor == nil then
    return join(filled, asked)
  end
  local text, wrong = text_of(cursor, "cursor")
  if not how or not text then
    return nil, wrong or keel.fail("invalid", "this list has one page, and no cursor")
  end
  local param = how.param or how.page or how.offset
  if param then
    asked[#asked + 1] = param .. "=" .. keel.url.encode(text)
    return join(filled, asked)
  end
  if not is_query(text) then
    return nil, keel.fail("invalid", "this cursor is none that the list gave as next")
  end
  return join(filled, { text })
end

-- ---- requests ----

-- Of the names of headers, upper and lower case are one.
local function add_headers(headers, more, scope)
  for name, text in pairs(more or {}) do
    local value, bad = fill(text, scope)
    if bad then
      return bad
    elseif value then
      headers[name:lower()] = value
    end
  end
end

local function form_of(form, scope)
  local out = {}
  for name, text in pairs(form) do
    local value, bad = fill(text, scope, keel.url.encode)
    if bad then
      return nil, bad
    elseif value then
      out[#out + 1] = keel.url.encode(name) .. "=" .. value
    end
  end
  return table.concat(out, "&")
end

-- The request's body, with its type among the headers; json is a value, body a text.
local function add_body(request, spec, method, scope)
  local bad
  if spec.text then
    request.body, bad = fill(spec.text, scope)
    request.headers["content-type"] = "text/plain; charset=utf-8"
  elseif spec.form then
    request.body, bad = form_of(spec.form, scope)
    request.headers["content-type"] = "application/x-www-form-urlencoded"
  elseif spec.body ~= nil then
    request.json, bad = fill_value(spec.body, scope)
  elseif method ~= "get" and method ~= "delete" then
    request.json = scope.args
  end
  if request.json ~= nil then
    request.headers["content-type"] = "application/json"
  end
  return bad
end

local function method_of(spec)
  for _, name in ipairs { "get", "post", "put", "patch", "delete" } do
    if spec[name] then
      return name
    end
  end
end

local function codes_of(spec)
  local codes = { [301] = "unknown", [302] = "unknown", [307] = "unknown", [308] = "unknown" }
  for _, more in ipairs { service.errors or {}, spec.errors or {} } do
    for status, code in pairs(more) do
      codes[tonumber(status)] = code
    end
  end
  return codes
end

-- What is to be sent: a table for c.http.request, or nil and why not.
local function prepare(c, spec, method, address, scope)
  local base = c.config.base or service.base
  if type(base) ~= "string" then
    return nil, keel.fail("invalid", "the connection has no `config: { base: \"https://...\" }`")
  end
  local request = {
    method = method:upper(),
    url = base:gsub("/+$", "") .. address,
    follow = method == "get",
    headers = spec.as ~= "text" and { accept = "application/json" } or {},
  }
  if service.key and method ~= "get" then
    request.headers[service.key:lower()] = scope.key
  end
  local bad = add_body(request, spec, method, scope) or add_headers(request.headers, service.headers, scope)
    or add_headers(request.headers, spec.headers, scope)
  if bad then
    return nil, bad
  end
  return request
end

-- The answer, and why it is no good one: nil, err without an answer; r, err with a refusal.
local function send(c, spec, request)
  local r, err = c.http.request(request)
  if not r then
    return nil, err
  end
  return r, keel.status(r, codes_of(spec))
end

local function ask(c, spec, address, scope)
  local request, bad = prepare(c, spec, "get", address, scope)
  if not request then
    return nil, bad
  end
  return send(c, spec, request)
end

return {
  service = service,
  is_list = is_list,
  at = at,
  text_of = text_of,
  fill = fill,
  fill_value = fill_value,
  fill_address = fill_address,
  has_names = has_names,
  query_of = query_of,
  list_address = list_address,
  method_of = method_of,
  prepare = prepare,
  send = send,
  ask = ask,
}
