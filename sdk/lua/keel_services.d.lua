---@meta keel_services
-- What a connector's verb has in `c`, for a Lua language server. Keel itself never reads this file.

---@class keel.FsEntry
---@field name string
---@field kind "file"|"folder"|"other"

---@class keel.FsStat
---@field kind "file"|"folder"|"other"
---@field size integer
---@field mtime_us integer

---Files below the folders that the connection was granted, spelled as its config spells them.
---@class keel.Fs
local Fs = {}

---@param folder string
---@param path string
---@param offset? integer
---@param len? integer at most 16 MiB
---@return string|nil bytes
---@return keel.Fail|nil err
function Fs.read(folder, path, offset, len) end

---@param folder string
---@param path? string
---@return keel.FsEntry[]|nil entries sorted by name
---@return keel.Fail|nil err
function Fs.list(folder, path) end

---@param folder string
---@param path string
---@return keel.FsStat|nil stat
---@return keel.Fail|nil err
function Fs.stat(folder, path) end

---The whole file or nothing, durable.
---@param folder string
---@param path string
---@param bytes string
---@param opts? { new: boolean } new: only if it is not there
---@return true|nil done
---@return keel.Fail|nil err
function Fs.write(folder, path, bytes, opts) end

---Never replaces.
---@param folder string
---@param path string
---@param to_folder string
---@param to_path string
---@return true|nil done
---@return keel.Fail|nil err
function Fs.rename(folder, path, to_folder, to_path) end

---@param folder string
---@param path string
---@return true|nil done
---@return keel.Fail|nil err
function Fs.remove(folder, path) end

---@alias keel.Plain string|number|boolean

---@class keel.HttpOptions
---@field query? table<string, keel.Plain|keel.Plain[]> percent-encoded and appended, sorted by name
---@field headers? table<string, keel.Plain|keel.Plain[]>
---@field json? keel.Value the body, encoded; sets Content-Type: application/json
---@field body? string the body, as it is
---@field key? string sets Idempotency-Key
---@field timeout? keel.Duration else the verb's deadline
---@field limit? integer bytes of the answer; more is unknown. At most, and without it: 15 MiB
---@field follow? boolean redirects of GET and HEAD, up to 3

---@class keel.HttpRequest: keel.HttpOptions
---@field method? string "GET" without it
---@field url string

---What came back, whatever its status.
---@class keel.Answer
---@field status integer
---@field ok boolean 2xx
---@field headers table<string, string> names in small letters; several values joined by ", "; set-cookie is a list
---@field body string
---@field url string after redirects
local Answer = {}

---The body as JSON; keel.null for an empty one and for null.
---@return keel.Value|nil value
---@return keel.Fail|nil err unknown, when it is no JSON
function Answer:json() end

---@param name string in any letters
---@return string|string[]|nil value
function Answer:header(name) end

---Requests by Keel's egress, which adds the connection's login. Needs "http:...". A URL that begins
---with "/" is joined to c.config.base.
---@class keel.Http
local Http = {}

---@param request keel.HttpRequest
---@return keel.Answer|nil answer
---@return keel.Fail|nil err
function Http.request(request) end

---@param url string
---@param opts? keel.HttpOptions
---@return keel.Answer|nil answer
---@return keel.Fail|nil err
function Http.get(url, opts) end

Http.post, Http.put, Http.patch, Http.delete, Http.head = Http.get, Http.get, Http.get, Http.get, Http.get

---A connection of bytes. It may be kept in a local variable of the script between verbs.
---@class keel.Stream
local Stream = {}

---@param bytes string
---@return true|nil done
---@return keel.Fail|nil err
function Stream:send(bytes) end

---Waits for bytes; "" at the end.
---@return string|nil bytes
---@return keel.Fail|nil err
function Stream:receive() end

---The next line, without CRLF or LF. At the end of the stream: nil and unknown.
---@return string|nil line
---@return keel.Fail|nil err
function Stream:line() end

---n bytes; fewer only at the end.
---@param n integer at most 16 MiB
---@return string|nil bytes
---@return keel.Fail|nil err
function Stream:read(n) end

function Stream:close() end

---Connections by Keel's egress, which does TLS and the login. Needs "stream:...".
---@class keel.Streams
local Streams = {}

---@param address string such as "imaps://mail.example:993"
---@return keel.Stream|nil stream
---@return keel.Fail|nil err
function Streams.open(address) end

---A few small values that the connection keeps between verbs. A put takes force only with the verb's
---recorded result. At most 64 keys of 100 bytes, values of 4 KiB, 32 KiB in all.
---@class keel.Kv
local Kv = {}

---@param key string
---@return keel.Value|nil value
function Kv.get(key) end

---@param key string
---@param value keel.Value nil removes
---@return true|nil done
---@return keel.Fail|nil err
function Kv.put(key, value) end

---@class keel.Clock
local Clock = {}

---Microseconds since 1970.
---@return integer
function Clock.now() end

---Nanoseconds of a clock that never jumps.
---@return integer
function Clock.monotonic() end

---Ends early, with deadline or cancelled, as soon as the verb should.
---@param duration keel.Duration
---@return true|nil done
---@return keel.Fail|nil err
function Clock.sleep(duration) end

---What a connector's verb has.
---@class keel.VerbCtx
---@field config table the connection's config
---@field clock keel.Clock
---@field fs keel.Fs
---@field http keel.Http an error without the need
---@field kv keel.Kv
---@field log fun(level: keel.Level, text: any)
---@field stream keel.Streams an error without the need
