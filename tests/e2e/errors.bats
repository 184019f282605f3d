# What goes wrong, and what is said about it.

load helper

setup() {
    export BATS_FILE_TMPDIR=$BATS_TEST_TMPDIR
    own_home
    W=$BATS_TEST_TMPDIR/w
    mail "$W.mail" 1 Hello
    keel init "$W" --from "$W.mail" --own-domain studio.example --no-input >/dev/null 2>&1
    cd "$W"
}

teardown() {
    stop_kernel "$W"
}

@test "what needs a kernel says how to start one" {
    for c in 'do triage' 'deny 1 --why x' 'halt' 'resume' 'down' 'policy reload' 'run cancel 1' \
        'run send 1 go' 'approver set'; do
        # shellcheck disable=SC2086
        run keel $c
        [ "$status" -eq 1 ] || { echo "$c: $status $output" >&2; return 1; }
        has 'Keel is not running here'
        has 'keel up'
    done
}

@test "what reads says that nothing has run yet" {
    for c in inbox 'why 1' costs 'run list' 'unknown list' logs 'audit verify' 'policy show'; do
        # shellcheck disable=SC2086
        run keel $c
        [ "$status" -eq 6 ] || { echo "$c: $status $output" >&2; return 1; }
        has 'Nothing has run'
    done
}

@test "a keel.yaml with a fault has its place named" {
    echo 'conections: {}' >>keel.yaml
    for c in inbox 'up --detach' 'policy check' 'agent list'; do
        # shellcheck disable=SC2086
        run keel $c
        [ "$status" -eq 2 ]
        printf '%s\n' "$output" | grep -Eq 'keel.yaml:[0-9]+:[0-9]+: '
        has 'connections'
    done
    run keel doctor
    [ "$status" -eq 1 ]
    has 'fail  workspace'
}

@test "a faulty policy is not started with, and the reason comes to the terminal" {
    echo 'rules: [' >policies/broken.yaml
    run keel up --detach
    [ "$status" -eq 2 ]
    has 'policies/broken.yaml'
    run keel up
    [ "$status" -eq 2 ]
    has 'policies/broken.yaml'
    run keel doctor
    [ "$status" -eq 1 ]
    has 'fail  policy'
}

@test "all faults of all files are found in one check" {
    printf 'version: 1\nrules:\n  - { id: a, no: x }\n' >policies/a.yaml
    printf 'version: 1\nruls: []\n' >policies/b.yaml
    run keel policy check
    [ "$status" -eq 2 ]
    has 'policies/a.yaml:3'
    has 'policies/b.yaml:2'
    run keel policy check policies/a.yaml --json
    [ "$status" -eq 2 ]
    has '"kind":"fault"'
    has '"line":3'
    run keel policy check policies/nowhere.yaml
    [ "$status" -eq 6 ]
}

@test "names in a rule that do not exist" {
    cat >policies/more.yaml <<'YAML'
version: 1
rules:
  - { id: typo, on: inbx.message.write, agents: [triage], allow: {} }
YAML
    run keel policy check
    [ "$status" -eq 2 ]
    has 'inbox'
    has 'policies/more.yaml:3'
}

@test "a database that is no database" {
    keel up --detach
    keel down
    cp .keel/keel.db good.db
    printf 'this is not a database, it is a text that is long enough to be looked at' >.keel/keel.db
    rm -f .keel/keel.db-wal .keel/keel.db-shm
    for c in inbox 'audit verify' 'up --detach'; do
        # shellcheck disable=SC2086
        run keel $c
        [ "$status" -eq 1 ] || { echo "$c: $status $output" >&2; return 1; }
        [ "${#lines[@]}" -ge 1 ]
    done
}

@test "a record that was changed is named" {
    start_kernel "$W"
    keel do triage || true
    keel down
    sqlite3 .keel/keel.db "UPDATE journal SET body = x'7b7d' WHERE seq = 3"
    run keel audit verify
    [ "$status" -eq 1 ]
    has '3'
}

@test "an older database is noticed, and going on with it is an act" {
    keel up --detach
    keel down
    cp .keel/keel.db older.db
    keel up --detach
    keel do triage || true
    keel down
    run keel doctor
    has 'ok    anchor'
    cp older.db .keel/keel.db
    rm -f .keel/keel.db-wal .keel/keel.db-shm
    run keel doctor
    [ "$status" -eq 1 ]
    has 'fail  anchor'
    has 'does not hold'
    run keel up --detach
    [ "$status" -eq 1 ]
    has 'accept-rollback'
    run keel up --detach --accept-rollback
    [ "$status" -eq 0 ]
    run keel logs --all
    has 'rollback accepted'
}

@test "a kernel that is killed is said to be gone, and what it acknowledged is there" {
    start_kernel "$W"
    keel do triage --quiet >/dev/null || true
    pid=$(sed -n 's/.*"pid":\([0-9]*\).*/\1/p' .status)
    kill -9 "$pid"
    run keel halt
    [ "$status" -eq 1 ]
    has 'keel up'
    run keel run list
    has 'triage'
    start_kernel "$W"
    run keel run list
    has 'triage'
}

@test "a kernel that ends in mid-command: the same command may be repeated safely" {
    start_kernel "$W"
    pid=$(sed -n 's/.*"pid":\([0-9]*\).*/\1/p' .status)
    kill -STOP "$pid"
    { keel halt >out 2>&1 || echo $? >code; } 3>&- &
    job=$!
    until_it grep -q 'has not answered' out # so it was sent
    kill -9 "$pid"
    wait "$job"
    [ "$(cat code)" -eq 1 ]
    run cat out
    has 'is not known'
    id=$(printf '%s\n' "$output" | sed -n 's/.*--request \([0-9a-f]*\).*/\1/p')
    [ "${#id}" -eq 32 ]
    start_kernel "$W"
    run keel halt --request "$id"
    [ "$status" -eq 0 ]
    run keel halt --request "$id"
    [ "$status" -eq 0 ]
    run keel logs --all
    [ "$(printf '%s\n' "$output" | grep -c ' halted ')" -eq 1 ]
}

@test "a halt for want of room is not said to end with keel resume" {
    start_kernel "$W"
    keel halt --why 'the disk is nearly full'
    keel down
    run keel inbox
    has 'until `keel resume`'
    sqlite3 .keel/keel.db "UPDATE control SET halted_by = 'space'"
    run keel
    has 'next: keel up'
    lacks resume
    run keel inbox
    has 'until there is room on the disk'
    lacks resume
}

@test "keel up in the foreground ends with Ctrl-C, in good order" {
    run "$typist" 'ready' "$(printf '\003')" -- keel up
    [ "$status" -eq 0 ]
    run keel
    has 'not running'
    run keel audit verify
    [ "$status" -eq 0 ]
}

@test "a socket of somebody else" {
    [ "$(id -u)" -eq 0 ] || return 0
    start_kernel "$W"
    chmod 711 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/.." "$BATS_TEST_TMPDIR/../.." 2>/dev/null || true
    run setpriv --reuid 65534 --clear-groups keel -C "$W" inbox
    [ "$status" -ne 0 ]
    [ -n "$output" ]
}

@test "a workspace deeper than a socket's address" {
    deep=$BATS_TEST_TMPDIR/$(printf 'a%.0s' $(seq 100))
    mkdir -p "$deep"
    run keel init "$deep/w" --no-input
    [ "$status" -eq 2 ]
    has 'path is too long'
    has 'shorter'
    [ ! -e "$deep/w/keel.yaml" ]
}

@test "a plugin whose manifest is faulty is named and left out" {
    mkdir -p agents/bad
    printf 'id: com.example.bad\nkind: agnt\n' >agents/bad/manifest.yaml
    run keel agent list
    [ "$status" -eq 0 ]
    has 'agents/bad/manifest.yaml:2'
    has 'triage'
    run keel plugin inspect agents/bad
    [ "$status" -eq 2 ]
    run keel plugin install agents/bad
    [ "$status" -eq 2 ]
    run keel plugin inspect nowhere
    [ "$status" -ne 0 ]
}

@test "a plugin is installed into a running workspace" {
    start_kernel "$W"
    mkdir -p hello
    printf 'id: com.example.hello\nname: hello\nkind: agent\nversion: 1.0.0\nentry: hello.lua\n' >hello/manifest.yaml
    cat >hello/hello.lua <<'LUA'
local keel = require "keel"
return keel.agent {
  name = "hello", version = "1.0.0",
  run = function(ctx, input) return { hello = input.name } end,
}
LUA
    run keel plugin inspect hello
    [ "$status" -eq 0 ]
    has 'com.example.hello 1.0.0'
    run keel plugin install hello --dry-run
    [ "$status" -eq 0 ]
    run keel plugin install hello
    [ "$status" -eq 0 ]
    has 'Installed com.example.hello 1.0.0'
    run keel do hello name=World
    [ "$status" -eq 0 ]
    has '│ World'
    run keel do hello name=World --json
    has '"result":{"hello":"World"}'
}

@test "a run that fails ends with 1 and says where to look" {
    mkdir -p agents/bad
    printf 'id: com.example.bad\nname: bad\nkind: agent\nversion: 1.0.0\nentry: bad.lua\n' >agents/bad/manifest.yaml
    cat >agents/bad/bad.lua <<'LUA'
local keel = require "keel"
return keel.agent { name = "bad", version = "1.0.0", run = function() error("on purpose") end }
LUA
    start_kernel "$W"
    run keel do bad
    [ "$status" -eq 1 ]
    has 'on purpose'
    has 'keel run show 1'
}

@test "an event reaches the run that waits for it" {
    mkdir -p agents/waiter
    printf 'id: com.example.waiter\nname: waiter\nkind: agent\nversion: 1.0.0\nentry: waiter.lua\n' >agents/waiter/manifest.yaml
    cat >agents/waiter/waiter.lua <<'LUA'
local keel = require "keel"
return keel.agent { name = "waiter", version = "1.0.0", run = function(ctx)
  local event = ctx.receive("go")
  return { got = event.body }
end }
LUA
    start_kernel "$W"
    keel do waiter --detach
    run keel run send 1 go '{"n": 5}'
    [ "$status" -eq 0 ]
    for _ in $(seq 100); do
        run keel run show 1
        case $output in *'got'*) break ;; esac
        sleep 0.05
    done
    has '│ 5'
}

@test "Ctrl-C leaves the run alone" {
    mkdir -p agents/waiter
    printf 'id: com.example.waiter\nname: waiter\nkind: agent\nversion: 1.0.0\nentry: waiter.lua\n' >agents/waiter/manifest.yaml
    cat >agents/waiter/waiter.lua <<'LUA'
local keel = require "keel"
return keel.agent { name = "waiter", version = "1.0.0", run = function(ctx) return ctx.receive("go") end }
LUA
    start_kernel "$W"
    run "$typist" 'waits for an event' "$(printf '\003')" -- keel do waiter
    [ "$status" -eq 130 ]
    has 'goes on'
    run keel run list --open --json
    has '"agent":"waiter"'
}
