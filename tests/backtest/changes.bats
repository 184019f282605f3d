# keel policy diff, add-rule and explain: how a policy is changed, looked at, and understood.

load helper

setup_file() {
    own_home
    export W=$BATS_FILE_TMPDIR/office
    office "$W"
    start_kernel "$W"
    cd "$W"
    keel do clerk to=a@studio.example
    keel do clerk to=b@client.example amount='400 EUR' || [ $? -eq 5 ]      # 2:1, no rule speaks
    keel do clerk to=c@studio.example cc=d@studio.example || [ $? -eq 5 ]   # 3:1, a rule denies
    keel do clerk gone=true || true                                         # 4:1, no such connection
    keel do clerk to=e@client.example amount='40 EUR' || [ $? -eq 3 ]       # 5:1, waits
    keel down
}

teardown_file() {
    stop_kernel "$W"
}

setup() {
    own_home
    cd "$W"
    office "$W"
    cp policies/office.yaml "$BATS_TEST_TMPDIR/old.yaml"
    new=$BATS_TEST_TMPDIR/new.yaml
}

@test "two policies that say the same" {
    run keel policy diff
    [ "$status" -eq 0 ]
    [ "$output" = 'The two say the same.' ]
    # Order, comments and layout make no difference.
    cat >"$new" <<'YAML'
# another hand
version: 1
rules:
  - { id: helpers, on: run.spawn, allow: { agent: { in: [helper] } } }
  - { id: letters, on: post.letter.write, agents: [clerk], deny: { recipients: { gt: 1 } },
      allow: { to_domain: { in: $own } }, ask: { amount: { lt: 100 EUR } } }
lists: { own: [studio.example] }
YAML
    run keel policy diff "$new"
    [ "$output" = 'The two say the same.' ]
    run keel policy diff "$new" --json
    [ -z "$output" ]
}

@test "what differs, by lists, rules and parts" {
    sed -e 's/own: .*/own: [studio.example, studio.test] }/;s/gt: 1/gt: 3/' \
        -e 's/    ask: { amount.*/    ask: {}/;s/agents: \[clerk\]/agents: [helper, clerk]/' \
        -e 's/id: helpers/id: hands/' policies/office.yaml >"$new"
    cat >>"$new" <<'YAML'
budgets: [ { id: day, scope: workspace, limit: 100 calls, window: day } ]
retries: [ { on: "*.*.read", max: 7 } ]
YAML
    run keel policy diff policies/office.yaml "$new"
    [ "$status" -eq 0 ]
    has 'list own'
    has '  + "studio.test"'
    has "rule letters  $new:4"
    has '  agents: clerk -> clerk, helper'
    has '  deny.recipients: above 1 -> above 3'
    has '  - ask.amount: below 100 EUR'
    has '  + ask: always'
    has "rule hands  $new:"
    has ', added'
    has 'rule helpers  policies/office.yaml:10, removed'
    has 'budget day'
    has 'calls: 100'
    has 'retry *.*.read'
    run keel policy diff "$new" --json
    has '{"change":"changed","file":"'
    has '"from":"above 1","id":"letters","kind":"rule","line":4,"part":"deny.recipients","to":"above 3"}'
}

@test "diff says what is wrong with its files" {
    run keel policy diff nowhere.yaml
    [ "$status" -eq 6 ]
    printf 'version: 1\nrules: 3\n' >"$new"
    run keel policy diff "$new"
    [ "$status" -eq 2 ]
    has "$new:2:8"
    mkdir "$BATS_TEST_TMPDIR/bare" && cd "$BATS_TEST_TMPDIR/bare"
    run keel policy diff "$new"
    [ "$status" -eq 6 ]
    run keel policy diff "$BATS_TEST_TMPDIR/old.yaml" "$BATS_TEST_TMPDIR/old.yaml"
    [ "$status" -eq 0 ]
}

# ---- add-rule ----

@test "the rule that would have let it through, as narrow as the effect" {
    run keel policy add-rule --from 2:1
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = '  - id: clerk-post-letter-write' ]
    has '    on: post.letter.write'
    has '    agents: [clerk]'
    has 'to_domain: { in: ["client.example"] }'
    has 'amount: { lte: 400 EUR }'
    run keel policy add-rule --from 2:1 --ask
    has '    ask: {}'
    lacks allow
    run keel policy add-rule --from 2:1 --ask --json
    has '{"rule":"clerk-post-letter-write","text":"  - id: clerk-post-letter-write\n'
}

@test "written into a file every other byte stays, and the effect passes" {
    printf '\n# the last word\nbudgets: []   # none yet' >>policies/office.yaml
    cp policies/office.yaml "$BATS_TEST_TMPDIR/before"
    run keel policy add-rule --from 2:1 --write policies/office.yaml --dry-run
    [ "$status" -eq 0 ]
    has 'would add, at policies/office.yaml:14: rule clerk-post-letter-write'
    cmp policies/office.yaml "$BATS_TEST_TMPDIR/before"
    run keel policy add-rule --from 2:1 --write policies/office.yaml
    [ "$status" -eq 0 ]
    has 'added, at policies/office.yaml:14: rule clerk-post-letter-write'
    sed '13,17d' policies/office.yaml | cmp - "$BATS_TEST_TMPDIR/before"
    sed -n '14,17p' policies/office.yaml | grep -q 'amount: { lte: 400 EUR }'
    run keel policy check
    [ "$status" -eq 0 ]
    run keel policy backtest
    [ "$status" -eq 3 ]
    has 'Newly allowed: 1 effect'
    has 'keel why 2:1'
    run keel policy add-rule --from 2:1
    [ "$status" -eq 1 ]
    has 'Rule clerk-post-letter-write (policies/office.yaml:14) allows this already'
}

@test "an id that is taken gets a number, and rules keep their indent" {
    cat >policies/office.yaml <<'YAML'
version: 1
rules:
- { id: clerk-post-letter-write, on: post.letter.read, allow: {} }
# of budgets
budgets: []
YAML
    run keel policy add-rule --from 2:1 --ask --write policies/office.yaml
    [ "$status" -eq 0 ]
    run cat policies/office.yaml
    [ "${lines[3]}" = '- id: clerk-post-letter-write-2' ]
    [ "${lines[4]}" = '  on: post.letter.write' ]
    before '  ask: {}' '# of budgets'
}

@test "a new file is begun, and a file without rules gets them" {
    run keel policy add-rule --from 2:1 --write policies/more.yaml
    [ "$status" -eq 0 ] || { printf '%s\n' "$output" >&2; return 1; }
    [ "$(head -n 1 policies/more.yaml)" = 'version: 1' ]
    run keel policy check
    rm policies/more.yaml
    [ "$status" -eq 0 ]
    has '3 rules in 2 files'
    printf 'version: 1\nbudgets: []\n' >policies/more.yaml
    run keel policy add-rule --from 2:1 --ask --write policies/more.yaml
    [ "$status" -eq 0 ]
    run head -n 4 policies/more.yaml
    rm policies/more.yaml
    [ "$output" = 'version: 1
budgets: []

rules:' ]
}

@test "what is not written, and why" {
    sum=$(cat policies/office.yaml)
    run keel policy add-rule --from 3:1
    [ "$status" -eq 1 ]
    has 'Rule letters (policies/office.yaml:4) denies this, and that is stronger'
    run keel policy add-rule --from 1:1
    [ "$status" -eq 1 ]
    has 'was not denied: it is done'
    run keel policy add-rule --from 4:1
    [ "$status" -eq 6 ]
    has 'fax.sheet.write'
    run keel policy add-rule --from 77:1
    [ "$status" -eq 6 ]
    run keel policy add-rule
    [ "$status" -eq 2 ]
    has '--from EFFECT'
    printf 'version: 1\nrules: [ { id: a, on: post.letter.read, allow: {} } ]\n' >policies/office.yaml
    run keel policy add-rule --from 2:1 --write policies/office.yaml
    [ "$status" -eq 2 ]
    has 'policies/office.yaml:2:8: the rules of this file are not written with dashes'
    printf '%s\n' "$sum" >policies/office.yaml
    printf 'version: 1\nrules: 3\n' >"$new"
    run keel policy add-rule --from 2:1 --write "$new"
    [ "$status" -eq 2 ]
    [ "$(cat "$new")" = 'version: 1
rules: 3' ]
    run keel policy add-rule --from 2:1 --write policies/notes.txt
    [ "$status" -eq 2 ]
    has 'end in .yaml'
    [ "$(cat policies/office.yaml)" = "$sum" ]
}

@test "a file that would not compile with it is left alone" {
    printf '  - { id: odd, on: post.letter.write, agents: [nobody], allow: {} }\n' >>policies/office.yaml
    cp policies/office.yaml "$BATS_TEST_TMPDIR/before"
    run keel policy add-rule --from 2:1 --write policies/office.yaml
    [ "$status" -eq 2 ]
    has 'nobody'
    cmp policies/office.yaml "$BATS_TEST_TMPDIR/before"
}

# ---- explain ----

@test "a field, its values, default and an example" {
    run keel policy explain rules.approval.expires
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = 'rules.approval.expires' ]
    has 'How long the question stands'
    has 'values   a time from 1s to 366d: a whole number with ms, s, m, h or d'
    has 'default  24h'
    has 'example  expires: 24h'
    run keel policy explain budgets.window
    has 'calendar_month'
    run keel policy explain rules.ask.amount.lt
    has 'Below this number or amount of money.'
    run keel policy explain sum
    [ "$status" -eq 0 ]
    run keel policy explain approval.batch.max --json
    [ "$output" = '{"default":"25","example":"25","meaning":"How many may be approved together.","path":"rules.approval.batch.max","values":"a whole number from 1 to 100"}' ]
}

# What an example names need not be here; all else of it must be right.
@test "what is shown as an example is accepted" {
    for field in lists rules budgets egress rates quiet retries breakers tiers retention compact snapshots prices \
        rules.when rules.deny rules.approval rules.endorse rules.allow.sum rules.allow.count rules.allow.tainted; do
        example=$(keel policy explain "$field" | sed -n 's/^  example  //p')
        case $field in
        rules.allow.*) example="rules: [{ id: r, on: run.spawn, allow: { $example } }]" ;;
        rules.*) example="rules: [{ id: r, on: run.spawn, ask: {}, $example }]" ;;
        compact) example="$example"$'\n'"tiers: { fast: { models: [m] } }" ;;
        esac
        printf 'version: 1\n%s\n' "$example" >"$BATS_TEST_TMPDIR/example.yaml"
        run keel policy check "$BATS_TEST_TMPDIR/example.yaml"
        if grep -v '^warning' <<<"$output" | grep ':[0-9]*:[0-9]*: ' | grep -v ': there is no '; then
            return 1
        fi
    done
}

@test "a field that does not exist, with the nearest" {
    run keel policy explain expirs
    [ "$status" -eq 6 ]
    has 'A policy has no field expirs.'
    has 'Did you mean expires?'
    run keel policy explain rules.aproval.expires
    [ "$status" -eq 6 ]
    has 'Did you mean rules.approval.expires?'
    KEEL_SHARE=/nowhere run keel policy explain sum
    [ "$status" -eq 6 ]
    has 'KEEL_SHARE'
}

@test "every key that the schema has is explained" {
    python3 - "$BATS_TEST_DIRNAME/../../policies/policy.schema.json" >"$BATS_TEST_TMPDIR/keys" <<'PY'
import json, sys
def walk(node):
    if isinstance(node, dict):
        for key in node.get("properties", {}):
            print(key)
        for value in node.values():
            walk(value)
    elif isinstance(node, list):
        for value in node:
            walk(value)
walk(json.load(open(sys.argv[1])))
PY
    [ "$(wc -l <"$BATS_TEST_TMPDIR/keys")" -gt 50 ]
    sort -u "$BATS_TEST_TMPDIR/keys" | while read -r key; do
        keel policy explain "$key" >"$BATS_TEST_TMPDIR/told" || { echo "$key" >&2; return 1; }
        [ -s "$BATS_TEST_TMPDIR/told" ]
    done
}
