---@meta keel
-- What `require "keel"` gives, for a Lua language server; keel_services.d.lua has what a verb finds in
-- `c`. Keel itself never reads these files.

---What JSON can hold: nil, boolean, number, string, arrays and objects of these.
---@alias keel.Value any

---Seconds, or a text such as "90s", "1h30m", "7d" (ms s m h d w).
---@alias keel.Duration number|string

---@alias keel.Level "debug"|"info"|"warn"|"error"

---Why something was not done. tostring(err) is "code: why".
---@class keel.Error
---@field code string denied, rejected, expired, not_found, conflict, invalid, retry, ...
---@field why? string a sentence for a person
---@field rule? string the rule that decided
---@field state? string of a run that ctx.wait waited for

---@class keel.EffectOptions
---@field why? string one sentence, shown to whoever approves
---@field evidence? keel.Value what the decision rests on, shown beside it

---A connection of keel.yaml.
---@class keel.Use
local Use = {}

---Asks the connection to read.
---@param resource string
---@param args? keel.Value
---@param opts? keel.EffectOptions
---@return keel.Value|nil result
---@return keel.Error|nil err
function Use.read(resource, args, opts) end

---Asks the connection to write. What policy does not allow comes back as nil, err.
---@param resource string
---@param args? keel.Value
---@param opts? keel.EffectOptions
---@return keel.Value|nil result
---@return keel.Error|nil err
function Use.write(resource, args, opts) end

---@class keel.Child
---@field run integer the child's number
---@field existing boolean whether the key had started it before

---@class keel.Event
---@field name string
---@field body keel.Value

---What a run can ask for. Call its functions with a dot.
---@class keel.Ctx
---@field run integer this run's number
---@field previous keel.Value|nil the result of this role's last run that ended
local Ctx = {}

---Computes once; the result is recorded and comes back the same after a restart.
---@param name string 1 to 200 bytes
---@param fn fun(): keel.Value calls no ctx function
---@return keel.Value result as JSON keeps it
function Ctx.step(name, fn) end

---A line in the run's record.
---@param level keel.Level
---@param text any
---@overload fun(text: any)
function Ctx.log(level, text) end

---Microseconds since 1970.
---@return integer
function Ctx.now() end

---A number in [0, 1); from 1 to m; from m to n.
---@param m? integer
---@param n? integer
---@return number
function Ctx.random(m, n) end

---@param duration keel.Duration
---@return true|nil done
---@return keel.Error|nil err
function Ctx.sleep(duration) end

---Waits for what is polled ("inbox.message") or sent under that name; without one, for anything that is
---sent. nil after the timeout.
---@param name? string
---@param opts? { timeout: keel.Duration }
---@return keel.Event|nil event
---@return keel.Error|nil err
function Ctx.receive(name, opts) end

---@class keel.Question
---@field question? string 1 to 4,000 bytes; shown as the agent's words
---@field choices? string[] 2 to 20 texts of one line: one of them is the answer
---@field kind? "text"|"yes_no"|"number" what answers it, without choices
---@field expires? keel.Duration without it, it waits without end
---@field default? string|boolean|number what counts as the answer when it has expired
---@field why? string one sentence, shown beside it
---@field evidence? keel.Value what the question rests on, shown beside it

---Puts a question to a person and waits for the answer, for months if need be. It informs and allows
---nothing. err.code is "expired", "declined" (err.why says so), "denied" when it asks too much.
---@param question string
---@param opts? keel.Question
---@return string|boolean|number|nil answer
---@return keel.Error|nil err
---@overload fun(question: keel.Question): string|boolean|number|nil, keel.Error|nil
function Ctx.ask(question, opts) end

---A closed type: what may come out of a quarantine. "bool", "date" ("2026-11-29"), one of a list of words,
---or a number within bounds, whole without decimals; with optional, nil will do.
---@alias keel.Closed
---| "bool"
---| "date"
---| { enum: string[], optional: boolean? }
---| { number: [number, number], decimals: integer?, optional: boolean? }
---| { type: "bool"|"date", optional: boolean? }

---Starts another agent; with a key, once for that key. With quarantine, ctx.wait returns a table of the
---fields of `returns` and nothing else of what that run says, or nil and an error.
---@param agent string
---@param input? keel.Value
---@param opts? { key: string?, quarantine: boolean?, returns: table<string, keel.Closed>? }
---@return keel.Child|nil child
---@return keel.Error|nil err
function Ctx.spawn(agent, input, opts) end

---Waits until a run is over.
---@param child keel.Child|integer
---@return keel.Value|nil result
---@return keel.Error|nil err
function Ctx.wait(child) end

---Runs functions side by side until all have returned. An error of one is an error here.
---@param functions (fun(ctx: keel.Ctx): any, any)[]
---@return any[] results
---@return any[] seconds what each returned second
function Ctx.all(functions) end

---Runs functions side by side until one has returned; the others are dropped.
---@param functions (fun(ctx: keel.Ctx): any, any)[]
---@return integer which
---@return any result
---@return any second
function Ctx.any(functions) end

---@param connection string
---@return keel.Use
function Ctx.use(connection) end

---Return it: the run ends, and the next begins with this input and an empty record.
---@param state keel.Value
---@return keel.Continue
function Ctx.continue(state) end

---@class keel.Continue

---@class keel.AgentSpec
---@field run fun(ctx: keel.Ctx, input: keel.Value): keel.Value
---@field name? string must be the manifest's
---@field version? string must be the manifest's
---@field outcome? string
---@field on_failure? string

---@class keel.Agent

---What a verb is asked. A name that is no field here is looked up in `body`.
---@class keel.Request
---@field body keel.Value
---@field key string the effect's id, the same on every attempt
---@field attempt integer
---@field dry_run boolean
---@field mode? "effect"|"resource" reconcile only
---@field outcome? keel.Value what was recorded of the write: reconcile, compensate
---@field resource string
---@field [string] keel.Value

---@class keel.Fail
---@field code string
---@field message string

---@alias keel.Verb fun(c: keel.VerbCtx, q: keel.Request): keel.Value|nil, keel.Fail|keel.Cost|keel.Usage|nil, keel.Cost|keel.Usage|nil

---@class keel.Resource
---@field read? keel.Verb
---@field write? keel.Verb
---@field reconcile? fun(c: keel.VerbCtx, q: keel.Request): keel.Verdict
---@field compensate? keel.Verb

---@class keel.Connector
---@class keel.Verdict
---@class keel.Cost
---@class keel.Usage

---@class keel
---@field null userdata JSON's null inside of a table
local keel = {}

---An agent: return it from the entry file.
---@param spec keel.AgentSpec
---@return keel.Agent
function keel.agent(spec) end

---A connector: return it from the entry file.
---@param resources table<string, keel.Resource>
---@return keel.Connector
function keel.connector(resources) end

---An array, also when it is empty.
---@generic T: table
---@param items? T
---@return T
function keel.list(items) end

---Why a verb did not do it: return nil, keel.fail(...). invalid denied not_found conflict retry
---not_implemented say that nothing was applied, the others that it may have been.
---@param code "invalid"|"denied"|"not_found"|"conflict"|"retry"|"not_implemented"|"unknown"|"deadline"|"cancelled"|"internal"|"no_memory"
---@param message? string
---@return keel.Fail
function keel.fail(code, message) end

---The second result of a verb: nil when the answer is good (2xx, 3xx), else why not, by the list of
---keel/http.h. Without an answer, err as it is: keel.status(c.http.get(url)) fits.
---@param answer keel.Answer|nil
---@param opts? keel.Fail|table<integer, string> codes of one's own by status, "ok" among them; or err
---@return keel.Fail|nil why
function keel.status(answer, opts) end

---@class keel.Json
keel.json = {}

---Canonical JSON.
---@param value keel.Value
---@return string
function keel.json.encode(value) end

---null is keel.null.
---@param text string
---@return keel.Value|nil value
---@return keel.Fail|nil err
function keel.json.decode(text) end

---@class keel.Base64
keel.base64 = {}

---@param bytes string
---@return string
function keel.base64.encode(bytes) end

---Either alphabet, with or without padding; blanks and line ends do not count.
---@param text string
---@return string|nil bytes
---@return keel.Fail|nil err
function keel.base64.decode(text) end

---@class keel.Url
keel.url = {}

---Percent-encoded, all but letters, digits and -._~
---@param text keel.Plain
---@return string
function keel.url.encode(text) end

---reconcile: it was applied; ref is what write would have returned.
---@param ref? keel.Value
---@return keel.Verdict
function keel.applied(ref) end

---reconcile: proof that it was not applied.
---@return keel.Verdict
function keel.absent() end

---reconcile: the other side has it and has not decided.
---@return keel.Verdict
function keel.pending() end

---@param why? string
---@return keel.Verdict
function keel.cannot_tell(why) end

---What the attempt really cost, as one more result: keel.cost { USD = "0.002" }.
---@param amounts table<string, string|number>
---@return keel.Cost
function keel.cost(amounts) end

---What a model used, as one more result: keel.usage { model = r.model, input = 900, output = 120 }. The
---classes are disjoint. The verb's `tokens` in the manifest declares it.
---@param used { model: string, input?: integer, output?: integer, cache_read?: integer, cache_write?: integer }
---@return keel.Usage
function keel.usage(used) end

---BLAKE2b of the bytes, as 64 hexadecimal digits: a version of a text that changes when the text does.
---@param text string
---@return string digest
function keel.digest(text) end

---The bytes of a file that came with the plugin.
---@param name string such as "templates/reply.txt"
---@return string
function keel.file(name) end

---templates/NAME with each {field} or {field.part} replaced.
---@param name string
---@param values table
---@return string
function keel.template(name, values) end

return keel
