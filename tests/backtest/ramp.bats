# keel policy propose, over journals that a real kernel has written and a person has decided: what is
# proposed, what holds it back, and that nothing changes by itself.

load helper

# desk FOLDER: an office whose clerk reads when told to, and whose letters can be taken back.
desk() {
    office "$1"
    cat >"$1/connectors/post/manifest.yaml" <<'YAML'
id: com.example.post
kind: connector
version: 1.0.0
entry: post.lua
resources:
  letter:
    read: { returns: untrusted }
    write: { class: repeatable, sink: external, amount: amount, undo: compensate }
    compensate: { class: repeatable }
    attributes:
      to_domain: { of: [to, cc], fn: domain }
      recipients: { of: [to, cc], fn: count }
YAML
    cat >"$1/connectors/post/post.lua" <<'LUA'
local keel = require "keel"
return keel.connector { letter = {
  read = function() return { letters = 0 } end,
  write = function() return { posted = true } end,
  compensate = function() return { posted = false } end,
} }
LUA
    cat >"$1/agents/clerk/clerk.lua" <<'LUA'
local keel = require "keel"
return keel.agent { run = function(ctx, input)
  local post = ctx.use "post"
  if input.read then post.read("letter") end
  local done, err = post.write("letter", { to = input.to, cc = input.cc, amount = input.amount })
  return { done = done ~= nil, code = err and err.code }
end }
LUA
    cat >"$1/policies/office.yaml" <<'YAML'
version: 1
rules:
  - id: letters                          # what leaves the house
    on: post.letter.write
    agents: [clerk]
    deny: { recipients: { gt: 1 } }
    # anything else: a person decides
    ask: {}
    approval: { edit: [amount] }
YAML
    cd "$1"
    start_kernel "$1"
    "$typist" 'with (new): ' "$secret" 'again: ' "$secret" -- keel approver set
}

# ask KEY=VALUE...: a letter that waits for a person; its number in $number.
ask() {
    keel do clerk "$@" || [ $? -eq 3 ]
    number=$(sqlite3 .keel/keel.db "SELECT max(number) FROM item WHERE kind = 'approval'")
}

is_still() {
    [ "$(sqlite3 .keel/keel.db "SELECT count(*) FROM effect WHERE state NOT IN
        ('done', 'rejected', 'compensated', 'denied')")" -eq 0 ] &&
        [ "$(sqlite3 .keel/keel.db "SELECT count(*) FROM run WHERE state = 'open'")" -eq 0 ]
}

# approve N...: and what was approved has been done, and its run has ended.
approve() {
    as_approver keel approve "$@" --yes
    until_it is_still
}

# passed KEY=VALUE...: asked for and approved.
passed() {
    ask "$@"
    approve "$number"
}

setup_file() {
    own_home
    export W=$BATS_FILE_TMPDIR/office V=$BATS_FILE_TMPDIR/refusals X=$BATS_FILE_TMPDIR/tainted
    desk "$W"
    for i in $(seq 20); do
        ask to="b@client.example" amount="$((i * 2)).50 EUR"
    done
    # shellcheck disable=SC2046
    approve $(seq 20)
    keel down
}

teardown_file() {
    for place in "$W" "$V" "$X"; do
        [ ! -e "$place" ] || stop_kernel "$place"
    done
}

setup() {
    own_home
    cd "$W"
}

@test "twenty approvals of one shape: evidence, change, and its backtest" {
    run keel policy propose
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = 'rule letters, policies/office.yaml:3: post.letter.write by clerk' ]
    has '20 clean approvals, from '
    has '; they waited '
    has 'keel why 20:1'
    has 'and 17 before them: --all lists them'
    has 'policies/office.yaml:3'
    has '+     allow:'
    has '+       to_domain: { in: [client.example] }'
    has '+       amount: { gte: 0 EUR, lte: 40.50 EUR }'
    has '+       tainted: false'
    has '+       sensitivity: { lte: internal }'
    [ "$(printf '%s\n' "$output" | grep -c '^  [-+]')" -eq 6 ]
    before 'Backtest, against the policy as it stands' 'Newly allowed: 20 effects'
    has '    then  ask   rule letters, policies/office.yaml:3'
    has '    now   allow rule letters, policies/office.yaml:3'
    has 'Newly denied: none'
    has 'Newly asked: none'
    has 'interruptions: 20 then, 0 now'
    has 'To make the change: keel policy propose letters --write policies/office.yaml'
    [ "$(printf '%s\n' "$output" | grep -c 'keel why')" -eq 6 ]
    run keel policy propose letters --all
    [ "$(printf '%s\n' "$output" | grep -c 'keel why')" -eq 40 ]
    lacks ' --all'
    run keel why 20:1
    [ "$status" -eq 0 ]
}

@test "the same for programs" {
    keel policy propose --json >"$BATS_TEST_TMPDIR/out"
    python3 - "$BATS_TEST_TMPDIR/out" <<'PY'
import json, sys
lines = open(sys.argv[1]).read().splitlines()
assert len(lines) == 1, lines
p = json.loads(lines[0])
assert (p["kind"], p["rule"], p["agent"], p["target"]) == ("proposal", "letters", "clerk", "post.letter.write")
assert p["clean"] == 20 and p["after"] == 20 and len(p["approvals"]) == 20
assert sorted(a["run"] for a in p["approvals"]) == list(range(1, 21))
assert {c["attribute"]: c["value"] for c in p["conditions"]}["to_domain"] == "{ in: [client.example] }"
assert p["backtest"]["allowed"] == 20 and p["backtest"]["denied"] == 0 and p["backtest"]["asked"] == 0
assert p["backtest"]["amounts"]["allowed"] == ["430.00 EUR"]
assert p["file"] == "policies/office.yaml" and p["line"] == 3 and p["waited_us"] > 0
assert p["first_us"] <= p["last_us"]
assert "    allow:\n      to_domain: { in: [client.example] }\n" in p["text"]
PY
}

@test "it changes nothing by itself" {
    sum=$(sqlite3 .keel/keel.db 'SELECT max(seq), hex(hash) FROM journal')
    files=$(find . -type f ! -path './.keel/keel.db-*' -exec sha256sum {} + | sort)
    keel policy propose >/dev/null
    keel policy propose --json >/dev/null
    keel policy propose letters --write policies/office.yaml --dry-run >"$BATS_TEST_TMPDIR/said"
    grep -q 'would change, at policies/office.yaml:3: rule letters' "$BATS_TEST_TMPDIR/said"
    [ "$(sqlite3 .keel/keel.db 'SELECT max(seq), hex(hash) FROM journal')" = "$sum" ]
    [ "$(find . -type f ! -path './.keel/keel.db-*' -exec sha256sum {} + | sort)" = "$files" ]
    run keel audit rebuild --check
    [ "$status" -eq 0 ]
}

@test "the inbox says so, in one line, and only where there is something" {
    run keel inbox --no-input
    [ "$status" -eq 0 ]
    has 'Nothing needs you.'
    has '20 clean approvals of letters for clerk: `keel policy propose letters` shows what could be let through.'
    [ "$(printf '%s\n' "$output" | grep -c propose)" -eq 1 ]
    run keel inbox --json
    lacks propose
    run keel inbox -q --no-input
    lacks propose
    cp policies/office.yaml "$BATS_TEST_TMPDIR/office.yaml"
    sed -i 's/agents: \[clerk\]/agents: [clerk, helper]/' policies/office.yaml
    run keel inbox --no-input
    cp "$BATS_TEST_TMPDIR/office.yaml" policies/office.yaml
    lacks propose
}

@test "fewer than wanted are none, and what is asked for later counts" {
    run keel policy propose --after 21
    [ "$status" -eq 0 ]
    has 'Nothing to propose: nothing of one shape that a rule asks for was approved 21 times and stands.'
    run keel policy propose --since 1ms --after 1
    [ "$status" -eq 0 ]
    has 'Nothing to propose'
    run keel policy propose --since 1d
    has '20 clean approvals'
}

@test "words that are wrong" {
    run keel policy propose --after none
    [ "$status" -eq 2 ]
    has 'no number of approvals'
    run keel policy propose --since yesterday
    [ "$status" -eq 2 ]
    run keel policy propose leters
    [ "$status" -eq 6 ]
    has 'has a rule leters'
    run keel policy propose --write policies/other.yaml
    [ "$status" -eq 2 ]
    has 'Rule letters stands in policies/office.yaml, not in policies/other.yaml.'
    [ ! -e policies/other.yaml ]
    run keel policy propose --after 99 --write policies/office.yaml
    [ "$status" -eq 6 ]
    has 'Nothing was written'
    mkdir "$BATS_TEST_TMPDIR/empty" && cd "$BATS_TEST_TMPDIR/empty"
    run keel policy propose
    [ "$status" -eq 6 ]
}

@test "an allow that is there is widened" {
    cp policies/office.yaml "$BATS_TEST_TMPDIR/office.yaml"
    sed -i 's/    # anything else.*/    allow: { amount: { lt: 10 EUR } } # small ones/;s/    ask: {}/    ask: { amount: { lt: 5000 EUR } }/' \
        policies/office.yaml
    run keel policy propose --after 3
    cp policies/office.yaml "$BATS_TEST_TMPDIR/changed.yaml"
    cp "$BATS_TEST_TMPDIR/office.yaml" policies/office.yaml
    [ "$status" -eq 0 ]
    has '16 clean approvals' # the other four are let through already
    has '-     allow: { amount: { lt: 10 EUR } } # small ones'
    has '+     allow: { amount: { lte: 40.50 EUR }, tainted: false, sensitivity: { lte: internal } } # small ones'
    has 'Newly allowed: 16 effects'
    has 'Newly denied: none'
}

@test "a rule that others need too, one that another asks beside, and a sum" {
    cp policies/office.yaml "$BATS_TEST_TMPDIR/office.yaml"
    sed -i 's/agents: \[clerk\]/agents: [clerk, helper]/' policies/office.yaml
    run keel policy propose
    cp "$BATS_TEST_TMPDIR/office.yaml" policies/office.yaml
    has 'Not proposed: rule letters: post.letter.write by clerk, 20 clean approvals: the rule speaks of other agents too; give clerk a rule of its own'
    has 'Nothing to propose'
    printf '  - { id: zeal, on: "*.*.write", ask: {} }\n' >>policies/office.yaml
    run keel policy propose
    cp "$BATS_TEST_TMPDIR/office.yaml" policies/office.yaml
    has 'Not proposed: rule '
    printf '  - { id: most, on: post.letter.write, deny: { count: { per: 1h, gt: 50 } } }\n' >>policies/office.yaml
    run keel policy propose --json
    cp "$BATS_TEST_TMPDIR/office.yaml" policies/office.yaml
    has '"kind":"held","reason":"sums","rule":"letters"'
}

@test "text that is not changed safely is held back, and so is what a denial elsewhere overrules" {
    cp policies/office.yaml "$BATS_TEST_TMPDIR/office.yaml"
    sed -i 's/    # anything else.*/    allow:\n      to_domain: >-\n        studio.example/' policies/office.yaml
    run keel policy propose
    cp "$BATS_TEST_TMPDIR/office.yaml" policies/office.yaml
    [ "$status" -eq 0 ]
    has 'policies/office.yaml:8:18: this is written in a way that is not changed by itself'
}

@test "refusals: what is denied, edited or taken back would be let through, so it begins anew" {
    desk "$V"
    passed to=b@client.example amount='10 EUR'
    passed to=b@client.example amount='12 EUR'
    run keel policy propose --after 2
    has '2 clean approvals'
    lacks 'counted since'
    ask to=b@client.example amount='11 EUR'
    keel deny "$number" --why 'not this one'
    run keel policy propose --after 2
    has '2 clean approvals: one like them was refused, with 0 of them after it (keel why 3:1, denied)'
    passed to=b@client.example amount='10 EUR'
    passed to=b@client.example amount='12 EUR'
    run keel policy propose --after 2
    has '2 clean approvals, from '
    has 'counted since keel why 3:1, which was denied'
    # What lies beyond what was approved says nothing of it.
    ask to=b@client.example amount='900 EUR'
    keel deny "$number" --why 'too much'
    run keel policy propose --after 2
    has 'counted since keel why 3:1'
    ask to=b@client.example amount='11.50 EUR'
    as_approver keel approve "$number" --set amount='1 EUR'
    until_it is_still
    run keel policy propose --after 2
    has '(keel why 7:1, edited)'
    passed to=b@client.example amount='12 EUR'
    passed to=b@client.example amount='12 EUR'
    keel rollback 9 --yes --why 'sent twice'
    for _ in $(seq 100); do
        [ "$(sqlite3 .keel/keel.db "SELECT state FROM effect WHERE run = 9 AND path = '1'")" != compensated ] || break
        sleep 0.1
    done
    run keel policy propose --after 2
    has '(keel why 9:1, taken back)'
    run keel policy propose --after 2 --json
    has '"reason":"refused","rule":"letters","since":"9:1"'
    keel down
}

@test "what tainted runs did is no evidence" {
    desk "$X"
    passed to=b@client.example read=true
    passed to=b@client.example read=true
    ask to=b@client.example read=true
    # Else what comes next, which is told what the last one did, would be tainted too.
    as_approver keel run label 3 --trust --why 'the letters are ours'
    approve "$number"
    run keel policy propose --after 3
    has 'Not proposed: rule letters: post.letter.write by clerk, 3 clean approvals: 3 of them were by runs that had read untrusted text, which is no evidence'
    passed to=b@client.example
    passed to=b@client.example
    run keel policy propose --after 3
    has '5 clean approvals: 3 of them were by runs that had read untrusted text'
    passed to=b@client.example
    run keel policy propose --after 3
    has '3 clean approvals, from '
    has 'Newly allowed: 3 effects'
    # An allow that is there lets tainted runs through; widened it asks for them again.
    passed to=a@own.example read=true
    sed -i 's/    # anything else.*/    allow: { to_domain: own.example }/' policies/office.yaml
    run keel policy propose --after 3
    [ "$status" -eq 0 ]
    has '-     allow: { to_domain: own.example }'
    has '+     allow: { to_domain: { in: [own.example, client.example] }, tainted: false, sensitivity: { lte: internal } }'
    has 'Newly allowed: 3 effects'
    has 'Newly denied: none'
    has 'Newly asked: 1 effect'
    has '    then  allow rule letters, policies/office.yaml:3'
    has 'interruptions: 6 then, 4 now'
    keel down
}

@test "written, it is in the file and nowhere else, passes the check, and is not proposed again" {
    cp policies/office.yaml "$BATS_TEST_TMPDIR/office.yaml"
    run keel policy propose letters --write policies/office.yaml
    [ "$status" -eq 0 ]
    has 'changed, at policies/office.yaml:3: rule letters'
    diff "$BATS_TEST_TMPDIR/office.yaml" policies/office.yaml >"$BATS_TEST_TMPDIR/diff" || true
    [ "$(grep -c '^[<>]' "$BATS_TEST_TMPDIR/diff")" -le 6 ]
    [ "$(grep -c '^<' "$BATS_TEST_TMPDIR/diff")" -eq 0 ]
    run keel policy check
    [ "$status" -eq 0 ]
    has 'no faults, 0 warnings'
    run keel policy backtest
    [ "$status" -eq 3 ]
    has 'Newly allowed: 20 effects'
    run keel policy propose --after 1
    [ "$status" -eq 0 ]
    has 'Nothing to propose'
    run keel inbox --no-input
    lacks propose
    # In force it lets such a letter go, and asks for the rest.
    start_kernel "$W"
    keel do clerk to=b@client.example amount='3 EUR'
    run keel do clerk to=b@client.example amount='41 EUR'
    [ "$status" -eq 3 ]
    run keel do clerk to=b@client.example amount='3 EUR' read=true
    [ "$status" -eq 3 ]
    run keel do clerk to=b@client.example amount='-3 EUR'
    [ "$status" -eq 3 ]
    keel down
}
