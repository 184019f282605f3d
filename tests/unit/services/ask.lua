-- Does with c what the resource's name and the body say, and answers with what it got.
local keel = require "keel"

local kept

local function told(value, err)
  if value == nil then
    return nil, err
  end
  return value
end

local function text_of(ok, value)
  return (ok and "ok: " or "error: ") .. tostring(value)
end

-- { method, url, ...options } by c.http.METHOD
local function http(c, q)
  local opts = {}
  for name, value in pairs(q.body) do
    if name ~= "method" and name ~= "url" then
      opts[name] = value
    end
  end
  local r, err = c.http[q.body.method](q.body.url, opts)
  if not r then
    return nil, err
  end
  return { status = r.status, ok = r.ok, headers = r.headers, body = r.body, url = r.url }
end

local function request(c, q)
  local r, err = c.http.request(q.body)
  return told(r and r.body, err)
end

-- What an error says that is thrown for wrong arguments.
local function thrown(c, q)
  local ok, what = pcall(c.http[q.body.method or "get"], q.body.url, q.body.opts)
  return text_of(ok, what)
end

local function odd(c, q)
  local acts = {
    no_table = function() return c.http.get("/echo", 7) end,
    json_function = function() return c.http.post("/echo", { json = print }) end,
    nul = function() return c.http.get("/a\0b") end,
    set = function() c.http.get = nil end,
    request_text = function() return c.http.request("GET") end,
    request_url = function() return c.http.request { method = "GET" } end,
    stream_nothing = function() return c.stream.open() end,
    stream_method = function() return kept.send({}, "x") end,
    stream_field = function() kept.x = 1 end,
    read_minus = function() return kept:read(-1) end,
    status = function() return keel.status("404") end,
    status_code = function() return keel.status(c.http.get("/status/423"), { [423] = "later" }) end,
    kv_key = function() return c.kv.put("a\0b", 1) end,
    kv_value = function() return c.kv.put("a", print) end,
    sleep = function() return c.clock.sleep("soon") end,
    encode = function() return keel.json.encode { f = print } end,
    json_set = function() keel.json.x = 1 end,
    url = function() return keel.url.encode {} end,
    answer = function() getmetatable(c.http.get("/echo")).x = 1 end,
    c_meta = function() return getmetatable(c) end,
  }
  return text_of(pcall(acts[q.body]))
end

local function answer(c, q)
  local r = c.http.get(q.body.url)
  local value, err = r:json()
  return {
    json = value, err = err and tostring(err) or "none", type = r:header("Content-Type"),
    two = r:header("x-two"), none = r:header("x-none") == nil, cookies = r:header("SET-COOKIE"),
    null = value == keel.null,
  }
end

local function status(c, q)
  local why = keel.status(c.http.get(q.body.url), q.body.codes)
  return why and tostring(why) or "nothing"
end

local function both(c, q)
  return "fine", keel.status(c.http.get(q.body.url))
end

local function status_passes(c, q)
  return nil, keel.status(c.http.post(q.body.url))
end

-- An error that the script does not look at.
local function careless(c, q)
  return c.http.post(q.body.url).status
end

-- ---- streams ----

local function lines(c)
  local s, err = c.stream.open("tls://lines:1")
  if not s then
    return nil, err
  end
  local out = keel.list { s:line(), s:line(), s:line(), s:line(), s:line() }
  out[#out + 1] = s:read(5)
  out[#out + 1] = s:line()
  local last, why = s:line()
  out[#out + 1] = tostring(last)
  out[#out + 1] = tostring(why)
  out[#out + 1] = s:receive()
  out[#out + 1] = s:receive()
  out[#out + 1] = tostring(select(2, s:line()))
  s:close()
  s:close()
  out[#out + 1] = tostring(select(2, s:line()))
  return out
end

local function flow(c, q)
  local s, err = c.stream.open(q.body)
  if not s then
    return nil, err
  end
  local length, pieces = 0, 0
  while true do
    local bytes, why = s:receive()
    if not bytes then
      return nil, why
    elseif bytes == "" then
      break
    end
    length, pieces = length + #bytes, pieces + 1
  end
  s:close()
  return { length = length, many = pieces > 8 }
end

local function exact(c)
  local s = c.stream.open("tls://flow:1")
  local a, b = s:read(300000), s:read(0)
  local rest = s:read(1048576)
  return { #a, #b, #rest, s:read(10) }
end

local function no_line(c)
  return told(c.stream.open("tls://flow:2"):line())
end

local function keep(c, q)
  local err
  kept, err = c.stream.open(q.body)
  return told(kept and "kept", err)
end

local function use(_, q)
  local ok, err = kept:send(q.body)
  if not ok then
    return nil, err
  end
  return told(kept:receive())
end

-- More than there are places, each forgotten at once.
local function forgets(c)
  for _ = 1, 100 do
    local s, err = c.stream.open("tls://silent:1")
    if not s then
      return nil, err
    end
  end
  return "opened"
end

-- ---- kv, clock, codes ----

local function kv(c, q)
  local out = keel.list {}
  for _, act in ipairs(q.body) do
    local key, value = act[1], act[2]
    if #act == 1 then
      out[#out + 1] = c.kv.get(key) == nil and "nothing" or c.kv.get(key)
    else
      if value == keel.null then
        value = nil
      end
      local ok, err = c.kv.put(key, value)
      out[#out + 1] = ok or tostring(err)
    end
  end
  return out
end

local function clock(c, q)
  local before = c.clock.monotonic()
  local ok, err = c.clock.sleep(q.body)
  if not ok then
    return nil, err
  end
  return { slept = c.clock.monotonic() - before >= 20000000, now = c.clock.now() > 1700000000000000 }
end

local function codes()
  local b = keel.base64
  return {
    encoded = keel.json.encode { b = 1, a = keel.list {} },
    decoded = keel.json.decode('{"x": [1, 2.5, null, "ü"]}'),
    null = keel.json.decode("null") == keel.null,
    bad = tostring(select(2, keel.json.decode('{"a":}'))),
    url = keel.url.encode("a b/ü&=~-._1"),
    base64 = b.encode("\0\255ab"),
    bytes = #b.decode("AP9h\r\nYg=="),
    unpadded = b.decode("aGVsbG8"),
    safe = b.decode("_-8") == b.decode("/+8="),
    bad64 = tostring(select(2, b.decode("a*b"))),
    empty = b.decode("") == "" and b.encode("") == "",
  }
end

local function reconcile(state)
  return function(c, q)
    if q.body.stream then
      local s = c.stream.open(q.body.stream)
      if s then
        s:send("x")
        s:line()
      end
    else
      c.http.get(q.body.url)
    end
    if q.body.again then
      c.http.get(q.body.again)
    end
    return keel[state](state == "applied" and { id = 1 } or nil)
  end
end

-- Nothing of c is there without its need.
local function missing(c, q)
  return text_of(pcall(function() return c[q.body].get end))
end

local function verb(f)
  return { write = f, read = f }
end

return keel.connector {
  http = verb(http), request = verb(request), thrown = verb(thrown), odd = verb(odd),
  answer = verb(answer), status = verb(status), both = verb(both), passes = verb(status_passes),
  careless = verb(careless), lines = verb(lines), flow = verb(flow), exact = verb(exact),
  no_line = verb(no_line), keep = verb(keep), use = verb(use), forgets = verb(forgets),
  kv = verb(kv), clock = verb(clock), codes = verb(codes), missing = verb(missing),
  absent = { write = http, reconcile = reconcile("absent") },
  found = { write = http, reconcile = reconcile("applied") },
}
