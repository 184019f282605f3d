# Taking back what a run did, through a real kernel, the real egress and a scripted service: the service's
# own log is counted, not what the kernel says.

bats_require_minimum_version 1.5.0
load helper
load pages
. "$BATS_TEST_DIRNAME/../rigs/common.sh"

setup_file() {
    own_home
    export W=$BATS_FILE_TMPDIR/office WORLD=$BATS_FILE_TMPDIR/world
    mkdir -p "$W" "$WORLD"
    echo "$W" >"$BATS_FILE_TMPDIR/place"
    start_world && make_workspace
}

teardown_file() {
    stop_kernel "$W"
    kill "$(cat "$WORLD/pid")" 2>/dev/null || true
}

setup() {
    own_home
    port=$(cat "$WORLD/port")
    cd "$W"
}

start_world() {
    cat >"$WORLD/script.yaml" <<'YAML'
routes:
  - { method: POST, path: /notes, do: create, key: Idempotency-Key, window: 60s, keep: ref }
  - { method: GET, path: /notes, do: search, query: ref }
  - { method: GET, path: "/notes/{id}", do: get }
  - { method: DELETE, path: "/notes/{id}", do: delete }
  - { method: POST, path: /letters, do: create }
YAML
    "$(dirname "$(command -v keel)")/../libexec/keel/keel-fakeworld" "$WORLD/script.yaml" \
        --log "$WORLD/log" >"$WORLD/port" 2>"$WORLD/err" 3>&- 4>&- &
    echo $! >"$WORLD/pid"
    for _ in $(seq 100); do
        [ ! -s "$WORLD/port" ] || return 0
        sleep 0.05
    done
    return 1
}

make_workspace() {
    port=$(cat "$WORLD/port")
    mkdir -p "$W/agents/clerk" "$W/policies" "$W/connectors/letters"
    cat >"$W/connectors/letters/manifest.yaml" <<'YAML'
id: com.example.letters
kind: connector
version: 1.0.0
entry: service.yaml
needs: [ "http:{config.base}" ]
resources:
  letter: { write: { class: once, sink: external } }
YAML
    echo 'resources: { letter: { write: { post: /letters } } }' >"$W/connectors/letters/service.yaml"
    cat >"$W/keel.yaml" <<YAML
version: 1
connections:
  notes: { use: com.example.notes@1, config: { base: "http://127.0.0.1:$port" }, private: true }
  letters: { use: com.example.letters@1, config: { base: "http://127.0.0.1:$port" }, private: true }
YAML
    policy ''
    cat >"$W/agents/clerk/manifest.yaml" <<'YAML'
id: com.example.clerk
name: clerk
kind: agent
version: 1.0.0
entry: clerk.lua
YAML
    cat >"$W/agents/clerk/clerk.lua" <<'LUA'
local keel = require "keel"
return keel.agent { run = function(ctx, input)
  local notes, letters = ctx.use "notes", ctx.use "letters"
  assert(notes.write("note", { title = input.name .. " one" }))
  assert(letters.write("letter", { to = "Bea", text = input.name }))
  if input.waits then ctx.receive("go") end
  assert(notes.write("note", { title = input.name .. " two" }))
  assert(not input.fails, "the third note is missing")
  return "written"
end }
LUA
    mkdir -p "$W/agents/pair"
    sed 's/clerk/pair/g' "$W/agents/clerk/manifest.yaml" >"$W/agents/pair/manifest.yaml"
    cat >"$W/agents/pair/pair.lua" <<'LUA'
local keel = require "keel"
return keel.agent { run = function(ctx, input)
  return ctx.wait(ctx.spawn("clerk", { name = input.name }))
end }
LUA
}

# policy RULES: the clerk may write; what is said besides of taking back.
policy() {
    cat >"$W/policies/clerk.yaml" <<YAML
version: 1
rules:
  - { id: clerk-writes, on: ["notes.note.write", "letters.letter.write"], agents: [clerk], allow: {} }
  - { id: pair-begins, on: run.spawn, agents: [pair], allow: {} }
$1
YAML
}

# world METHOD PATH [BODY]: asks the scripted service's control.
world() {
    exec 9<>"/dev/tcp/127.0.0.1/$port"
    printf '%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s' "$1" \
        "/_fakeworld/$2" "${#3}" "${3-}" >&9
    cat <&9
    exec 9>&-
}

# deletions: how many were applied; deletions of one note: deleted NUMBER.
deletions() {
    grep '"applied":true' "$WORLD/log" | grep -c '"method":"DELETE"' || true
}

deleted() {
    grep '"applied":true' "$WORLD/log" | grep '"method":"DELETE"' | grep -c "\"path\":\"/notes/$1\"" || true
}

# work NAME: a run of three writes; its number is in $n.
work() {
    run keel do clerk name="$1"
    [ "$status" -eq 0 ] || { printf '%s\n' "$output" >&2; return 1; }
    n=$(printf '%s\n' "$output" | sed -n 's/^Run \([0-9]*\) has ended.*/\1/p')
    [ -n "$n" ]
}

until_ended() {
    for _ in $(seq 200); do
        run keel --json rollback "$1" --plan
        case $output in
        *'"act":"back"'* | *'"act":"waits"'*) sleep 0.05 ;;
        *) return 0 ;;
        esac
    done
    printf '%s\n' "$output" >&2
    return 1
}

@test "a plan says what is taken back and what stays, and sends nothing" {
    follow plugins/rest/README.md 'A service without code'
    start_kernel "$W"
    work plan
    run keel rollback "$n" --plan
    [ "$status" -eq 0 ]
    has 'title: plan two'
    has 'taken back by notes.note.compensate'
    has 'stays: it cannot be undone'
    has '2 to take back, 1 that stay.'
    [ "$(printf '%s\n' "$output" | grep -n 'plan two' | cut -d: -f1)" -lt \
        "$(printf '%s\n' "$output" | grep -n 'plan one' | cut -d: -f1)" ]
    run keel rollback "$n" </dev/null
    [ "$status" -eq 2 ]
    has "keel rollback $n --yes"
    [ "$(deletions)" -eq 0 ]
    run keel rollback 999 --plan
    [ "$status" -eq 6 ]
    run keel can clerk
    has base.undo
    run keel why "$n:1"
    has "keel rollback $n"
}

@test "it is taken back newest first, and what has no way back is left standing" {
    work plain
    before=$(deletions)
    run keel rollback "$n" --yes --why 'the wrong client'
    [ "$status" -eq 0 ]
    has "Run $n: 2 taken back, 1 left standing."
    [ $(($(deletions) - before)) -eq 2 ]
    world GET store | grep -q '"text":"plain"'
    ! world GET store | grep -q '"title":"plain'
    last=$(grep '"applied":true' "$WORLD/log" | grep DELETE | tail -n 2 | sed 's/.*"path":"\/notes\/\([0-9]*\)".*/\1/' | paste -sd ' ')
    [ "${last% *}" -gt "${last#* }" ]
    run keel run show "$n"
    has 'was taken back'
    has 'the wrong client'
    run keel why "$n:1"
    has compensated
    has "$n:1~1"
    run keel why "$n:1~1"
    has base.undo
    run keel rollback "$n" --yes
    [ "$status" -eq 1 ]
    has 'nothing of run'
    [ $(($(deletions) - before)) -eq 2 ]
}

@test "killed while the service has taken it back and not answered, it goes on and takes nothing back twice" {
    for fault in hang hang_after; do
        work "$fault"
        before=$(deletions)
        tried=$(grep -c '"method":"DELETE"' "$WORLD/log")
        world POST faults "[{\"fault\":\"$fault\",\"method\":\"DELETE\"}]" >/dev/null
        keel rollback "$n" --yes >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
        rollback=$!
        for _ in $(seq 200); do
            [ "$(grep -c '"method":"DELETE"' "$WORLD/log")" -gt "$tried" ] && break
            sleep 0.05
        done
        kill_kernel "$W"
        code=0
        wait "$rollback" || code=$?
        [ "$code" -eq 1 ] || { cat "$BATS_TEST_TMPDIR/said" >&2; return 1; }
        grep -q 'Keel has stopped in the middle' "$BATS_TEST_TMPDIR/said"
        start_kernel "$W"
        until_ended "$n"
        [ $(($(deletions) - before)) -eq 2 ]
        [ "$(printf '%s\n' "$output" | grep -c '"act":"gone"')" -eq 2 ]
    done
    for note in $(grep '"applied":true' "$WORLD/log" | sed -n 's/.*"method":"DELETE","path":"\/notes\/\([0-9]*\)".*/\1/p' | sort -u); do
        [ "$(deleted "$note")" -eq 1 ]
    done
}

@test "what policy denies stops it, and the same command goes on with it" {
    work denied
    before=$(deletions)
    policy '  - { id: keep, on: "notes.note.compensate", deny: {} }'
    keel policy reload
    run keel rollback "$n" --yes
    [ "$status" -eq 5 ]
    has 'failed'
    has "keel rollback $n"
    run keel --json rollback "$n" --yes
    [ "$status" -eq 5 ]
    has '"outcome":"failed"'
    [ $(($(deletions) - before)) -eq 0 ]
    policy ''
    keel policy reload
    run keel --json rollback "$n" --yes
    [ "$status" -eq 0 ]
    has '"compensated":2'
    has '"rollback":"ended"'
    [ $(($(deletions) - before)) -eq 2 ]
}

plan_says() {
    keel rollback "$1" --plan | grep -q "$2"
}

@test "what policy asks for waits for a person, and then goes on by itself" {
    run as_new_approver
    work asked
    before=$(deletions)
    policy '  - { id: careful, on: "*.*.compensate", ask: {} }'
    keel policy reload
    run keel rollback "$n" --yes
    [ "$status" -eq 3 ]
    has 'keel approve'
    [ $(($(deletions) - before)) -eq 0 ]
    item=$(printf '%s\n' "$output" | sed -n 's/.*keel approve \([0-9]*\).*/\1/p')
    run keel inbox "$item"
    has 'takes back'
    run as_approver keel approve "$item" --yes
    [ "$status" -eq 0 ]
    for _ in $(seq 100); do
        [ $(($(deletions) - before)) -lt 1 ] || break
        sleep 0.05
    done
    [ $(($(deletions) - before)) -eq 1 ]
    until_it keel deny $((item + 1)) --why 'keep this one'
    until_it plan_says "$n" 'once more'
    policy ''
    keel policy reload
}

@test "a run that was cancelled to be taken back replays the same while that waits for a person" {
    policy '  - { id: careful, on: "*.*.compensate", ask: {} }'
    keel policy reload
    n=$(keel --json do clerk name=open waits=true --detach | sed 's/.*"run":\([0-9]*\).*/\1/')
    for _ in $(seq 100); do
        ! keel run show "$n" | grep -q 'waits for an event' || break
        sleep 0.1
    done
    run keel rollback "$n" --yes
    [ "$status" -eq 3 ]
    run keel replay "$n"
    [ "$status" -eq 0 ]
    has "run $n: 2 effects answered from the record"
    item=$(keel --json inbox | grep -o '"number":[0-9]*' | tail -n 1 | cut -d: -f2)
    keel deny "$item" --why 'not now'
    policy ''
    keel policy reload
    run keel rollback "$n" --yes
    [ "$status" -eq 0 ]
}

# words TEXT: they stand in the file.
words() {
    cat .keel/*.db* | grep -a -q "\"title\":\"$1\""
}

@test "its words are not erased while it is taken back with another run, and then go with those of the taking back" {
    policy '  - { id: keep, on: "notes.note.compensate", deny: {} }'
    keel policy reload
    run keel do pair name=couple
    [ "$status" -eq 0 ]
    n=$(printf '%s\n' "$output" | sed -n 's/^Run \([0-9]*\) has ended.*/\1/p')
    run keel rollback "$n" --yes
    [ "$status" -eq 5 ]
    keel down
    run keel audit erase --run $((n + 1)) --why 'asked for' --yes
    [ "$status" -eq 1 ]
    has "Run $((n + 1)) is being taken back with run $n"
    start_kernel "$W"
    policy ''
    keel policy reload
    run keel rollback "$n" --yes
    [ "$status" -eq 0 ]
    keel down
    words 'couple one'
    run keel audit erase --run $((n + 1)) --path 1 --why 'asked for' --yes
    [ "$status" -eq 0 ]
    ! words 'couple one' || return 1
    words 'couple two'
    start_kernel "$W"
}

as_new_approver() {
    "$typist" 'with (new): ' "$secret" 'again: ' "$secret" -- keel approver set
}

@test "it asks, and a bare Enter is a no" {
    work question
    before=$(deletions)
    run "$typist" 'y/N [N]: ' '' -- keel rollback "$n"
    has 'Nothing was taken back.'
    [ $(($(deletions) - before)) -eq 0 ]
    run "$typist" 'y/N [N]: ' y -- keel rollback "$n"
    has '2 taken back'
    [ $(($(deletions) - before)) -eq 2 ]
}

waits() {
    keel run show "$1" | grep -q 'waits for an event'
}

@test "a run that ends while its plan is read is shown once more, and asked for again" {
    n=$(keel --json do clerk name=moving waits=true --detach | sed 's/.*"run":\([0-9]*\).*/\1/')
    until_it waits "$n"
    before=$(deletions)
    "$typist" -t 20 'now it has ended' y 'y/N [N]: ' y -- bash -c '
        (until grep -q "y/N" "$1"; do sleep 0.05; done
         keel run send "$2" go
         until keel run show "$2" | grep -q "^run $2 of clerk .*: ended"; do sleep 0.05; done
         echo now it has ended) &
        keel rollback "$2"' - "$BATS_TEST_TMPDIR/said" "$n" >"$BATS_TEST_TMPDIR/said" 2>&1 || { cat "$BATS_TEST_TMPDIR/said"; keel run show "$n"; return 1; }
    run cat "$BATS_TEST_TMPDIR/said"
    has '1 to take back, 1 that stay. Run'
    has "Nothing was done: run $n has gone on meanwhile. The plan is now:"
    has '2 to take back, 1 that stay.'
    has '2 taken back'
    [ $(($(deletions) - before)) -eq 2 ]
}

@test "what is stuck can be taken back, and is settled by it" {
    before=$(deletions)
    run keel do clerk name=halfway fails=true
    [ "$status" -eq 1 ]
    stuck=$(keel --json stuck list | grep -o '"number":[0-9]*' | tail -n 1 | cut -d: -f2)
    [ -n "$stuck" ]
    run keel stuck compensate "$stuck" --plan
    [ "$status" -eq 0 ]
    has 'title: halfway two'
    run keel stuck compensate "$stuck" --yes --why 'half of it is worth nothing'
    [ "$status" -eq 0 ]
    has '2 taken back'
    [ $(($(deletions) - before)) -eq 2 ]
    run keel stuck list --all
    has compensate
    run keel stuck compensate "$stuck" --yes
    [ "$status" -eq 6 ]
    has 'Nothing is stuck under number'
}

@test "it is all in the record, and help tells what can be undone" {
    run keel audit verify
    [ "$status" -eq 0 ]
    run keel audit rebuild --check
    [ "$status" -eq 0 ]
    run keel help undo
    has 'rollback RUN'
    run keel rollback --help
    has 'newest first'
}
