# keel policy propose where other rules sum and count: what differs between the policy as it stands and the
# proposed one is the proposal's alone.

load helper

setup() {
    own_home
    W=$BATS_TEST_TMPDIR/office
    office "$W"
    cd "$W"
}

teardown() {
    stop_kernel "$W"
}

# office_policy HELPERS: letters are asked for.
office_policy() {
    cat >policies/office.yaml <<YAML
version: 1
rules:
  - id: letters
    on: post.letter.write
    agents: [clerk]
    ask: {}
  - id: helpers
    on: run.spawn
    $1
YAML
}

is_still() {
    [ "$(sqlite3 .keel/keel.db "SELECT count(*) FROM effect WHERE state NOT IN ('done', 'denied')")" -eq 0 ]
}

@test "what a count decides otherwise than in its time, with and without the proposal, is not the proposal's" {
    office_policy 'deny: {}'
    start_kernel "$W"
    "$typist" 'with (new): ' "$secret" 'again: ' "$secret" -- keel approver set
    keel -q do clerk helper=1 || true
    office_policy 'allow: { count: { per: 1d, lte: 3 } }'
    keel policy reload
    keel -q do clerk helper=1
    for i in $(seq 20); do
        keel -q do clerk to="b@client.example" amount="$i EUR" || [ $? -eq 3 ]
    done
    # shellcheck disable=SC2046
    as_approver keel approve $(seq 20) --yes
    until_it is_still
    keel down
    run keel policy backtest
    [ "$status" -eq 3 ]
    has 'count in 1d is 0, with this one 1, limit 3'
    run keel policy propose
    [ "$status" -eq 0 ]
    has '20 clean approvals'
    has '20 changed: 20 newly allowed, 0 newly denied, 0 newly asked'
    lacks run.spawn
}
