# keel policy test: cases beside the policy, those that ship, and what is wrong with a file of them.

load helper

setup_file() {
    own_home
    export W=$BATS_FILE_TMPDIR/office
    office "$W"
    mkdir "$W/policies/tests"
}

setup() {
    own_home
    cd "$W"
    rm -f policies/tests/*
}

# case LINE...: the only case of policies/tests/one.yaml, on lines of its own.
case_of() {
    { printf 'version: 1\ncases:\n  - name: one\n'
        printf '    %s\n' "$@"; } >policies/tests/one.yaml
}

# faulty PLACE TEXT...: the file is refused there, and nothing is played.
faulty() {
    run keel policy test
    [ "$status" -eq 2 ] || { printf '%s\n' "$output" >&2; return 1; }
    has "policies/tests/one.yaml:$1: "
    shift
    for text in "$@"; do
        has "$text"
    done
    lacks ' passed'
}

@test "the cases of the starter policy hold" {
    workspace "$BATS_TEST_TMPDIR/studio" >&2
    mkdir "$BATS_TEST_TMPDIR/studio/policies/tests"
    cp "$BATS_TEST_DIRNAME/../../policies/tests/starter.yaml" "$BATS_TEST_TMPDIR/studio/policies/tests/"
    cd "$BATS_TEST_TMPDIR/studio"
    run keel policy test
    [ "$status" -eq 0 ]
    [ "$output" = '21 passed, 0 failed' ]
    run keel policy check
    [ "$status" -eq 0 ]
    has 'in 1 file, no faults'
    sed -i 's/deny: { recipients: { gt: 3 } }/deny: { recipients: { gt: 4 } }/' policies/starter.yaml
    run keel policy test
    [ "$status" -eq 1 ]
    has 'policies/tests/starter.yaml:'
    has 'a fourth recipient in bcc is one too many'
    has 'expected  deny by rule answers-ask'
    has 'came      ask by rule answers-ask'
    has '20 passed, 1 failed'
}

@test "policy's verdict, rule and reason are told of what fails" {
    case_of 'agent: clerk' 'on: post.letter.write' 'args: { to: x@client.example, amount: 40 EUR }' \
        'expect: allow'
    run keel policy test
    [ "$status" -eq 1 ]
    has 'policies/tests/one.yaml:3: one'
    has '  expected  allow'
    has '  came      ask by rule letters'
    has '  why       rule letters (policies/office.yaml:4) asks: '
    has 'to_domain is "client.example", not in own'
    [ "${lines[4]}" = '0 passed, 1 failed' ]
    sed -i 's/expect: allow/expect: ask/' policies/tests/one.yaml
    run keel policy test policies/tests/one.yaml
    [ "$status" -eq 0 ]
    [ "$output" = '1 passed, 0 failed' ]
    printf '    rule: helpers\n' >>policies/tests/one.yaml
    run keel policy test
    [ "$status" -eq 1 ]
    has 'expected  ask by rule helpers'
}

@test "what no rule speaks of, built-in rules, taint and sink" {
    cat >policies/tests/one.yaml <<'YAML'
version: 1
cases:
  - { name: dear, agent: clerk, on: post.letter.write, args: { to: x@c.example, amount: 400 EUR }, expect: deny, rule: none }
  - { name: read, agent: helper, on: post.letter.read, expect: allow, rule: base.reads }
  - { name: spawn, agent: clerk, on: run.spawn, args: { agent: helper }, expect: allow, rule: helpers }
  - { name: out, agent: clerk, on: post.letter.write, args: { to: x@studio.example }, tainted: true, expect: ask, rule: out }
  - { name: in, agent: clerk, on: post.letter.write, args: { to: x@studio.example }, tainted: true, sink: internal, expect: allow }
  - { name: once, agent: clerk, on: post.letter.write, args: { to: x@studio.example }, class: once, expect: deny, rule: never-once }
YAML
    cp policies/office.yaml "$BATS_TEST_TMPDIR/changed.yaml"
    cat >>"$BATS_TEST_TMPDIR/changed.yaml" <<'YAML'
  - { id: out, on: "*.*.write", when: { tainted: true, sink: external }, ask: {} }
  - { id: never-once, on: "*.*.write", when: { class: once }, deny: {} }
YAML
    run keel policy test --policy "$BATS_TEST_TMPDIR/changed.yaml"
    [ "$status" -eq 0 ]
    [ "$output" = '6 passed, 0 failed' ]
    run keel policy test --policy "$BATS_TEST_TMPDIR/changed.yaml" --json
    [ "${lines[6]}" = '{"failed":0,"passed":6}' ]
    has '"expect":"allow","file":"policies/tests/one.yaml","line":4,"name":"read","passed":true,"rule":"base.reads","verdict":"allow"}'
    run keel policy test
    [ "$status" -eq 2 ]
    has 'there is no rule "out"'
}

# past LINE...: a policy with a sum, a count, a budget, a rate and an hour; and one case with a past.
whole() {
    cat >"$BATS_TEST_TMPDIR/whole.yaml" <<'YAML'
version: 1
rules:
  - id: few
    on: post.letter.write
    deny: { count: { per: day, tz: Europe/Madrid, gt: 5 } }
    allow: { sum: { of: amount, per: 1d, lte: 100 EUR } }
    ask: {}
budgets:
  - { id: money, scope: workspace, limit: 0.10 USD, window: day, at_hard: throttle, throttle: 1h }
  - { id: mine, each: agent, limit: 4 calls, window: 2h, at_hard: ask }
  - { id: tree, each: run_tree, limit: 2 calls }
rates: [ { on: post.letter.write, each: to_domain, limit: 3, per: 1h } ]
quiet: [ { on: post.letter.write, hours: "20:00-08:00", tz: Europe/Madrid } ]
YAML
    case_of 'agent: clerk' 'on: post.letter.write' 'args: { to: x@client.example, amount: 40 EUR }' "$@"
    run keel policy test --policy "$BATS_TEST_TMPDIR/whole.yaml"
}

holds() {
    whole "$@"
    [ "$output" = '1 passed, 0 failed' ] || { printf '%s\n' "$*" "$output" >&2; return 1; }
}

@test "a case has a past: sums, counts, budgets, rates and hours are looked at" {
    holds 'past: []' 'expect: allow'
    holds 'past: [ { ago: 3h, times: 2 } ]' 'expect: ask' 'rule: few'
    holds 'past: [ { ago: 25h, times: 2 } ]' 'expect: allow'
    holds 'past: [ { ago: 3h, times: 2, outcome: unknown } ]' 'expect: ask' 'rule: few'
    holds 'past: [ { ago: 3h, times: 2, outcome: denied } ]' 'expect: allow'
    holds 'past: [ { ago: 3h, times: 2, outcome: not_done } ]' 'expect: allow'
    holds 'past: [ { args: { to: y@other.example, amount: 1 EUR }, ago: 3h, times: 4 } ]' 'expect: allow'
    holds 'past: [ { args: { amount: 1 EUR }, ago: 6h, times: 3 }, { args: { amount: 1 EUR }, ago: 3h, times: 2 } ]' \
        'expect: deny' 'rule: few'
    # 23:30 in UTC is the next day in Madrid already
    holds 'at: "2026-01-10T23:30:00Z"' 'past: [ { args: { amount: 1 EUR }, ago: 10h, times: 3 }, { args: { amount: 1 EUR }, ago: 7h, times: 2 } ]' \
        'expect: wait'
    holds 'at: "2026-01-10T12:30Z"' 'past: [ { args: { amount: 1 EUR }, ago: 10h, times: 3 }, { args: { amount: 1 EUR }, ago: 7h, times: 2 } ]' \
        'expect: deny'
    holds 'at: "2026-03-10T20:30:00+01:00"' 'expect: wait'
    holds 'at: "2026-03-10T19:30:00+01:00"' 'expect: allow'
    holds 'past: [ { args: { to: a@client.example }, ago: 50m, times: 3, outcome: not_done } ]' 'expect: wait'
    holds 'past: [ { args: { to: a@other.example }, ago: 50m, times: 3, outcome: not_done } ]' 'expect: allow'
    holds 'past: [ { on: post.letter.read, ago: 1h, times: 4 } ]' 'expect: ask' 'budget: mine'
    holds 'past: [ { on: post.letter.read, agent: helper, ago: 1h, times: 4 } ]' 'expect: allow'
    holds 'past: [ { on: post.letter.read, ago: 1h, times: 2, same_run: true } ]' 'expect: deny' 'budget: tree'
    holds 'past: [ { on: post.letter.read, ago: 1h, times: 2 } ]' 'expect: allow'
    holds 'past: [ { args: { amount: 1 EUR }, ago: 5h, times: 4, outcome: not_done },
                   { args: { amount: 1 EUR }, ago: 90m, outcome: unknown } ]' 'expect: wait' 'budget: money'
    whole 'past: [ { on: post.letter.read, ago: 1h, times: 4 } ]' 'expect: wait' 'budget: money'
    [ "$status" -eq 1 ]
    has 'expected  wait, stopped by budget money'
    has 'came      ask by rule few, stopped by budget mine'
    has 'then      budget mine ('
    run keel policy test --policy "$BATS_TEST_TMPDIR/whole.yaml" --json
    has '"budget":"mine","came":{'
    has '"verdict":"ask","why":"budget mine'
}

# bad PLACE TEXT LINE...
bad() {
    whole "${@:3}"
    [ "$status" -eq 2 ]
    has "policies/tests/one.yaml:$1: "
    has "$2"
}

@test "a past that is none is a fault of the file" {
    bad 7:11 'past is a list' 'past: { ago: 2h }' 'expect: ask'
    bad 7:13 'says how long ago' 'past: [ { times: 2 } ]' 'expect: ask'
    bad 7:20 'says how long ago' 'past: [ { ago: 2 } ]' 'expect: ask'
    bad 7:31 'from 1 to 10000' 'past: [ { ago: 2h, times: 0 } ]' 'expect: ask'
    bad 7:33 'outcome is done, not_done, unknown or denied' 'past: [ { ago: 2h, outcome: lost } ]' 'expect: ask'
    bad 7:31 'there is no agent "clark"' 'past: [ { ago: 2h, agent: clark } ]' 'expect: ask'
    bad 7:24 'Did you mean "times"' 'past: [ { ago: 2h, time: 3 } ]' 'expect: ask'
    bad 7:9 'at is a moment' 'at: noon' 'expect: ask'
    bad 7:13 'a case has a past' 'budget: mine' 'expect: ask'
    bad 8:13 'Did you mean "mine"' 'past: []' 'budget: mime' 'expect: ask'
    bad 7:13 'is let by its rules' 'expect: wait'
    bad 7:13 'this could not have been: budget tree' 'past: [ { on: post.letter.read, ago: 1h, times: 3, same_run: true } ]' 'expect: ask'
}

@test "a bad file: place, reason, and what was meant" {
    case_of 'agent: clerk' 'on: post.letter.write' 'expct: ask'
    faulty 6:5 'expct' 'Did you mean "expect"?'
    case_of 'agent: clark' 'on: post.letter.write' 'expect: ask'
    faulty 4:12 'there is no agent "clark"' 'Did you mean "clerk"?'
    case_of 'agent: clerk' 'on: pst.letter.write' 'expect: ask'
    faulty 5:9 'there is no connection "pst"' 'Did you mean "post"?'
    case_of 'agent: clerk' 'on: post.lettr.write' 'expect: ask'
    faulty 5:9 'there is no resource of the connection "lettr"' 'Did you mean "letter"?'
    case_of 'agent: clerk' 'on: post.letter.wrte' 'expect: ask'
    faulty 5:9 'there is no verb of the resource "wrte"' 'Did you mean "write"?'
    case_of 'agent: clerk' 'on: "post.*"' 'expect: ask'
    faulty 5:9 'not about a pattern'
    case_of 'agent: clerk' 'on: post.letter.write' 'expect: alow'
    faulty 6:13 'expect is deny, ask, allow or wait' 'Did you mean "allow"?'
    case_of 'agent: clerk' 'on: post.letter.write'
    faulty 3:5 'does not say what it expects'
    case_of 'agent: clerk' 'on: post.letter.write' 'expect: ask' 'rule: leters'
    faulty 7:11 'there is no rule "leters"' 'Did you mean "letters"?'
    case_of 'agent: clerk' 'on: post.letter.write' 'tainted: yes' 'expect: ask'
    faulty 6:14 'tainted is true or false'
    case_of 'agent: clerk' 'on: post.letter.write' 'sink: extern' 'expect: ask'
    faulty 6:11 'sink is internal or external' 'Did you mean "external"?'
    case_of 'agent: clerk' 'on: post.letter.write' 'args: [1]' 'expect: ask'
    faulty 6:11 'args are the fields'
    case_of 'on: post.letter.write' 'expect: ask'
    faulty 3:5 'the case has no agent'
    printf 'cases: []\n' >policies/tests/one.yaml
    faulty 1:1 'version is missing'
    printf 'version: 1\ncases: 3\n' >policies/tests/one.yaml
    faulty 2:8 'cases is a list'
    printf 'version: 1\ncases:\n  - 3\n' >policies/tests/one.yaml
    faulty 3:5 'this is no case'
    printf 'version: 1\nrules: []\n' >policies/tests/one.yaml
    faulty 2:1 'rules'
    printf 'version: 2\ncases: []\n' >policies/tests/one.yaml
    faulty 1:10 'this version of the format is not known'
}

@test "one bad file among good ones: nothing is played" {
    case_of 'agent: clerk' 'on: post.letter.read' 'expect: allow'
    printf 'version: 1\ncases: 3\n' >policies/tests/two.yaml
    run keel policy test
    [ "$status" -eq 2 ]
    has 'policies/tests/two.yaml:2:8'
    lacks passed
}

@test "no cases, and a policy with a fault" {
    run keel policy test
    [ "$status" -eq 6 ]
    has 'There are no cases'
    rmdir policies/tests
    run keel policy test
    mkdir policies/tests
    [ "$status" -eq 6 ]
    has 'keel help policy test'
    printf 'version: 1\nrules: 3\n' >"$BATS_TEST_TMPDIR/bad.yaml"
    case_of 'agent: clerk' 'on: post.letter.read' 'expect: allow'
    run keel policy test --policy "$BATS_TEST_TMPDIR/bad.yaml"
    [ "$status" -eq 2 ]
    has 'bad.yaml:2:8'
}

@test "files of policies/tests are not policy" {
    printf 'this: [is no policy\n' >policies/tests/one.yaml
    run keel policy check
    [ "$status" -eq 0 ]
    has '2 rules in 1 file, no faults'
    run keel can clerk
    [ "$status" -eq 0 ]
}
