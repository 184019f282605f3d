# The mail connector against a scripted server that does what no real one does when it is asked to: it
# loses answers, comes late, breaks off, answers twice. Its log is the oracle; mail_world.py holds the
# record of Keel to it. The waits of the connector are shortened, so that a minute is enough.

load helper

setup_file() {
    own_home
    export W=$BATS_FILE_TMPDIR/studio RIG_DIR=$BATS_FILE_TMPDIR/world
    mkdir -p "$RIG_DIR"
    short_waits
    start_world
    : >"$RIG_DIR/ca.pem" # mail_workspace names one; it is not used below
    mail_workspace "$W" "imap://127.0.0.1:$imap" "smtp://127.0.0.1:$smtp"
    sed -i 's/^    tls: .*/    plain: true/; s/arrive_s: 5/arrive_s: 2/' "$W/keel.yaml"
    start_kernel "$W"
}

teardown_file() {
    stop_kernel "$W"
    kill "$(cat "$RIG_DIR/pid")" 2>/dev/null || true
}

setup() {
    own_home
    rig_load
    cd "$W"
}

# The programs and plugins as they are installed, but for the times in one manifest.
short_waits() {
    installed=$(dirname "$(command -v keel)")/..
    cp -r "$installed" "$BATS_FILE_TMPDIR/keel"
    manifest=$BATS_FILE_TMPDIR/keel/share/keel/plugins/mail/manifest.yaml
    sed -i 's/settle: 30s, timeout: 3m/settle: 6s, timeout: 8s/; s/settle: 5s, timeout: 60s/settle: 4s, timeout: 8s/' \
        "$manifest"
    grep -q 'settle: 6s, timeout: 8s' "$manifest"
    export PATH=$BATS_FILE_TMPDIR/keel/bin:$PATH
}

start_world() {
    cat >"$RIG_DIR/script.yaml" <<'YAML'
users: { me: correct-horse-battery-staple }
smtp: { domain: test.local }
imap: {}
YAML
    "$BATS_FILE_TMPDIR/keel/libexec/keel/keel-fakeworld" "$RIG_DIR/script.yaml" --log "$RIG_DIR/log" \
        >"$RIG_DIR/said" 2>"$RIG_DIR/err" 3>&- 4>&- &
    echo $! >"$RIG_DIR/pid"
    rig_until 50 test -s "$RIG_DIR/said" || { cat "$RIG_DIR/err" >&2; return 1; }
    {
        printf 'owner=me\nsecret=correct-horse-battery-staple\n'
        sed '1s/^/http=/; s/ /=/' "$RIG_DIR/said"
    } >"$RIG_DIR/ports"
    rig_load
}

world() {
    curl -s -f -X POST --data-binary "$2" "http://127.0.0.1:$http/_fakeworld/$1" >/dev/null
}

# send NAME [FIELD...]: a mail to NAME@test.local, in the background.
send() {
    name=$1
    shift
    keel -q do clerk to="$name@test.local" subject="about $name" "$@" --key "$name" --detach >/dev/null
}

# checked: I1 to I4; then `NAME OUTCOME times applied`, a line for each mail that was sent or drafted.
checked() {
    all_ended 300
    keel logs --all --json >"$BATS_FILE_TMPDIR/record"
    python3 "$BATS_TEST_DIRNAME/mail_world.py" "$BATS_FILE_TMPDIR/record" "$RIG_DIR/log" "$@"
}

# The table of a test on stdin, `NAME OUTCOME APPLIED`, against what checked has printed.
same_as_table() {
    sort >"$BATS_TEST_TMPDIR/table"
    cut -d ' ' -f 1 "$BATS_TEST_TMPDIR/table" >"$BATS_TEST_TMPDIR/names"
    printf '%s\n' "$output" | grep -wf "$BATS_TEST_TMPDIR/names" | sort |
        diff "$BATS_TEST_TMPDIR/table" - >&2
}

@test "what befalls a mail behind its final dot: each ends as its server has it, and never twice" {
    world faults '
- { face: smtp, fault: lost, to: lost@test.local }
- { face: smtp, fault: refuse_before, to: refused@test.local }
- { face: smtp, fault: late, after: 3s, to: late@test.local }
- { face: smtp, fault: hang, to: hung@test.local }
- { face: smtp, fault: hang_after, to: hung-after@test.local }
- { face: smtp, fault: drip, to: dripped@test.local }
- { face: smtp, fault: cut, to: cut@test.local }
- { face: smtp, fault: double, to: twice-said@test.local }
- { face: smtp, fault: malformed, to: nonsense@test.local }
- { face: smtp, fault: huge, mib: 3, to: huge@test.local }
- { face: smtp, fault: duplicate, to: laid-twice@test.local }
- { face: smtp, fault: status, status: 451, to: later@test.local }
- { face: smtp, fault: status, status: 550, to: spam@test.local }
- { face: smtp, fault: status, method: RCPT, status: 550, to: full@test.local }
- { face: smtp, fault: lost, method: RCPT, to: no-dot@test.local }'
    for name in plain lost refused late hung hung-after dripped cut twice-said nonsense huge \
        laid-twice later spam full no-dot; do
        send "$name"
    done
    run checked
    [ "$status" -eq 0 ] || { printf '%s\n' "$output" >&2; return 1; }
    same_as_table <<'TABLE'
plain done 1
lost done 1
refused done 1
late done 1
hung done 1
hung-after done 1
dripped done 1
cut done 1
twice-said done 1
nonsense done 1
huge done 1
laid-twice done 1
later done 1
spam not_done 0
full not_done 0
no-dot done 1
TABLE
    grep '"applied":true' "$RIG_DIR/log" | grep '"fault":"duplicate"' | grep -q '"copies":4'
    [ "$(grep '"applied":true' "$RIG_DIR/log" | grep -c '"method":"MESSAGE"')" -eq 14 ]
}

@test "what befalls a draft on its way into the folder: each is there once, or not" {
    for fault in lost refuse_before late hang_after cut double malformed status; do
        world faults "[{ face: imap, folder: Drafts, method: APPEND, fault: $fault, after: 1s, status: 451,
            every: 5ms, always: $([ $fault = status ] && echo true || echo false) }]"
        keel -q do clerk to=bea@test.local subject="about draft-$fault" draft=true >/dev/null || true
    done
    run checked
    [ "$status" -eq 0 ] || { printf '%s\n' "$output" >&2; return 1; }
    same_as_table <<'TABLE'
draft-lost done 1
draft-refuse_before done 1
draft-late done 1
draft-hang_after done 1
draft-cut done 1
draft-double done 1
draft-malformed done 1
draft-status not_done 0
TABLE
}

@test "reading: an answer that breaks off in the middle of a letter, and other UIDs between two pages" {
    world faults '[]'
    for n in 1 2 3; do
        sed "s/^Message-ID: .*/Message-ID: <m$n@client.example>/I" "$BATS_TEST_DIRNAME/../mail/plain.eml" |
            sed 's/$/\r/' >"$BATS_TEST_TMPDIR/letter"
        curl -s -f --data-binary "@$BATS_TEST_TMPDIR/letter" \
            "http://127.0.0.1:$http/_fakeworld/mail?to=me" >/dev/null
    done
    keel -q do clerk --json >"$BATS_TEST_TMPDIR/whole"
    grep -q '"m1@client.example","m2@client.example","m3@client.example"' "$BATS_TEST_TMPDIR/whole"
    for fault in cut malformed lost refuse_before double; do
        world faults "[{ face: imap, folder: INBOX, method: FETCH, fault: $fault }]"
        run keel do clerk --json
        [ "$status" -eq 0 ] || { echo "$fault: $output" >&2; return 1; }
        has '"ids":["m1@client.example","m2@client.example","m3@client.example"]'
        grep -q "\"fault\":\"$fault\".*\"method\":\"FETCH\"" "$RIG_DIR/log"
    done
    # the second page asks by a cursor of the old numbers: it begins anew, and nothing is left out
    world faults '[{ face: imap, folder: INBOX, method: SELECT, fault: forget, at: 2 }]'
    run keel do clerk --json
    has '"ids":["m1@client.example","m2@client.example","m1@client.example","m2@client.example","m3@client.example"]'
    grep -q '"fault":"forget"' "$RIG_DIR/log"
}

@test "a server that takes a mail and says that it does not: no client can tell, and the checker can" {
    world faults '[{ face: smtp, fault: error_after, status: 550, to: liar@test.local }]'
    send liar
    run checked
    [ "$status" -eq 1 ]
    has 'I3 liar is not done, and was applied'
    has 'liar not_done 1'
}

@test "its record is whole" {
    run keel audit verify
    [ "$status" -eq 0 ]
    has 'records verified'
}
