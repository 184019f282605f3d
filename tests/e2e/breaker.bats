# A connection that fails rests, through a real kernel and the real egress: against a scripted service whose
# own log says what was asked of it, and when.

bats_require_minimum_version 1.5.0
load helper

setup_file() {
    own_home
    export W=$BATS_FILE_TMPDIR/office WORLD=$BATS_FILE_TMPDIR/world
    mkdir -p "$W" "$WORLD"
    start_world || return 1
    make_workspace
    start_kernel "$W"
}

teardown_file() {
    stop_kernel "$W"
    kill "$(cat "$WORLD/pid")" 2>/dev/null || true
}

setup() {
    own_home
    port=$(cat "$WORLD/port")
    cd "$W"
    world '[]'
}

start_world() {
    printf 'routes:\n  - { method: POST, path: /notes, do: create, key: Idempotency-Key }\n' >"$WORLD/script.yaml"
    "$(dirname "$(command -v keel)")/../libexec/keel/keel-fakeworld" "$WORLD/script.yaml" \
        --log "$WORLD/log" >"$WORLD/port" 2>"$WORLD/err" 3>&- 4>&- &
    echo $! >"$WORLD/pid"
    until_it test -s "$WORLD/port" || { cat "$WORLD/err" >&2; return 1; }
    port=$(cat "$WORLD/port")
}

make_workspace() {
    mkdir -p "$W/connectors/notes" "$W/agents/clerk" "$W/policies"
    cat >"$W/connectors/notes/manifest.yaml" <<'YAML'
id: com.example.notes
kind: connector
version: 1.0.0
entry: service.yaml
needs: [ "http:{config.base}" ]
resources:
  note:
    write: { class: keyed, window: 24h }
YAML
    printf 'key: Idempotency-Key\nresources:\n  note:\n    write: { post: /notes }\n' >"$W/connectors/notes/service.yaml"
    cat >"$W/keel.yaml" <<YAML
version: 1
connections:
  notes: { use: com.example.notes@1, config: { base: "http://127.0.0.1:$port" }, private: true }
YAML
    cat >"$W/policies/clerk.yaml" <<'YAML'
version: 1
rules:
  - { id: clerk-notes, on: notes.note.write, agents: [clerk], allow: {} }
retries:
  - { on: "notes.*", first: 100ms, cap: 2s }
breakers:
  - { on: notes, for: 1h }
YAML
    printf 'id: com.example.clerk\nname: clerk\nkind: agent\nversion: 1.0.0\nentry: clerk.lua\n' \
        >"$W/agents/clerk/manifest.yaml"
    cat >"$W/agents/clerk/clerk.lua" <<'LUA'
local keel = require "keel"
return keel.agent { run = function(ctx, input)
  local done, err = ctx.use("notes").write("note", { text = input.text })
  return done or { refused = err.code }
end }
LUA
}

# world FAULTS: replaces those in force.
world() {
    exec 9<>"/dev/tcp/127.0.0.1/$port"
    printf 'POST /_fakeworld/faults HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s' \
        "${#1}" "$1" >&9
    grep -q '^HTTP/1.1 2' <&9
    exec 9>&-
}

asked() {
    grep -c '"applied":false' "$WORLD/log" || true
}

# The tenths of a second between the last two requests.
gap() {
    sed -n 's/.*"applied":false,"at_us":\([0-9]*\).*/\1/p' "$WORLD/log" | tail -n 2 |
        awk 'NR == 1 { first = $1 } NR == 2 { printf "%d\n", ($1 - first) / 100000 }'
}

waits_in_run() {
    keel why "$1:1" | grep -q '(breaker)'
}

has_ended() {
    keel --json run show "$1" | grep -q '"state":"ended"'
}

@test "an answer of 401 is enough: nothing more is sent, over a restart too, until a person says so" {
    world '[{"fault":"status","status":401,"always":true}]'
    run keel do clerk text=first
    [ "$status" -eq 0 ]
    run keel connection list
    has 'resting'
    has 'notes rests until 2'
    has 'it answered 401: it does not know the login; `keel connection retry notes` ends it'
    world '[]'
    before=$(asked)
    keel do clerk text=second >"$WORLD/second" 2>&1 3>&- 4>&- &
    until_it waits_in_run 2
    run keel why 2:1
    has 'waits       its connection rests until 2'
    run keel
    has 'notes rests until'
    stop_kernel "$W"
    run keel connection show notes
    has 'notes rests until 2'
    start_kernel "$W"
    sleep 1
    [ "$(asked)" -eq "$before" ]
    run keel --dry-run connection retry notes
    has 'would be sent'
    run keel connection retry note
    [ "$status" -eq 6 ]
    has 'there is no connection note'
    run keel connection retry notes
    [ "$status" -eq 0 ]
    has 'What waited for notes is sent.'
    until_it has_ended 2
    [ "$(asked)" -eq $((before + 1)) ]
    run keel connection list
    lacks 'rests'
    run keel connection retry notes
    [ "$status" -ne 0 ]
    has 'does not rest'
    has 'keel connection list'
}

@test "Retry-After is waited for" {
    world '[{"fault":"status","status":429,"retry_after":1,"method":"POST"}]'
    before=$(asked)
    run keel do clerk text=third
    [ "$status" -eq 0 ]
    [ "$(asked)" -eq $((before + 2)) ]
    [ "$(gap)" -ge 10 ]
    run keel --json logs
    has 'asks to come again after 1 s'
}

@test "Retry-After of thirty years is waited for as long as policy says" {
    world '[{"fault":"status","status":429,"retry_after":1000000000,"method":"POST"}]'
    before=$(asked)
    run timeout 60 keel do clerk text=fourth
    [ "$status" -eq 0 ]
    [ "$(asked)" -eq $((before + 2)) ]
    [ "$(gap)" -ge 20 ]
    [ "$(gap)" -lt 200 ]
}

@test "a reload sends one to see" {
    world '[{"fault":"status","status":403,"method":"POST"}]'
    run keel do clerk text=fifth
    run keel connection list
    has 'it answered 403'
    keel do clerk text=sixth >"$WORLD/sixth" 2>&1 3>&- 4>&- &
    until_it waits_in_run 6
    run keel policy reload
    [ "$status" -eq 0 ]
    until_it has_ended 6
    run keel connection list
    lacks 'rests'
}
