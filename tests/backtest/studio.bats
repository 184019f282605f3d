# policies/studio.yaml and the workspace that it fits: checked, its cases, and a day of it, with a scripted
# billing service that is counted on.

bats_require_minimum_version 1.5.0
load helper

setup_file() {
    own_home
    export S=$BATS_FILE_TMPDIR/studio-example
    cp -R "$BATS_TEST_DIRNAME/../../examples/studio" "$S"
    mkdir -p "$S/policies/tests" "$S/mail/new" "$S/mail/cur" "$S/mail/tmp" "$S/outbox/new" "$S/outbox/cur" \
        "$S/outbox/tmp" "$S/site"
    cp "$BATS_TEST_DIRNAME/../../policies/studio.yaml" "$S/policies/"
    cp "$BATS_TEST_DIRNAME/../../policies/tests/studio.yaml" "$S/policies/tests/"
    sed -n '/^world:/,/^cases:/p' "$S/connectors/billing/check.yaml" | sed -e '1d;$d' -e 's/^  //' >"$S/world.yaml"
    "$(dirname "$(command -v keel)")/../libexec/keel/keel-fakeworld" "$S/world.yaml" --log "$S/world.log" \
        --end-with-parent >"$S/port" &
    echo $! >"$S/pid"
    for _ in $(seq 100); do
        [ ! -s "$S/port" ] || break
        sleep 0.05
    done
    sed -i "s|http://127.0.0.1:8080|http://127.0.0.1:$(head -n 1 "$S/port")|" "$S/keel.yaml"
}

teardown_file() {
    stop_kernel "$S"
    kill "$(cat "$S/pid")" 2>/dev/null || true
}

setup() {
    own_home
    cd "$S"
}

@test "the policy is without fault or warning" {
    run keel policy check
    [ "$status" -eq 0 ]
    has 'no faults, 0 warnings'
}

@test "all its cases hold, and each rule has one" {
    run keel policy test
    [ "$status" -eq 0 ]
    for rule in $(sed -n 's/^  - id: //p' policies/studio.yaml); do
        grep -q "rule: $rule }" policies/tests/studio.yaml || grep -q "rule: $rule\$" policies/tests/studio.yaml ||
            { printf 'no case of rule %s\n' "$rule" >&2; return 1; }
    done
}

@test "what finance may do, see and spend, on one page" {
    run keel can finance
    [ "$status" -eq 0 ]
    has 'depends   billing.invoice.write  by invoices (policies/studio.yaml:'
    has 'sum of amount in 1d at most 1500 EUR, else'
    has 'deny      inbox.message.write  by none'
    has 'no rule lets it'
    has 'allow     inbox.message.read  built in: base.reads'
    has 'May see'
    has 'anything: its manifest sets no max_taint'
    has 'inbox.message: confidential, written by anybody: what reads it is tainted'
    has 'May start
  nobody'
    has 'billing   reaches http://127.0.0.1:'
    has 'rests for 5 min when 10 of the last 20 fail'
    has 'month     60.00 EUR for all of the workspace, each month; then you are asked'
    has 'attention 12 interruptions of you, each day; then what asks is gathered'
    has 'the time to answer it stands still while it is quiet from 22:00 to 07:00 Europe/Madrid'
    run keel can triage
    has 'allow     correspondent'
    lacks 'allow     finance'
    run keel can publisher
    has '20 in 1h for each to_domain, 5 at once' || has 'site.document.write'
    run keel can finance --json
    [ "${#lines[@]}" -eq 1 ]
    has '"starts":[]'
    has '"sees":[{"connection":"inbox","level":"confidential","resource":"message","untrusted":true'
}

@test "the connector keeps its promises" {
    run keel connector check connectors/billing
    [ "$status" -eq 0 ]
}

# finance INPUT...: what finance said.
finance() {
    run keel --json "do" finance "$@"
}

@test "a day: refunds go until they add up, then you are asked" {
    keel up --detach
    for n in 1 2 3 4; do
        finance "invoice=$n" "refund=49 EUR"
        [ "$status" -eq 0 ]
        has '"done":'
    done
    finance invoice=5 "refund=49 EUR" # 245 EUR in the month
    [ "$status" -eq 3 ]
    run keel inbox --no-input
    has 'billing.refund.write'
    run keel why 1
    has 'sum of amount in the month is 196 EUR, with this one 245 EUR, limit 200 EUR'
    [ "$(grep -c '"applied":true.*"method":"POST","path":"/refunds"' world.log)" -eq 4 ]
}

@test "a page for visitors waits, a draft is written" {
    run keel "do" publisher path=drafts/spring.txt text=Spring
    [ "$status" -eq 0 ]
    [ "$(cat site/drafts/spring.txt)" = Spring ]
    run keel "do" publisher path=public/index.txt text=Spring
    [ "$status" -eq 3 ]
    [ ! -e site/public/index.txt ]
}

@test "all of it decided again is as it was, and a wider month lets one refund more" {
    run keel policy backtest
    [ "$status" -eq 0 ]
    has '7 effects decided again, 0 changed'
    lacks 'Not decided again'
    sed 's/200 EUR/250 EUR/' policies/studio.yaml >"$BATS_TEST_TMPDIR/wider.yaml"
    run keel policy backtest "$BATS_TEST_TMPDIR/wider.yaml"
    [ "$status" -eq 3 ]
    has 'Newly allowed: 1 effect'
    has 'sum of amount in the month is 196 EUR, with this one 245 EUR, limit 250 EUR'
}
