# No secret leaves egress: not into the database, the log, an answer, an error, a frame, a card, nor
# into the memory of any other process, in whatever form a service gives it back.

load ../e2e/helper

tools=$BATS_TEST_DIRNAME
canary='Zx9#canary/+é-0f3b7c' # what every encoding has to change
second='key-SECOND-2b5e9a1d77'

setup_file() {
    own_home
    W=$BATS_FILE_TMPDIR/w
    export W
    mkdir -p "$W"/agents/asker "$W"/connectors/echo "$W"/policies
    mkfifo "$BATS_FILE_TMPDIR/hold"
    python3 "$tools/echo.py" <"$BATS_FILE_TMPDIR/hold" >"$BATS_FILE_TMPDIR/port" 3>&- &
    exec 7>"$BATS_FILE_TMPDIR/hold"
    while [ ! -s "$BATS_FILE_TMPDIR/port" ]; do sleep 0.05; done
    port=$(cat "$BATS_FILE_TMPDIR/port")
    cat >"$W/keel.yaml" <<YAML
version: 1
connections:
  bearer: { use: com.example.echo@1, config: { base: "http://127.0.0.1:$port" },
            auth: { kind: bearer, token: { secret: canary } } }
  basic:  { use: com.example.echo@1, config: { base: "http://127.0.0.1:$port" },
            auth: { kind: basic, user: ada, password: { secret: canary } } }
  header: { use: com.example.echo@1, config: { base: "http://127.0.0.1:$port" },
            auth: { kind: header, name: X-Api-Key, value: { secret: second } } }
YAML
    cat >"$W/policies/all.yaml" <<'YAML'
version: 1
rules:
  - { id: all, on: "*.*.*", allow: {} }
YAML
    cat >"$W/connectors/echo/manifest.yaml" <<'YAML'
id: com.example.echo
kind: connector
version: 1.0.0
entry: echo.lua
needs: [ "http:{config.base}" ]
resources:
  word:
    read:  { returns: untrusted }
    write: { class: once }
YAML
    # It tells all that it is told: into the log, the result, the reason of a failure.
    cat >"$W/connectors/echo/echo.lua" <<'LUA'
local keel = require "keel"
local function all(r)
  local out = { body = r.body, url = r.url, headers = {} }
  for name, value in pairs(r.headers) do out.headers[name] = value end
  return out
end
return keel.connector { word = {
  read = function(c, q)
    local r, err = c.http.get("/echo", { headers = q.body.headers })
    if not r then return nil, err end
    c.log("info", r.body)
    c.kv.put("last", { text = r.body:sub(1, 3000) })
    return { items = keel.list { { id = "1", said = all(r) } } }
  end,
  write = function(c, q)
    local r, err = c.http.post("/echo", { json = q.body, headers = { ["X-Status"] = q.body.status } })
    if not r then return nil, err end
    if not r.ok then return nil, keel.fail("invalid", "it said: " .. r.body) end
    return { said = all(r) }
  end,
} }
LUA
    cat >"$W/agents/asker/manifest.yaml" <<'YAML'
id: com.example.asker
kind: agent
version: 1.0.0
name: asker
entry: asker.lua
YAML
    cat >"$W/agents/asker/asker.lua" <<'LUA'
local keel = require "keel"
return keel.agent { run = function(ctx, input)
  local out = keel.list {}
  for _, name in ipairs { "bearer", "basic", "header" } do
    out[#out + 1] = assert(ctx.use(name).read("word", {})).items[1].said
    out[#out + 1] = assert(ctx.use(name).write("word", { text = "hello" })).said
    local _, err = ctx.use(name).write("word", { text = "bad", status = "400" })
    out[#out + 1] = { failed = err and err.why }
    ctx.log(tostring(err))
  end
  return out
end }
LUA
    cd "$W" || return 1
    printf '%s\n' "$canary" | keel secret set canary
    printf '%s\n' "$second" | keel secret set second
    start_kernel "$W"
    keel do asker >"$BATS_FILE_TMPDIR/said" 2>&1
    keel run show 1 --json >>"$BATS_FILE_TMPDIR/said" 2>&1
    keel logs >>"$BATS_FILE_TMPDIR/said" 2>&1
    keel sql 'SELECT 1' >>"$BATS_FILE_TMPDIR/said" 2>&1 || true
}

teardown_file() {
    stop_kernel "$W"
    exec 7>&-
}

look() {
    run python3 "$tools/canary.py" "canary=$canary" "pair=ada:$canary" "second=$second" -- "$@"
}

# The process of this kernel with that name.
child() {
    pgrep -P "$(sed -n 's/.*"pid":\([0-9]*\).*/\1/p' "$W/.status")" -f "$1"
}

@test "the logins were used, and what came back was the whole echo" {
    run cat "$BATS_FILE_TMPDIR/said"
    has '\"got\": true'
    lacks '\"got\": false'
    has 'it said: '
    has '****'
}

@test "no file but the secret's own holds it, in any form" {
    mkdir -p "$BATS_TEST_TMPDIR/aside"
    mv "$W/.keel/secrets" "$BATS_TEST_TMPDIR/aside/"
    look "$W" "$XDG_STATE_HOME" "$BATS_FILE_TMPDIR/said"
    mv "$BATS_TEST_TMPDIR/aside/secrets" "$W/.keel/"
    [ "$status" -eq 0 ] || { printf '%s\n' "$output" >&2; return 1; }
}

@test "no process but egress has it in memory" {
    kernel=$(sed -n 's/.*"pid":\([0-9]*\).*/\1/p' "$W/.status")
    executors=$(child keel-executor)
    [ "$(printf '%s\n' "$executors" | wc -l)" -ge 4 ]
    # shellcheck disable=SC2046,SC2086
    look "pid:$kernel" $(printf 'pid:%s ' $executors)
    [ "$status" -eq 0 ] || { printf '%s\n' "$output" >&2; return 1; }
}

@test "the search can find: the secret's own file, and every form of it" {
    look "$W/.keel/secrets"
    [ "$status" -eq 1 ]
    has 'raw of canary'
    has 'raw of second'
    python3 - "$canary" >"$BATS_TEST_TMPDIR/forms" <<'PY'
import base64, sys, urllib.parse
s = sys.argv[1]
for i in range(3):
    print(base64.b64encode(b"q" * i + s.encode() + b"rs").decode())
print(s.encode().hex(), urllib.parse.quote(s, safe=""), "".join("\\u%04x" % b for b in s.encode()))
PY
    look "$BATS_TEST_TMPDIR/forms"
    for form in base64+0 base64+1 base64+2 hex percent json; do
        has "$form of canary"
    done
}

@test "the network process leaves no core, and nobody else can look into it" {
    egress=$(child keel-egress)
    grep -q '^Max core file size *0 ' "/proc/$egress/limits"
    # A process that is not dumpable belongs to root, whoever runs it.
    [ "$(stat -c %u "/proc/$egress/mem")" -eq 0 ]
    [ ! -s "/proc/$egress/environ" ] || ! grep -aq canary "/proc/$egress/environ"
}
