# keel policy backtest, over a journal that a real kernel has written: what goes by itself, what asks,
# what is denied, and what of it another policy would have said otherwise.

load helper

setup_file() {
    own_home
    export W=$BATS_FILE_TMPDIR/office
    office "$W"
    start_kernel "$W"
    cd "$W"
    keel do clerk to=a@studio.example                                  # allowed
    keel do clerk to=b@client.example amount='40 EUR' || [ $? -eq 3 ]  # asks
    keel do clerk to=c@client.example amount='60 EUR' || [ $? -eq 3 ]
    keel do clerk to=d@client.example amount='20 EUR' || [ $? -eq 3 ]
    keel do clerk to=e@client.example amount='30 EUR' || [ $? -eq 3 ]
    keel do clerk to=f@client.example amount='400 EUR' || [ $? -eq 5 ] # no rule speaks
    keel do clerk to=g@studio.example cc=h@studio.example || [ $? -eq 5 ] # two recipients
    keel do clerk helper=1
    keel do clerk helper=2 key=once
    keel do clerk helper=3 key=once                                    # is there already
    keel do clerk read=true
    keel do clerk gone=true || true                                    # never decided
    keel deny 1 --why 'not now'
    keel down
}

teardown_file() {
    stop_kernel "$W"
}

setup() {
    own_home
    cd "$W"
}

# other SED: the policy of the office, changed, in new.yaml outside of policies/.
other() {
    new=$BATS_TEST_TMPDIR/new.yaml
    sed "$1" policies/office.yaml >"$new"
    if cmp -s policies/office.yaml "$new"; then
        echo "nothing changed by $1" >&2
        return 1
    fi
}

@test "the policy that was in force says again what it said" {
    run keel policy backtest
    [ "$status" -eq 0 ]
    has 'Newly allowed: none'
    has '11 effects decided again, 0 changed: 0 newly allowed, 0 newly denied, 0 newly asked'
    has 'interruptions: 4 then, 4 now'
    lacks 'Not decided again'
}

@test "what lets more through is shown first, with its rules, its reason and the way to it" {
    other 's/allow: { to_domain.*/allow: { amount: { lt: 50 EUR } }/'
    run keel policy backtest "$new"
    [ "$status" -eq 3 ]
    [ "${lines[0]}" = 'Newly allowed: 3 effects' ]
    has 'post.letter.write by clerk: 3 effects'
    has '    then  ask   rule letters, policies/office.yaml:4'
    has "    now   allow rule letters, $new:4"
    has 'amount is 40 EUR, below 50 EUR'
    before 'Newly allowed' 'Newly asked: 1 effect'
    has '4 changed: 3 newly allowed, 0 newly denied, 1 newly asked'
    has 'interruptions: 4 then, 2 now; what would not be asked any more waited '
    has 'money: 90.00 EUR in what is newly allowed'
    effect=$(printf '%s\n' "$output" | sed -n 's/^ *keel why \([0-9:]*\) .*40 EUR.*/\1/p')
    run keel why "$effect"
    [ "$status" -eq 0 ]
    has 'b@client.example'
}

@test "of many only the first are listed, unless all are wanted" {
    other 's/ask: { amount.*/allow: {}/;s/allow: { to_domain.*/ask: { recipients: { lt: 0 } }/'
    run keel policy backtest "$new"
    [ "$status" -eq 3 ]
    has 'and 1 more: --all lists them'
    [ "$(printf '%s\n' "$output" | grep -c 'keel why')" -eq 4 ]
    run keel policy backtest "$new" --all
    [ "$status" -eq 3 ]
    lacks 'more: --all'
    [ "$(printf '%s\n' "$output" | grep -c 'keel why')" -eq 5 ]
}

@test "newly denied and newly asked are no danger" {
    other 's/ask: { amount.*/ask: { amount: { lt: 50 EUR } }/;s/helpers/base.reads/;s/on: run.spawn/on: post.letter.read/;s/allow: { agent.*/ask: {}/'
    run keel policy backtest "$new"
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = 'Newly allowed: none' ]
    has 'Newly denied: 4 effects'
    has 'post.letter.write by clerk: 1 effect'
    has 'run.spawn by clerk: 3 effects'
    has 'Newly asked: 1 effect'
    has 'then  allow rule base.reads, built in'
    before 'Newly denied' 'Newly asked'
}

@test "a programs' line for each change, and one that sums up" {
    other 's/allow: { to_domain.*/allow: { amount: { lt: 50 EUR } }/'
    run keel policy backtest "$new" --json
    [ "$status" -eq 3 ]
    [ "$(number allowed)" -eq 3 ]
    [ "$(number denied)" -eq 0 ]
    [ "$(number decided)" -eq 11 ]
    [ "$(number lost)" -eq 0 ]
    [ "$(number asks_now)" -eq 2 ]
    [ "$(number waited_us)" -gt 0 ]
    has '"amounts":{"allowed":["90.00 EUR"],"asked":[],"denied":[]}'
    [ "$(printf '%s\n' "$output" | grep -c '"change":"allowed","kind":"change"')" -eq 3 ]
    has '"then":{"file":"policies/office.yaml","line":4,"rule":"letters","verdict":"ask"},"why":"rule letters ('
    printf '%s\n' "$output" | while read -r line; do
        printf '%s' "$line" | python3 -c 'import json, sys; json.load(sys.stdin)'
    done
}

@test "the same verdict by another rule is counted, not listed" {
    other 's/id: letters/id: post/'
    run keel policy backtest "$new"
    [ "$status" -eq 0 ]
    has '0 newly asked; 6 the same by another rule'
    lacks 'keel why'
}

@test "what a new rule looks at is computed from the arguments, by the manifest of then" {
    other 's/deny: { recipients.*/deny: { to_domain: { matches: "*.example" } }/'
    cp keel.yaml "$BATS_TEST_TMPDIR/keel.yaml"
    printf 'version: 1\n' >keel.yaml
    sed -i 's/on: post.letter.write/on: "*.letter.write"/' "$new"
    run keel policy backtest "$new"
    cp "$BATS_TEST_TMPDIR/keel.yaml" keel.yaml
    [ "$status" -eq 0 ]
    has 'Newly denied: 5 effects'
    has 'to_domain is "client.example", matching "*.example"'
    lacks 'Not decided again'
}

@test "a child that was there already: its input was not recorded, so it is named" {
    printf '%s\n' 'version: 1' 'rules:' '  - { id: s, on: run.spawn, allow: { input: { present: true } } }' \
        >"$BATS_TEST_TMPDIR/new.yaml"
    run keel policy backtest "$BATS_TEST_TMPDIR/new.yaml"
    has 'Not decided again: 1 effect, what a rule looks at was not recorded: 12:1'
    has '10 effects decided again'
    has 'costs: 0.02 USD less, paid for what is newly denied'
    run keel policy backtest "$BATS_TEST_TMPDIR/new.yaml" --json
    has '{"kind":"lost","path":"1","reason":"not_recorded","run":'
}

@test "sums are of what another policy would have let go" {
    other 's/ask: { amount.*/ask: { sum: { of: amount, per: 1d, lte: 500 EUR } }/'
    run keel policy backtest "$new"
    [ "$status" -eq 0 ] || { printf '%s\n' "$output" >&2; return 1; }
    has 'Newly asked: 1 effect'
    has 'sum of amount in 1d is 0 EUR, with this one 400 EUR, limit 500 EUR'
    lacks 'Not decided again'
    has '11 effects decided again, 1 changed'
    other 's/allow: { to_domain.*/allow: { sum: { of: amount, per: 1d, lte: 100 EUR } }/'
    run keel policy backtest "$new"
    [ "$status" -eq 3 ]
    has 'Newly allowed: 2 effects'
    has 'sum of amount in 1d is 40 EUR, with this one 100 EUR, limit 100 EUR'
}

@test "only what was decided since" {
    run keel policy backtest --since 1d
    [ "$status" -eq 0 ]
    has '11 effects decided again'
    run keel policy backtest --since 1ms
    [ "$status" -eq 0 ]
    has '0 effects decided again'
    run keel policy backtest --since yesterday
    [ "$status" -eq 2 ]
    has 'no span of time'
    has '--since 30d'
}

@test "since counts an effect by its first decision, and knows the connections of before" {
    cp -r "$W" "$BATS_TEST_TMPDIR/old"
    # All that was is two days ago, but for the asking that was denied last.
    sqlite3 "$BATS_TEST_TMPDIR/old/.keel/keel.db" \
        "UPDATE effect SET opened_us = opened_us - 172800000000 WHERE run < 6"
    before=$(sqlite3 "$BATS_TEST_TMPDIR/old/.keel/keel.db" \
        "SELECT count(*) FROM effect WHERE run < 6")
    [ "$before" -eq 5 ]
    run keel -C "$BATS_TEST_TMPDIR/old" policy backtest --since 1d
    [ "$status" -eq 0 ]
    has '6 effects decided again'
}

@test "a folder is a policy too, and so are several files" {
    run keel policy backtest policies
    [ "$status" -eq 0 ]
    has '11 effects decided again, 0 changed'
    printf '%s\n' 'version: 1' 'rules:' '  - { id: never, on: post.letter.write, deny: {} }' \
        >"$BATS_TEST_TMPDIR/more.yaml"
    run keel policy backtest policies/office.yaml "$BATS_TEST_TMPDIR/more.yaml"
    [ "$status" -eq 0 ]
    has 'Newly denied: 5 effects'
    has 'rule never, '
    mkdir "$BATS_TEST_TMPDIR/empty"
    run keel policy backtest "$BATS_TEST_TMPDIR/empty"
    [ "$status" -eq 6 ]
    has 'holds no file that ends in .yaml'
}

@test "a file that does not compile is refused with its place" {
    other 's/recipients: { gt/recipients: { gtt/'
    run keel policy backtest "$new"
    [ "$status" -eq 2 ]
    has "$new:7:"
    has 'Did you mean "gt"?'
    run keel policy backtest "$BATS_TEST_TMPDIR/nowhere.yaml"
    [ "$status" -eq 6 ]
    other 's/post.letter.write/post.leter.write/'
    run keel policy backtest "$new"
    [ "$status" -eq 2 ]
    has 'Did you mean "letter"?'
}

@test "nothing was recorded" {
    office "$BATS_TEST_TMPDIR/fresh"
    run keel -C "$BATS_TEST_TMPDIR/fresh" policy backtest
    [ "$status" -eq 6 ]
    start_kernel "$BATS_TEST_TMPDIR/fresh"
    keel -C "$BATS_TEST_TMPDIR/fresh" down
    run keel -C "$BATS_TEST_TMPDIR/fresh" policy backtest
    [ "$status" -eq 0 ]
    has 'Newly allowed: none'
    has '0 effects decided again'
}

@test "it changes nothing" {
    sum=$(sqlite3 .keel/keel.db 'SELECT max(seq), hex(hash) FROM journal')
    other 's/ask: { amount.*/allow: {}/;s/allow: { to_domain.*/ask: { recipients: { lt: 0 } }/'
    run keel policy backtest "$new"
    [ "$(sqlite3 .keel/keel.db 'SELECT max(seq), hex(hash) FROM journal')" = "$sum" ]
    run keel audit rebuild --check
    [ "$status" -eq 0 ]
}

@test "what was erased is counted and named, never guessed" {
    run keel audit erase --run 6 --why 'asked for' --yes
    [ "$status" -eq 0 ]
    run keel policy backtest
    [ "$status" -eq 0 ]
    has 'Not decided again: 1 effect, what they said was erased: 6:1'
    has '10 effects decided again, 0 changed'
    run keel policy backtest --json
    has '{"kind":"lost","path":"1","reason":"erased","run":6}'
    [ "$(number lost)" -eq 1 ]
}

@test "what stands in the archive is decided again too" {
    last=$(sqlite3 .keel/keel.db 'SELECT seq FROM journal WHERE run = 2 ORDER BY seq LIMIT 1')
    run keel audit archive --before "$last"
    [ "$status" -eq 0 ]
    run keel policy backtest
    [ "$status" -eq 0 ]
    has '10 effects decided again, 0 changed'
}
