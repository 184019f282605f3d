# What automation cannot finish, as a person meets it: an agent that fails since its service is down is
# stuck, goes on from the step that failed once the service is back, and the service's own log counts
# what was done. Outcomes that nobody knows, and what may be done about them.

bats_require_minimum_version 1.5.0
load helper

setup_file() {
    own_home
    export W=$BATS_FILE_TMPDIR/office WORLD=$BATS_FILE_TMPDIR/world
    mkdir -p "$W/connectors/notes" "$W/agents/clerk" "$W/policies" "$WORLD"
    cat >"$WORLD/script.yaml" <<'YAML'
routes:
  - { method: POST, path: /notes, do: create, key: Idempotency-Key, window: 60s, keep: ref }
  - { method: GET, path: /notes, do: search, query: ref }
YAML
    start_world 0
    make_workspace
    start_kernel "$W"
}

teardown_file() {
    stop_kernel "$W"
    stop_world
}

setup() {
    own_home
    cd "$W"
}

# start_world PORT: the service; 0: on any free port. One that was its own may be lent to another for a moment.
start_world() {
    until_it begin_world "$1" || { cat "$WORLD/err" >&2; return 1; }
    cp "$WORLD/port.new" "$WORLD/port"
}

begin_world() {
    : >"$WORLD/port.new"
    "$(dirname "$(command -v keel)")/../libexec/keel/keel-fakeworld" "$WORLD/script.yaml" \
        --port "$1" --log "$WORLD/log" >"$WORLD/port.new" 2>"$WORLD/err" 3>&- 4>&- &
    echo $! >"$WORLD/pid"
    until_it has_begun "$!"
    [ -s "$WORLD/port.new" ]
}

# has_begun PID: it has told its port, or is gone.
has_begun() {
    [ -s "$WORLD/port.new" ] || ! kill -0 "$1"
}

# Until nobody listens there any more: what still gets a connection is no service that is down.
stop_world() {
    kill "$(cat "$WORLD/pid")" 2>/dev/null || true
    until_it is_down
}

is_down() {
    ! (exec 9<>"/dev/tcp/127.0.0.1/$(cat "$WORLD/port")")
}

make_workspace() {
    cat >"$W/keel.yaml" <<YAML
version: 1
connections:
  notes: { use: com.example.notes@1, config: { base: "http://127.0.0.1:$(cat "$WORLD/port")" }, private: true }
YAML
    cat >"$W/connectors/notes/manifest.yaml" <<'YAML'
id: com.example.notes
kind: connector
version: 1.0.0
entry: service.yaml
needs: [ "http:{config.base}" ]
resources:
  note:
    write: { class: keyed, window: 24h, sink: external }
YAML
    cat >"$W/connectors/notes/service.yaml" <<'YAML'
key: Idempotency-Key
resources:
  note:
    write:     { post: /notes }
    reconcile: { get: "/notes?ref={key}", found: "0" }
YAML
    cat >"$W/policies/clerk.yaml" <<'YAML'
version: 1
rules:
  - { id: clerk-notes, on: notes.note.write, agents: [clerk], allow: {} }
YAML
    cat >"$W/agents/clerk/manifest.yaml" <<'YAML'
id: com.example.clerk
name: clerk
kind: agent
version: 1.0.0
entry: clerk.lua
YAML
    cat >"$W/agents/clerk/clerk.lua" <<'LUA'
local keel = require "keel"

-- All at once, each with a step behind it.
local function beside(ctx, notes, input)
  local branches = {}
  for i = 1, input.count do
    branches[i] = function()
      local done, err = notes.write("note", { text = input.of .. " " .. i })
      ctx.step("noted " .. i, function() return done ~= nil end)
      return done, err
    end
  end
  local done, errs = ctx.all(branches)
  for i = 1, input.count do
    if not done[i] then
      error("note " .. i .. " was refused: " .. errs[i].code)
    end
  end
  return { written = input.count }
end

return keel.agent { run = function(ctx, input)
  local notes = ctx.use "notes"
  if input.beside then
    return beside(ctx, notes, input)
  end
  for i = 1, input.count do
    local title = ctx.step("title " .. i, function() return input.of .. " " .. i end)
    local done, err = notes.write("note", { text = title })
    if not done then
      error("note " .. i .. " was refused: " .. err.code)
    end
  end
  return { written = input.count }
end }
LUA
}

# world METHOD PATH [BODY]: asks the service's control.
world() {
    exec 9<>"/dev/tcp/127.0.0.1/$(cat "$WORLD/port")"
    printf '%s /_fakeworld/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s' \
        "$1" "$2" "${#3}" "${3-}" >&9
    cat <&9
    exec 9>&-
}

# faults JSON: what the service does wrong from now on.
faults() {
    world POST faults "$1" | grep -q '^HTTP/1.1 2'
}

# How many notes with this text the service has.
written() {
    world GET store | grep -o "\"text\":\"$1\"" | wc -l
}

number_of() {
    keel --json stuck list | sed -n 's/.*"number":\([0-9]*\).*/\1/p' | head -n 1
}

@test "an agent whose service is down is stuck, and says so" {
    stop_world
    run keel do clerk of=alpha count=2
    [ "$status" -eq 1 ]
    has 'failed. See `keel run show'
    has 'It is stuck as item 1: see `keel stuck show 1`'
    run keel stuck list
    [ "$status" -eq 0 ]
    has 'notes.note.write'
    has 'operator'
    run keel inbox
    has 'stuck'
    run keel
    has '1 is stuck'
}

@test "its card has the whole context, as text and as JSON" {
    run keel stuck show 1
    [ "$status" -eq 0 ]
    has '1  clerk is stuck at notes.note.write'
    has 'owner'
    has 'mend notes.note.write (keel connection test notes); then keel stuck retry 1'
    has 'alpha 1'
    has 'Nothing was done before it.'
    has "The run's input:"
    has 'was refused'
    card=$output
    run keel inbox 1
    [ "$(printf '%s' "$output" | sed 's/for .*//')" = "$(printf '%s' "$card" | sed 's/for .*//')" ]
    run keel --json stuck show 1
    has '"args":{"text":"alpha 1"}'
    has '"owner":"operator"'
    has '"next":"mend '
    run keel approve 1 --no-input
    has 'Item 1 is stuck'
}

@test "when the service is back it goes on from there, and each note is written once" {
    start_world "$(cat "$WORLD/port")"
    run keel stuck retry 1 --why 'the service is back'
    [ "$status" -eq 0 ]
    has 'goes on from step'
    has 'has ended'
    [ "$(written 'alpha 1')" -eq 1 ]
    [ "$(written 'alpha 2')" -eq 1 ]
    run keel run show 1
    has '(superseded)'
    has 'is asked once more'
    run keel --json run show 1
    has '"superseded":true}'
    run keel stuck list
    has 'Nothing is stuck.'
    run keel stuck list --all
    has 'retry'
    run keel stuck retry 1
    [ "$status" -eq 6 ]
}

@test "what was done before the step that failed is not done again, across a restart" {
    faults '[{"fault":"status","status":422,"method":"POST","at":2}]'
    run keel do clerk of=beta count=2
    [ "$status" -eq 1 ]
    n=$(number_of)
    run keel stuck show "$n"
    has 'Done before it:'
    keel down
    start_kernel "$W"
    faults '[]'
    run keel stuck retry "$n"
    [ "$status" -eq 0 ]
    [ "$(written 'beta 1')" -eq 1 ]
    [ "$(written 'beta 2')" -eq 1 ]
}

@test "of steps side by side only those that failed are asked again" {
    faults '[{"fault":"status","status":422,"method":"POST","at":2,"times":2}]'
    run keel do clerk of=all count=4 beside=true
    [ "$status" -eq 1 ]
    n=$(number_of)
    [ "$(written 'all [14]')" -eq 2 ]
    keel down
    start_kernel "$W"
    run keel stuck retry "$n"
    [ "$status" -eq 0 ]
    for i in 1 2 3 4; do
        [ "$(written "all $i")" -eq 1 ]
    done
    [ "$(world GET store | grep -o 'all [0-9]' | wc -l)" -eq 4 ]
    keel down
    start_kernel "$W"
    run keel audit verify
    [ "$status" -eq 0 ]
}

@test "it is settled or dropped by a person, with a reason" {
    faults '[{"fault":"status","status":422,"method":"POST","times":2}]'
    for verb in resolve drop; do
        run keel do clerk of=gamma count=1
        [ "$status" -eq 1 ]
        n=$(number_of)
        run keel stuck "$verb" "$n"
        [ "$status" -eq 2 ]
        has 'a reason'
        run keel stuck "$verb" "$n" --why 'I wrote it by hand'
        [ "$status" -eq 0 ]
        run keel stuck show "$n"
        has 'by operator: I wrote it by hand'
    done
    [ "$(written 'gamma 1')" -eq 0 ]
    run keel stuck show 99
    [ "$status" -eq 6 ]
}

@test "an outcome that nobody knows has an owner, a story and what waits for it" {
    faults '[{"fault":"lost","method":"POST"}]'
    run keel do clerk of=delta count=1
    [ "$status" -eq 3 ]
    run keel --json unknown list
    has '"owner":"operator"'
    where=$(printf '%s' "$output" | sed -n 's/.*"at":"\([^"]*\)".*/\1/p')
    run keel unknown show "$where"
    [ "$status" -eq 0 ]
    has 'did notes.note.write, or not: the answer was lost'
    has 'sleeps until the outcome is known'
    has 'Its story:'
    has 'intended'
    has 'delta 1'
    run keel --json unknown show "$where"
    has '"records":[{'
    has '"owner":"operator"'
    run keel unknown check "$where"
    [ "$status" -ne 0 ]
    has 'has not passed keel connector check'
    number=$(keel --json unknown list | sed -n 's/.*"number":\([0-9]*\).*/\1/p')
    run keel unknown verdict "$number" done --why 'it is in the list'
    [ "$status" -eq 0 ]
    [ "$(written 'delta 1')" -eq 1 ]
    run keel unknown show "$where"
    has '[done]'
    run keel unknown list
    has 'Every outcome is known.'
}

@test "it is all in the record" {
    run keel audit verify
    [ "$status" -eq 0 ]
    keel down
    run keel audit rebuild --check
    [ "$status" -eq 0 ]
}
