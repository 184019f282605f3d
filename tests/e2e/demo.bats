#!/usr/bin/env bats
# The demo as `./dev demo --no-input` runs it once all is built.

setup_file() {
    export DEMO_OUT="$BATS_FILE_TMPDIR/out"
    export TMPDIR="$BATS_FILE_TMPDIR"
    KEEL_ROOT=${KEEL_ROOT:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}
    export KEEL_ROOT KEEL_CACHE="${KEEL_CACHE:-$KEEL_ROOT/.cache}"
    sh "$KEEL_ROOT/examples/inbox/demo.sh" --no-input >"$DEMO_OUT" 2>&1 </dev/null || {
        cat "$DEMO_OUT" >&2
        return 1
    }
}

workspace() {
    sed -n 's/^workspace: //p' "$DEMO_OUT"
}

@test "it ends with the count of the outbox, the audit and the workspace" {
    run tail -n 3 "$DEMO_OUT"
    [[ ${lines[0]} =~ ^outbox:\ [1-9][0-9]*\ sent,\ 0\ twice,\ 0\ lost$ ]]
    [[ ${lines[1]} =~ ^audit:\ [1-9][0-9]*\ records\ verified$ ]]
    [[ ${lines[2]} =~ ^workspace:\ / ]]
}

@test "the kernel was killed while mails were on their way" {
    [ "$(grep -c 'kill -9 of the kernel' "$DEMO_OUT")" -eq 3 ]
    grep -Eq 'kill -9 .* [1-9][0-9]* runs are open' "$DEMO_OUT"
}

@test "every mail in the outbox has a Message-ID of its own, and none is unfinished" {
    outbox=$(workspace)/outbox
    sent=$(sed -n 's/^outbox: \([0-9]*\) sent.*/\1/p' "$DEMO_OUT")
    [ "$(find "$outbox" -type f | wc -l)" -eq "$sent" ]
    [ "$(grep -rih '^Message-Id:' "$outbox" | sort -u | wc -l)" -eq "$sent" ]
    [ -z "$(find "$outbox/tmp" -type f)" ]
}

@test "the denied mail was not sent, and the edited one was sent as edited" {
    [ -z "$(grep -rl '014501c237ef' "$(workspace)/outbox")" ]
    [ "$(grep -rl 'I will look at it this afternoon' "$(workspace)/outbox" | wc -l)" -eq 1 ]
}

@test "nothing that it started is still running" {
    run keel -C "$(workspace)" --json
    [[ $output == *'"running":false'* ]]
}

@test "the workspace starts again, and its record still holds" {
    cd "$(workspace)"
    keel -q up --detach
    run keel audit verify
    keel -q down
    [ "$status" -eq 0 ]
    [[ $output == *'records verified'* ]]
}

@test "a budget stopped an agent, an approval expired, and a backtest found one more" {
    grep -q '"sent":3,"stopped":"budget"' "$DEMO_OUT"
    grep -Eq '^ *reminder .*100%  3 of 3 calls' "$DEMO_OUT"
    grep -Eq '^ *state +expired' "$DEMO_OUT"
    [ -z "$(grep -rl 'client@client.example' "$(workspace)/outbox")" ]
    grep -Eq '^ *Newly allowed: 1 effect' "$DEMO_OUT"
}
