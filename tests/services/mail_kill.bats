# Who holds a mail on its way is killed, at moments spread over the send: egress, the executors, exim,
# Dovecot, and the kernel. It is counted on the server's side: what Keel says is done has come once,
# what it says is not done has not come, and nothing else has.

load helper

POINTS=12

setup_file() {
    own_home
    rig_begin $$
    rig_mail_start
    export W=$BATS_FILE_TMPDIR/studio
    mail_workspace "$W"
    start_kernel "$W"
}

teardown_file() {
    stop_kernel "$W"
    rig_end
}

setup() {
    own_home
    rig_load
    cd "$W"
}

is_gone() {
    ! kill -0 "$1"
}

# send_slowly NAME N: a mail that the server takes a second to accept; one run, however often it is asked for.
send_slowly() {
    keel -q do clerk to="$1@test.local" subject="slowly $2" --key "$1-$2" --detach
}

# kill_at NAME TENTHS: one such mail, and the kill so much later.
kill_at() {
    send_slowly "$1" "$2" >/dev/null 2>&1 &
    asked=$!
    sleep "$(printf '%d.%d' $(($2 / 10)) $(($2 % 10)))"
    case $1 in
    egress | executor) kill_child "$W" "keel-$1" ;;
    exim | dovecot)
        rig_kill "$1"
        rig_mail_restart "$1"
        ;;
    kernel)
        killed=$(kernel_pid "$W")
        kill -9 "$killed"
        rig_until 200 is_gone "$killed" # it holds the workspace until then
        start_kernel "$W"
        ;;
    esac
    wait "$asked" || send_slowly "$1" "$2" >/dev/null # who was to take it was killed before, or had not begun
}

# How many effects were looked for, because nobody had seen their end.
looked() {
    keel logs --all --json | grep effect.reconciling | grep -o '"run":[0-9]*' | sort -u | wc -l
}

# Every mail to NAME, as the server and as Keel count them.
count() {
    all_ended 200
    rig_mail_settled
    keel -q do clerk >/dev/null # moves the copies
    outcomes >"$BATS_TEST_TMPDIR/outcomes"
    echo "# $(grep -c '^done' "$BATS_TEST_TMPDIR/outcomes") done, $(looked) of all looked for" >&3
    ! grep -v '^done \|^not_done ' "$BATS_TEST_TMPDIR/outcomes" >&2
    sed -n 's/^done //p' "$BATS_TEST_TMPDIR/outcomes" | sort >"$BATS_TEST_TMPDIR/done"
    for victim in egress executor exim dovecot kernel; do
        rig_mail_taken "$victim"
    done | sort >"$BATS_TEST_TMPDIR/taken"
    diff "$BATS_TEST_TMPDIR/done" "$BATS_TEST_TMPDIR/taken" >&2
    rig_mail_taken "$owner" Sent >"$BATS_TEST_TMPDIR/sent"
    diff "$BATS_TEST_TMPDIR/done" "$BATS_TEST_TMPDIR/sent" >&2
    run keel inbox --json
    ! grep unknown <<<"$output" >&2
}

kill_over_the_send() {
    for point in $(seq 0 $((POINTS - 1))); do
        kill_at "$1" "$((point * 14 / (POINTS - 1)))"
    done
    count
    [ "$(keel run list --json | grep -c "\"$1-")" -eq "$POINTS" ]
}

# Of ours, who are killed and come again at once while the servers are there: nothing may be lost, either.

@test "egress is killed 12 times over a send" {
    kill_over_the_send egress
    [ "$(grep -c '^done ' "$BATS_TEST_TMPDIR/outcomes")" -eq "$POINTS" ]
}

@test "egress is killed while nothing is under way, and asked at once" {
    before=$(grep -c . <(outcomes)) || true
    for n in 1 2 3 4 5; do
        kill_child "$W" keel-egress
        keel -q do clerk to=egress@test.local subject="idle $n" --key "idle-$n" --detach >/dev/null
    done
    count
    [ "$(grep -c '^done ' "$BATS_TEST_TMPDIR/outcomes")" -eq $((before + 5)) ]
}

@test "the executors are killed 12 times over a send" {
    before=$(grep -c '^done ' <(outcomes)) || true
    kill_over_the_send executor
    [ "$(grep -c '^done ' "$BATS_TEST_TMPDIR/outcomes")" -eq $((before + POINTS)) ]
}

@test "exim is killed 12 times over a send" {
    kill_over_the_send exim
}

@test "Dovecot is killed 12 times over a send" {
    kill_over_the_send dovecot
}

@test "the kernel is killed 12 times over a send" {
    before=$(looked)
    kill_over_the_send kernel
    [ "$(looked)" -gt "$before" ] # and none was sent again on the mere hope that it had not been
}

@test "its record is whole" {
    run keel audit verify
    [ "$status" -eq 0 ]
    has 'records verified'
}
