# What is said of work that waits: for a connection that rests, for a look, under a halt, for a verdict. A
# person reads it and does the next thing, so it has to be so.

bats_require_minimum_version 1.5.0
load helper

setup_file() {
    own_home
    export W=$BATS_FILE_TMPDIR/office WORLD=$BATS_FILE_TMPDIR/world
    mkdir -p "$W/connectors/memos" "$W/agents/clerk" "$W/policies" "$WORLD"
    start_world
    make_workspace
    start_kernel "$W"
    checked
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
  - { method: POST, path: /memos, do: create, key: Ref, keep: ref }
  - { method: GET, path: /memos, do: search, query: ref }
  - { method: DELETE, path: "/memos/{id}", do: delete }
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
    cat >"$W/keel.yaml" <<YAML
version: 1
connections:
  memos: { use: com.example.memos@1, config: { base: "http://127.0.0.1:$(cat "$WORLD/port")" }, private: true }
YAML
    cat >"$W/connectors/memos/manifest.yaml" <<'YAML'
id: com.example.memos
kind: connector
version: 1.0.0
entry: service.yaml
needs: [ "http:{config.base}" ]
resources:
  memo:
    write:      { class: checkable, sink: external, undo: compensate }
    compensate: { class: repeatable }
YAML
    cat >"$W/connectors/memos/service.yaml" <<'YAML'
resources:
  memo:
    write:      { post: /memos, headers: { Ref: "{key}" } }
    reconcile:  { get: "/memos?ref={key}", found: "0" }
    compensate: { delete: "/memos/{outcome.id}", errors: { 404: ok } }
YAML
    cat >"$W/policies/clerk.yaml" <<'YAML'
version: 1
rules:
  - { id: clerk-memos, on: memos.memo.write, agents: [clerk], allow: {} }
breakers:
  - { on: memos, for: 1h }
YAML
    printf 'id: com.example.clerk\nname: clerk\nkind: agent\nversion: 1.0.0\nentry: clerk.lua\n' \
        >"$W/agents/clerk/manifest.yaml"
    cat >"$W/agents/clerk/clerk.lua" <<'LUA'
local keel = require "keel"
return keel.agent { run = function(ctx, input)
  assert(ctx.use("memos").write("memo", { title = input.title }))
  if (input.again or 0) > 0 then
    return ctx.continue { title = input.title, again = input.again - 1 }
  end
  return "written"
end }
LUA
}

# As `keel connector check` leaves it when all has passed.
checked() {
    digest=$(sqlite3 "$W/.keel/keel.db" "SELECT lower(hex(digest)) FROM plugin WHERE id = 'com.example.memos'")
    mkdir -p "$W/.keel/checks"
    printf '{"at_us":1795907846500993,"digest":"%s","failed":0,"id":"com.example.memos","keel":"0.1.0","kit":2,"passed":24,"skipped":1,"version":"1.0.0"}' \
        "$digest" >"$W/.keel/checks/$digest.json"
    keel -C "$W" policy reload
}

# world FAULTS: replaces those in force.
world() {
    exec 9<>"/dev/tcp/127.0.0.1/$port"
    printf 'POST /_fakeworld/faults HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s' \
        "${#1}" "$1" >&9
    grep -q '^HTTP/1.1 2' <&9
    exec 9>&-
}

# begin NAME=VALUE...: a run that is not followed; its number is in $n.
begin() {
    n=$(keel --json do clerk "$@" --detach | sed 's/.*"run":\([0-9]*\).*/\1/')
}

looked_for() {
    [ "$(keel run show "$n" | grep -c 'the answer was 403')" -ge "$1" ]
}

all_ended() {
    open=$(keel --json run list --open) && [ -z "$open" ]
}

age() {
    keel --json unknown list | sed -n 's/.*"age_us":\([0-9]*\).*/\1/p'
}

@test "of an outcome that Keel looks for it is told since when, and when it looks next, also while its connection rests" {
    world '[{"fault":"lost","method":"POST"},{"fault":"status","status":403,"method":"GET","always":true}]'
    begin title=first
    until_it looked_for 1
    sleep 2
    first=$(age)
    [ "$first" -ge 2000000 ]
    run keel unknown list
    [ "$status" -eq 0 ]
    has 'memos rests until 2'
    until=$(printf '%s\n' "$output" | sed -n 's/^memos rests until \(.\{19\}\).*/\1/p')
    [ "$(printf '%s\n' "$output" | grep -c "$until")" -eq 2 ]
    run keel unknown show "$n/1"
    has 'looks when it may: memos rests until 2'
    has 'sooner by keel connection retry memos'
    run keel unknown check "$n/1"
    has 'as soon as it may: memos rests until 2'
    run keel unknown check "$n/1"
    [ "$status" -eq 1 ]
    has 'its connection rests'
    has 'sooner: keel connection retry memos'
    keel connection retry memos
    until_it looked_for 2
    [ "$(age)" -ge "$first" ]
}

@test "a rollback that waits says for what, and the same command goes along with it" {
    world '[]'
    keel connection retry memos || true
    until_it all_ended # what is sent to see goes first, and the next one would wait behind it
    run keel do clerk title=second
    [ "$status" -eq 0 ]
    n=$(printf '%s\n' "$output" | sed -n 's/^Run \([0-9]*\) has ended.*/\1/p')
    world '[{"fault":"status","status":403,"method":"DELETE","always":true}]'
    run keel rollback "$n" --yes
    [ "$status" -eq 3 ]
    run keel --json connection list
    has '"rests_until_us":1'
    has '"rests_why":"it answered 403'
    keel rollback "$n" --yes >"$BATS_TEST_TMPDIR/waits" 2>&1 3>&- &
    until_it grep -q 'it goes on by itself' "$BATS_TEST_TMPDIR/waits"
    kill "$!" # it was still there
    wait "$!" || true
    run cat "$BATS_TEST_TMPDIR/waits"
    has 'waits: memos rests until 2'
    has 'sooner: keel connection retry memos'
    world '[]'
    timeout 60 keel rollback "$n" --yes >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
    until_it grep -q "Run $n is being taken back already" "$BATS_TEST_TMPDIR/said"
    keel connection retry memos
    wait "$!"
    run cat "$BATS_TEST_TMPDIR/said"
    has "Run $n: 1 taken back"
    [ "$(grep '"applied":true' "$WORLD/log" | grep -c DELETE)" -eq 1 ]
    run keel --json connection list
    lacks 'rests_'
}

@test "under a halt a connection that is tried again says when what waits is sent" {
    world '[{"fault":"status","status":403,"method":"POST"}]'
    run keel do clerk title=fourth
    keel halt --why 'a look first'
    run keel connection retry memos
    [ "$status" -eq 0 ]
    has 'The workspace is halted: what waits is sent after `keel resume`'
    keel resume
}

@test "a plan does not promise what was erased, and who is stuck there learns why" {
    run keel do clerk title=fifth
    [ "$status" -eq 0 ]
    n=$(printf '%s\n' "$output" | sed -n 's/^Run \([0-9]*\) has ended.*/\1/p')
    run keel --json rollback "$n" --plan
    has '"args":{"title":"fifth"}'
    lacks '"erased"'
    keel down
    keel audit erase --run "$n" --why 'asked for' --yes
    start_kernel "$W"
    run keel rollback "$n" --plan
    [ "$status" -eq 0 ]
    has 'its words were erased'
    has '0 to take back, 0 that stay, 1 whose words were erased.'
    lacks 'taken back by'
    run keel --json rollback "$n" --plan
    has '"erased":true'
    run keel rollback "$n" --yes
    [ "$status" -eq 3 ]
    stuck=$(printf '%s\n' "$output" | sed -n 's/.*Why: keel stuck show \([0-9]*\)\..*/\1/p')
    run keel stuck show "$stuck"
    [ "$status" -eq 0 ]
    has 'what was written was erased'
}

@test "a run that went on as another names it, and that one where it comes from" {
    run keel do clerk title=sixth again=1
    [ "$status" -eq 0 ]
    n=$(printf '%s\n' "$output" | sed -n 's/^Run \([0-9]*\) has ended.*/\1/p')
    run keel run show "$n"
    has "went on as run $((n + 1))"
    run keel run show $((n + 1))
    has "goes on from run $n"
}

@test "under a halt a run that is followed is not said to be at work" {
    keel halt --why 'a look first'
    keel do clerk title=seventh >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
    until_it grep -q 'halted until `keel resume`' "$BATS_TEST_TMPDIR/said"
    kill "$!" # it was still there
    wait "$!" || true
    run cat "$BATS_TEST_TMPDIR/said"
    lacks 'at work'
    keel resume
    until_it all_ended # else it would meet the fault of the next
}

@test "what is stuck or unknown is not denied, and not said to be gone" {
    world '[{"fault":"status","status":422,"method":"POST"}]'
    run keel do clerk title=eighth
    [ "$status" -eq 1 ]
    stuck=$(printf '%s\n' "$output" | sed -n 's/.*stuck as item \([0-9]*\):.*/\1/p')
    run keel deny "$stuck" --why 'no'
    [ "$status" -eq 2 ]
    has "keel stuck show $stuck"
    lacks gone
}

@test "an open run whose agent is not as it was installed is not passed over in silence" {
    sed -i 's/assert(ctx/ctx.receive("go") assert(ctx/' agents/clerk/clerk.lua
    sed -i 's/1.0.0/1.1.0/' agents/clerk/manifest.yaml
    keel policy reload
    begin title=ninth
    keel down
    echo '-- another' >>.keel/plugins/com.example.clerk/1.1.0/clerk.lua
    start_kernel "$W"
    run keel
    has '1 open run stands still'
    run keel --json
    has '"standing":1'
    run keel run send "$n" go
    [ "$status" -eq 1 ]
    has "run $n stands still"
    keel down
    sed -i '$d' .keel/plugins/com.example.clerk/1.1.0/clerk.lua
    start_kernel "$W"
    run keel
    lacks 'still'
    run keel run send "$n" go
    [ "$status" -eq 0 ]
}
