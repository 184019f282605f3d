# keel agent test: scenes as an author writes them, records them and breaks them.

load helper

setup() {
    own_home
    export BATS_FILE_TMPDIR=$BATS_TEST_TMPDIR
    own_home
    cd "$BATS_TEST_TMPDIR"
    mkdir agent
    cat >agent/manifest.yaml <<'YAML'
id: com.example.try
kind: agent
version: 1.0.0
name: try
entry: try.lua
YAML
}

teardown() {
    stop_kernel "$BATS_TEST_TMPDIR/w"
}

# script LINE...: the body of run.
script() {
    { echo 'local keel = require "keel"' && echo 'return keel.agent { run = function(ctx, input)'
        printf '  %s\n' "$@"
        echo 'end }'; } >agent/try.lua
}

# scene LINE...
scene() {
    printf '%s\n' "$@" >agent/try.scene
}

# fails TEXT...: the scene does not pass, and says each of these.
fails() {
    run keel agent test agent
    [ "$status" -eq 1 ]
    has 'not ok 1 - try.scene'
    has '# 0 passed, 1 failed'
    for text in "$@"; do
        has "$text"
    done
}

passes() {
    run keel agent test agent
    [ "$status" -eq 0 ]
    has 'ok 1 - try.scene'
    has '# 1 passed, 0 failed'
}

@test "the agents that ship, against their scenes" {
    run keel agent test "$BATS_TEST_DIRNAME/../../plugins/triage"
    [ "$status" -eq 0 ]
    has '# 6 passed, 0 failed'
    run keel agent test "$BATS_TEST_DIRNAME/../../plugins/correspondent"
    [ "$status" -eq 0 ]
    has '# 4 passed, 0 failed'
}

@test "the table of what triage makes of mails and sentences" {
    cp "$BATS_TEST_DIRNAME"/../agents/judge/* "$BATS_TEST_DIRNAME/../../plugins/triage/judge.lua" agent/
    rm agent/try.lua 2>/dev/null || true
    run keel agent test agent
    [ "$status" -eq 0 ]
    has 'ok 1 - judge.scene'
}

@test "every kind of call, steps and log lines left out, and each prefix replayed" {
    script 'local t, r = ctx.now(), ctx.random(1, 6)' \
        'ctx.step("add", function() return 1 end)' 'ctx.log("on the way")' \
        'local child = ctx.spawn("helper", { n = 1 }, { key = "k" })' \
        'local got = ctx.wait(child)' 'ctx.sleep("90s")' \
        'local e = ctx.receive("answer", { timeout = "7d" })' \
        'local late = ctx.receive(nil, { timeout = "1s" })' \
        'local ok, err = ctx.use("a").read("b", { n = 1 })' \
        'return { t = t, r = r, got = got, e = e.body, late = late == nil, err = err.code }'
    scene 'about: everything' 'input: { x: 1 }' 'calls:' '  - now: 1700000000000000' \
        '  - random: "00000000000000ff"' '  - spawn: helper' '    input: { n: 1 }' '    key: k' \
        '    ok: { existing: false, run: 8 }' '  - wait: 8' '    ok: { result: 5, state: ended }' \
        '  - sleep: 90s' '  - receive: answer' '    timeout: 7d' \
        '    ok: { name: answer, body: { yes: true } }' '  - receive: null' '    ok: null' \
        '  - use: a.b.read' '    args: { n: 1 }' '    err: { code: not_found, why: gone }' \
        'end: { t: 1700000000000000, r: 1, got: 5, e: { yes: true }, late: true, err: not_found }'
    passes
    run keel agent test agent --json
    [ "$status" -eq 0 ]
    has '"failed":0,"passed":1'
    has '"calls":10'
    has '"prefixes":11'
}

@test "branches of ctx.all and ctx.any: the order of answers is the scene's" {
    script 'local both = ctx.all {' \
        '  function() return ctx.use("a").read("b", { n = 1 }) end,' \
        '  function() return ctx.use("a").read("b", { n = 2 }) end }' \
        'local which, what = ctx.any {' \
        '  function() ctx.sleep("7d") return "slept" end,' \
        '  function() return ctx.receive("go").name end }' \
        'return { both = both, which = which, what = what }'
    scene 'calls:' '  - use: a.b.read' '    path: "1.2.1"' '    args: { n: 2 }' '    ok: two' \
        '  - use: a.b.read' '    path: "1.1.1"' '    args: { n: 1 }' '    ok: one' \
        '  - sleep: 7d' '    open: true' '  - receive: go' '    ok: { name: go, body: null }' \
        'end: { both: [ one, two ], which: 2, what: go }'
    passes
}

@test "a run that fails, and one that continues, as scenes" {
    script 'if input.n then return ctx.continue { n = input.n + 1 } end' 'error("no n")'
    scene 'input: { n: 1 }' 'continued: { n: 2 }'
    passes
    scene 'failed: { code: error, message: "try.lua:4: no n" }'
    passes
    fails_message() { scene 'failed: { message: "try.lua:4: other" }'; fails 'the run fails in another way' 'expected "try.lua:4: other"'; }
    fails_message
}

@test "what differs is shown with its place in the scene, both sides, and what to look at" {
    script 'local a = ctx.use("notes").write("note", { text = "Hello", n = { 1, 2 } }, { why = "so" })' \
        'return { id = a.id }'
    scene 'calls:' '  - use: notes.note.write' '    args: { text: Hallo, n: [ 1, 3 ], x: 1 }' \
        '    ok: { id: 7 }' 'end: { id: 7 }'
    fails 'agent/try.scene:2: path 1, use notes.note.write, differs' 'args.text: expected "Hallo"' \
        'got      "Hello"' 'args.n[2]: expected 3' 'args.x: expected 1' 'got      nothing'
    scene 'calls:' '  - use: notes.note.write' '    why: for fun' '    ok: { id: 7 }' 'end: { id: 7 }'
    fails 'why: expected "for fun"'
    scene 'calls:' '  - use: notes.note.read' '    ok: { id: 7 }' 'end: { id: 7 }'
    fails 'agent/try.scene:2: path 1 is another call' 'expected  use notes.note.read' \
        'got       use notes.note.write'
    scene 'calls:' '  - step: first' '  - use: notes.note.write' '    ok: { id: 7 }' 'end: { id: 7 }'
    fails 'agent/try.scene:2: path 1 is another call' 'expected  step first'
    scene 'end: { id: 7 }'
    fails 'path 1 is another call' 'no further call'
    scene 'calls:' '  - use: notes.note.write' '    ok: { id: 7 }' 'end: { id: 8 }'
    fails 'agent/try.scene:4: the run ends with another result' 'id: expected 8'
    scene 'calls:' '  - use: notes.note.write' '    ok: { id: 7 }' '  - now: 1' 'end: { id: 7 }'
    fails 'agent/try.scene:4: the run ended before it came to this' 'expected  now'
    scene 'calls:' '  - use: notes.note.write' '    ok: { id: 7 }'
    fails 'does not say how the run ends' 'got      {"id":7}'
    scene 'calls:' '  - use: notes.note.write' '    err: { code: denied, why: no }' 'end: {}'
    fails 'agent/try.lua:4: the run failed: try.lua:4: attempt to index a nil value'
}

@test "a step that gives something else" {
    script 'return ctx.step("add", function() return { a = 1, b = 2 } end)'
    scene 'calls:' '  - step: add' '    gives: { a: 1, b: 3 }' 'end: { a: 1, b: 2 }'
    fails 'agent/try.scene:2: the step add at path 1 gives something else' 'gives.b: expected 3'
    scene 'calls:' '  - step: add' 'end: { a: 1, b: 2 }'
    passes
}

@test "a call that the run never makes ends the scene, and does not hang" {
    script 'ctx.all { function() ctx.use("a").read("b") end, function() ctx.use("a").read("c") end }'
    scene 'calls:' '  - use: a.d.read' '    path: "1.3.1"' '    ok: 1' '  - use: a.b.read' '    ok: 1' \
        '  - use: a.c.read' '    ok: 1' 'end: null'
    fails 'agent/try.scene:2: the run waits, and this call does not come' 'waits     path 1.1.1'
}

@test "scripts that do not load, compute for ever or eat memory" {
    echo 'x = = 1' >agent/try.lua
    scene 'end: 1'
    fails 'agent/try.lua:1: it does not load: try.lua:1:'
    script 'local t = {} for i = 1, 1e9 do t[i] = ("x"):rep(1000) .. i end'
    fails 'its executor needed more memory than its manifest lets it'
}

@test "a scene that cannot be read fails alone, with file, line and column" {
    script 'return 1'
    scene 'end: 1'
    cp agent/try.scene agent/whole.scene
    while IFS='|' read -r text says; do
        printf '%b' "$text" >agent/try.scene
        run keel agent test agent
        [ "$status" -eq 1 ]
        has "$says"
        has 'ok 2 - whole.scene'
        has '# 1 passed, 1 failed'
    done <<'TABLE'
ende: 1\n|agent/try.scene:1:1: the key "ende" is not known
calls: 7\nend: 1\n|agent/try.scene:1:8: calls is a list
calls:\n  - usee: a.b.read\nend: 1\n|agent/try.scene:2:5: this is no call
calls:\n  - use: a.b.read\nend: 1\n|agent/try.scene:2:5: nothing says what this call is answered
calls:\n  - use: a.b.read\n    ok: 1\n    err: { code: a, why: b }\nend: 1\n|by ok or by err, not by both
calls:\n  - use: ab\n    ok: 1\nend: 1\n|agent/try.scene:2:10: this names no verb
calls:\n  - use: a.b.read\n    err: { code: a }\nend: 1\n|an error has a code and a why
calls:\n  - sleep: soon\nend: 1\n|agent/try.scene:2:12: this is no span of time
calls:\n  - random: 7\nend: 1\n|random is 64 bits as 16 hex digits
calls:\n  - now: later\nend: 1\n|now is a time in microseconds
calls:\n  - use: a.b.read\n    open: false\nend: 1\n|open is true for a call
calls:\n  - step: a\n    ok: 1\nend: 1\n|the key "ok" is not known
end: 1\nfailed: {}\n|agent/try.scene:2:9: a run ends once
- 1\n|a scene is a map
TABLE
}

@test "--update writes what the agent does now; answers and comments stay" {
    script 'local a = ctx.use("notes").write("note", { text = "Hello\nAda" }, { why = "so" })' \
        'return { id = a.id }'
    scene '# What this is about.' 'about: a note' 'calls:' '  - use: notes.note.write' \
        '    ok: { id: 7 }'
    run keel agent test agent --update
    [ "$status" -eq 0 ]
    has 'those that passed are written'
    grep -qx '# What this is about.' agent/try.scene
    grep -qx '      text: |-' agent/try.scene
    grep -qx '    why: so' agent/try.scene
    grep -qx 'end: { id: 7 }' agent/try.scene
    passes
    cp agent/try.scene before
    keel agent test agent --update
    cmp before agent/try.scene
    script 'ctx.use("notes").read("note") return 1'
    cp agent/try.scene before
    run keel agent test agent --update
    [ "$status" -eq 1 ]
    has 'the scene has no answer for the call at path 1'
    cmp before agent/try.scene
}

@test "--record makes a scene of a real run, which passes" {
    bare w
    cd w
    keel plugin new agent hello -q
    keel plugin new connector notes -q
    rm agents/hello/*.scene
    sed -i 's|local text =|if input.kid then return 1 end\n  ctx.log("begins") ctx.sleep("10ms") ctx.receive("never", { timeout = "20ms" })\n  local at, dice = ctx.now(), ctx.random(6)\n  local all = ctx.all { function() return ctx.use("notes").read("note", { id = "none.txt" }) end, function() return ctx.step("side", function() return dice end) end }\n  ctx.wait(ctx.spawn("hello", { kid = true }, { key = "k" }))\n  local text =|' agents/hello/hello.lua
    sed -i 's/agents: \[hello\]/agents: [hello]/; $a\  - { id: kids, on: run.spawn, agents: [hello], allow: {} }' policies/notes.yaml
    run keel policy check
    [ "$status" -eq 0 ]
    start_kernel .
    keel do hello name=Ada
    run keel agent test agents/hello --record 1
    [ "$status" -eq 0 ]
    has 'Recorded run 1 as agents/hello/run-1.scene.'
    has 'ok 1 - run-1.scene: as run 1 went'
    grep -q '^  - spawn: hello' agents/hello/run-1.scene
    grep -q '^    key: k' agents/hello/run-1.scene
    grep -q '^  - sleep: 10000$' agents/hello/run-1.scene
    grep -q '^    timeout: 20000$' agents/hello/run-1.scene
    grep -q '^    path: "6.1.1"' agents/hello/run-1.scene
    run keel agent test hello --record 2
    [ "$status" -eq 0 ]
    has '# 2 passed, 0 failed'
    cp agents/hello/run-1.scene before
    run keel agent test hello --record 1
    [ "$status" -eq 1 ]
    has 'agents/hello/run-1.scene is there already'
    cmp before agents/hello/run-1.scene
    run keel agent test hello --record 99
    [ "$status" -eq 6 ]
    has 'There is no run 99.'
    run keel agent test hello --record x
    [ "$status" -eq 2 ]
    sed -i 's/came by/came/' agents/hello/hello.lua
    run keel agent test hello
    [ "$status" -eq 1 ]
    has 'why: expected "Ada came by"'
}

@test "no scene, no folder, no agent" {
    script 'return 1'
    run keel agent test agent
    [ "$status" -eq 6 ]
    has 'agent has no scene'
    run keel agent test nowhere
    [ "$status" -eq 6 ]
    keel plugin new connector notes -q
    run keel agent test connectors/notes
    [ "$status" -eq 2 ]
    has 'connectors/notes holds a connector'
}
