#!/usr/bin/env bats
# Runs once more: against their record, under another version, and on after a restart.

load helper.bash

setup_file() {
    own_home
    work=$BATS_FILE_TMPDIR/work
    mkdir -p "$work/policies" "$work/connectors/notes"
    printf 'version: 1\nname: replays\nconnections:\n  notes: { use: org.example.notes@1 }\n' >"$work/keel.yaml"
    cat >"$work/policies/p.yaml" <<'YAML'
version: 1
rules:
  - { id: notes, on: notes.note.write, allow: {} }
  - { id: children, on: run.spawn, allow: {} }
YAML
    printf 'id: org.example.notes\nkind: connector\nversion: 1.0.0\nentry: notes.lua\n%s\n' \
        'resources: { note: { write: { class: repeatable } } }' >"$work/connectors/notes/manifest.yaml"
    printf '%s\n' 'local keel = require "keel"' \
        'return keel.connector { note = { write = function() return { kept = true } end } }' \
        >"$work/connectors/notes/notes.lua"
    flow 0.1.0 hello 2
    agent chain 0.1.0 '
  if input.left > 0 then return ctx.continue { left = input.left - 1, stop = input.stop } end
  if input.stop then ctx.receive("go") end
  return { finished = true }'
    agent parent 0.1.0 '
  local child = ctx.spawn("chain", { left = 3, stop = input.stop })
  return { child = ctx.wait(child) }'
    agent race 0.1.0 '
  local name = ctx.any {
    function() ctx.sleep("30d"); return "slept" end,
    function() return ctx.receive("go").name end,
  }
  return { first = name }'
    agent broken 0.1.0 'ctx.step("look", function() return 1 end); error("boom")'
    start_kernel "$work"
}

# agent NAME VERSION BODY
agent() {
    mkdir -p "$work/agents/$1"
    printf 'id: org.example.%s\nkind: agent\nname: %s\nversion: %s\nentry: %s.lua\n' "$1" "$1" "$2" "$1" \
        >"$work/agents/$1/manifest.yaml"
    printf 'local keel = require "keel"\nreturn keel.agent { run = function(ctx, input)\n%s\nend }\n' "$3" \
        >"$work/agents/$1/$1.lua"
}

# flow VERSION TEXT NUMBER: a note, a wait for a word, another note
flow() {
    agent flow "$1" '
  local notes = ctx.use("notes")
  ctx.step("plan", function() return 1 end)
  notes.write("note", { number = 1, text = "'"$2"'" })
  local event = ctx.receive("go")
  notes.write("note", { number = '"$3"' })
  return { body = event.body }'
}

teardown_file() {
    stop_kernel "$BATS_FILE_TMPDIR/work"
}

setup() {
    work=$BATS_FILE_TMPDIR/work
    cd "$work" || return 1
}

# until_state RUN STATE
until_state() {
    for _ in $(seq 100); do
        if keel --json run list | grep -q "\"run\":$1,.*\"state\":\"$2\""; then
            return 0
        fi
        sleep 0.1
    done
    keel run list >&2
    return 1
}

begin() {
    keel --json do "$@" --detach | sed 's/.*"run":\([0-9]*\).*/\1/'
}

# waits RUN: until it waits for an event
waits() {
    for _ in $(seq 100); do
        keel run show "$1" | grep -q 'waits for an event' && return 0
        sleep 0.1
    done
    return 1
}

@test "an open run is the same so far, an ended one to its end" {
    run_id=$(begin flow)
    waits "$run_id"
    run keel replay "$run_id"
    [ "$status" -eq 0 ]
    [ "$output" = "run $run_id: 2 effects answered from the record, the same digests; it waits for the same 1 call" ]
    keel run send "$run_id" go '{"a":1}'
    until_state "$run_id" ended
    run keel replay "$run_id"
    [ "$status" -eq 0 ]
    [ "$output" = "run $run_id: 4 effects answered from the record, the same digests, ends as recorded" ]
    run keel --json replay "$run_id"
    [[ $output == *'"ends":true'*'"same":true'* ]]
}

@test "a replay writes nothing and sends nothing, and works while Keel is down" {
    run_id=$(begin flow)
    waits "$run_id"
    keel down
    before=$(sha256sum .keel/keel.db)
    keel replay "$run_id"
    keel replay 1
    [ "$(sha256sum .keel/keel.db)" = "$before" ]
    start_kernel "$work"
}

@test "a run that failed by itself fails again in the same way" {
    run keel do broken
    [ "$status" -eq 1 ]
    run_id=$(keel --json run list --agent broken | sed 's/.*"run":\([0-9]*\).*/\1/' | tail -1)
    run keel replay "$run_id"
    [ "$status" -eq 0 ]
    [[ $output == *"1 effect answered from the record, the same digests, ends as recorded" ]]
}

@test "another version shows the first difference, both sides word for word" {
    run_id=$(begin flow)
    waits "$run_id"
    cp -R agents/flow "$BATS_TEST_TMPDIR/flow"
    sed -i 's/"hello"/"goodbye"/' "$BATS_TEST_TMPDIR/flow/flow.lua"
    run keel replay "$run_id" --agent "$BATS_TEST_TMPDIR/flow"
    [ "$status" -eq 1 ]
    [ "${lines[0]}" = "run $run_id under flow 0.1.0 goes another way" ]
    [[ $output == *'  - args.text: "hello"'* ]]
    [[ $output == *'  + args.text: "goodbye"'* ]]
    run keel --json replay "$run_id" --agent "$BATS_TEST_TMPDIR/flow"
    [[ $output == *'"path":"2"'*'"text":"hello"'*'"same":false'* ]]
}

@test "a call too many, one too few, and another end are differences" {
    run_id=$(begin flow)
    waits "$run_id"
    keel run send "$run_id" go 1
    until_state "$run_id" ended
    cp -R agents/flow "$BATS_TEST_TMPDIR/flow"
    cd "$BATS_TEST_TMPDIR"
    cp flow/flow.lua whole.lua
    sed -i 's/  return { body/  ctx.now()\n  return { body/' flow/flow.lua
    run keel -C "$work" replay "$run_id" --agent ./flow
    [ "$status" -eq 1 ]
    [[ $output == *"- no call"*"+ now"* ]]
    sed '/number = 2/d' whole.lua >flow/flow.lua
    run keel -C "$work" replay "$run_id" --agent ./flow
    [ "$status" -eq 1 ]
    [[ $output == *"- effect notes.note.write"*"+ no call"* ]]
    sed 's/body = event.body/body = 0/' whole.lua >flow/flow.lua
    run keel -C "$work" replay "$run_id" --agent ./flow
    [ "$status" -eq 1 ]
    [[ $output == *"At its end"*"- result.body: 1"*"+ result.body: 0"* ]]
    sed 's/event.body/event..nothing/' whole.lua >flow/flow.lua
    run keel -C "$work" replay "$run_id" --agent ./flow
    [ "$status" -eq 1 ]
    [[ $output == *"- end ended"*"+ end failed"* ]]
    printf 'not lua' >flow/flow.lua
    run keel -C "$work" replay "$run_id" --agent ./flow
    [ "$status" -eq 1 ]
    [[ $output == *"cannot be replayed: its code does not load"* ]]
}

@test "what cannot be replayed is refused with what to do" {
    run keel replay 999
    [ "$status" -eq 6 ]
    [[ $output == *"There is no run 999."*"keel run list"* ]]
    run keel replay seven
    [ "$status" -eq 2 ]
    run keel replay 1 --agent flow@9
    [ "$status" -eq 6 ]
    [[ $output == *"There is no version 9 of flow."*"There is 0.1.0"* ]]
    run_id=$(begin flow)
    waits "$run_id"
    run keel replay "$run_id" --agent chain@0.1.0
    [ "$status" -eq 2 ]
    [[ $output == *"is one of flow"* ]]
}

@test "a run moves to the newest version if nothing differs, else it stays" {
    run_id=$(begin flow)
    waits "$run_id"
    run keel run migrate "$run_id" --yes
    [[ $output == *"is at flow 0.1.0 already."* ]]
    flow 0.2.0 goodbye 2
    keel policy reload
    run keel run migrate "$run_id" --yes
    [ "$status" -eq 1 ]
    [[ $output == *"Run $run_id stays at flow 0.1.0: 0.2.0 goes another way."*'- args.text: "hello"'* ]]
    flow 0.3.0 hello 3
    keel policy reload
    keel run migrate "$run_id" --to 0.3.0 --yes
    keel run show "$run_id" | grep -q 'goes on under another version'
    keel down
    start_kernel "$work"
    keel run send "$run_id" go
    until_state "$run_id" ended
    keel --json run show "$run_id" | grep -q '"args":{"number":3}'
    keel replay "$run_id"
    run keel run migrate "$run_id" --yes
    [ "$status" -ne 0 ]
    [[ $output == *"only a run that goes on can be moved"* ]]
}

@test "a run that waits goes on with the code it began with, whatever is installed meanwhile" {
    run_id=$(begin flow)
    waits "$run_id"
    flow 0.4.0 hello 4
    keel policy reload
    keel down
    start_kernel "$work"
    other=$(begin flow)
    waits "$other"
    for id in "$run_id" "$other"; do
        keel run send "$id" go
        until_state "$id" ended
    done
    keel --json run show "$run_id" | grep -q '"args":{"number":3}'
    keel --json run show "$other" | grep -q '"args":{"number":4}'
}

@test "the files of a version that is installed no longer come from the journal" {
    keel replay 1 --agent flow@0.1.0
    keel down
    rm -rf .keel/plugins/org.example.flow/0.2.0
    run keel replay 1 --agent flow@0.2.0
    [ "$status" -eq 1 ]
    [[ $output == *'+ args.text: "goodbye"'* ]]
    start_kernel "$work"
}

@test "keel do and ctx.wait follow a run through its segments" {
    run keel --json do chain left=3
    [ "$status" -eq 0 ]
    [[ ${lines[-1]} == *'"result":{"finished":true}'* ]]
    run keel --json do parent
    [ "$status" -eq 0 ]
    [[ ${lines[-1]} == *'"result":{"child":{"finished":true}}'* ]]
}

open_child() {
    keel --json run list --open --agent chain | sed -n 's/.*"run":\([0-9]*\).*/\1/p' | tail -n 1
}

child_waits() {
    keel run show "$(open_child)" | grep -q 'waits for an event'
}

@test "a cancelled run takes what it began along, unless it alone is meant" {
    parent=$(begin parent stop=true)
    until_it child_waits
    child=$(open_child)
    keel run cancel "$parent" --only
    until_state "$parent" cancelled
    until_state "$child" open
    keel run cancel "$child"
    until_state "$child" cancelled
    parent=$(begin parent stop=true)
    until_it child_waits
    child=$(open_child)
    keel run cancel "$parent"
    until_state "$parent" cancelled
    until_state "$child" cancelled
    [ -z "$(open_child)" ]
}

@test "a run whose branches wait is woken after a restart" {
    run_id=$(begin race)
    waits "$run_id"
    kill_kernel "$work"
    start_kernel "$work"
    keel run send "$run_id" go
    until_state "$run_id" ended
    keel replay "$run_id"
}
