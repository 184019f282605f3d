# A day with Keel: from the first start to the proof that nothing went twice. One workspace and one
# kernel for the whole file; the tests follow each other as a person's commands do.

load helper

setup_file() {
    own_home
    export W=$BATS_FILE_TMPDIR/studio
    workspace "$W" >&2
    start_kernel "$W"
}

teardown_file() {
    stop_kernel "$W"
}

setup() {
    own_home
    cd "$W"
}

outbox() {
    find "$W/outbox/new" "$W/outbox/cur" -type f | wc -l
}

# field NAME: of the first line of JSON in $output.
field() {
    printf '%s\n' "$output" | sed -n "s/.*\"$1\":\(\"[^\"]*\"\|[^,}]*\).*/\1/p" | head -n 1 | tr -d '"'
}

@test "it runs, and keel says so" {
    run keel
    [ "$status" -eq 0 ]
    has 'running'
    has 'next: keel do AGENT'
    run keel --json
    [ "$(field running)" = true ]
}

@test "started twice is running already" {
    run keel up --detach
    [ "$status" -eq 0 ]
    has 'is running already'
    run keel up
    [ "$status" -eq 1 ]
    has 'already running'
}

@test "an agent that does not exist, with the nearest" {
    run keel do triag
    [ "$status" -eq 6 ]
    has 'triage'
    run keel can triag
    [ "$status" -eq 6 ]
    has 'Did you mean triage?'
}

@test "bad input is refused before anything is sent" {
    run keel do triage limit
    [ "$status" -eq 2 ]
    has 'KEY=VALUE'
    run keel do triage a=1 a=2
    [ "$status" -eq 2 ]
    run keel do triage note=@/nowhere
    [ "$status" -ne 0 ]
    has '/nowhere'
    printf '\377' >"$BATS_TEST_TMPDIR/bytes"
    run keel do triage "note=@$BATS_TEST_TMPDIR/bytes"
    [ "$status" -eq 2 ]
    has 'not UTF-8'
}

@test "a dry run shows the typed input and starts nothing" {
    run keel do triage n=3 yes=true text=3a quoted=-x --key k --dry-run
    [ "$status" -eq 0 ]
    [ "$output" = '{"agent":"triage","follow":true,"input":{"n":3,"quoted":"-x","text":"3a","yes":true},"key":"k"}' ]
    run keel run list
    has 'No runs'
}

@test "triage reads the mail and what it asks for waits for a person" {
    run keel do triage
    [ "$status" -eq 3 ]
    has 'keel inbox'
    has 'needs_answer'
}

@test "the inbox lists it, for people and for programs" {
    run keel inbox
    [ "$status" -eq 0 ]
    has 'inbox.message.write'
    has 'bea1@client.example'
    run keel inbox --json
    [ "${#lines[@]}" -eq 4 ]
    [ "$(field number)" = 1 ]
    has '"kind":"approval"'
}

@test "the card shows exactly what will be sent, and what the agent claims apart from it" {
    run keel inbox 1
    [ "$status" -eq 0 ]
    printf '%s\n' "$output" | grep -Eq '^  to  *19 bytes  *│ bea[1-4]@client.example$'
    has 'policies/starter.yaml:'
    has "The agent's claim, which nobody has checked"
    has 'found word for word in what the read at 1 returned'
    has 'way back   none'
}

@test "a number that does not exist" {
    run keel inbox 99
    [ "$status" -eq 6 ]
    run keel approve 99
    [ "$status" -eq 6 ]
    run keel why 99
    [ "$status" -eq 6 ]
    run keel why 1:9.9
    [ "$status" -eq 6 ]
    has 'Run 1 has effects at'
    run keel approve x
    [ "$status" -eq 2 ]
    run keel inbox B99
    [ "$status" -eq 6 ]
}

@test "nobody approves without the passphrase" {
    run keel approve 1 --no-input
    [ "$status" -eq 4 ]
    run "$typist" 'operator: ' wrong 'operator: ' wrong 'operator: ' wrong -- keel approve 1
    [ "$status" -eq 4 ]
    run "$typist" 'operator: ' '' -- keel approve 1
    [ "$status" -eq 4 ]
    run setsid sh -c "echo '$secret' | keel approve 1"
    [ "$status" -eq 4 ]
    has 'terminal'
    [ "$(outbox)" -eq 0 ]
}

@test "a batch holds what was shown, and is the same when shown again" {
    run keel inbox --batch
    [ "$status" -eq 0 ]
    has 'B1: 4 by correspondent'
    run "$typist" -- keel inbox --no-input
    has 'B1: 4 by correspondent'
    run keel inbox B1
    [ "$(printf '%s\n' "$output" | grep -c 'Exactly this')" -eq 4 ]
}

@test "why tells the rule before anything has run" {
    run keel why 1
    [ "$status" -eq 0 ]
    has 'state       waiting (approval)'
    has 'by rule answers-ask, policies/starter.yaml:'
    has 'budget'
    run keel why 1 --json
    [ "$(field state)" = waiting ]
    has '"verdict":"ask"'
}

@test "one is denied, with a reason" {
    run keel deny 4
    [ "$status" -eq 2 ]
    has '--why'
    run keel deny 4 --why 'She asked us not to write'
    [ "$status" -eq 0 ]
    has '4  denied'
    run keel why 4
    has 'rejected'
    has 'She asked us not to write'
    run keel approve 4
    [ "$status" -eq 1 ]
    has 'can no longer be decided'
}

@test "one is edited: only the fields that the rule names, shown as a difference" {
    run as_approver keel approve 3 --set to=evil@example.org
    [ "$status" -eq 5 ]
    has 'edit'
    run as_approver keel approve 3 --set nonesuch=1
    [ "$status" -ne 0 ]
    run keel approve 3 --set subject='Re: dry' --dry-run
    [ "$status" -eq 0 ]
    has '+ Re: dry'
    run as_approver keel approve 3 --set 'subject=Re: five pages'
    [ "$status" -eq 0 ]
    has '- Re: Question '
    has '+ Re: five pages'
    has '3  approved'
    wait_done 3
    grep -rlq 'Subject: Re: five pages' "$W/outbox"
}

# Until the effect of an item is done.
wait_done() {
    for _ in $(seq 100); do
        run keel why "$1" --json
        [ "$(field state)" != done ] || return 0
        sleep 0.05
    done
    echo "$output" >&2
    return 1
}

@test "edited in an editor" {
    cat >"$BATS_TEST_TMPDIR/editor" <<'SH'
#!/bin/sh
grep -q '^--- keel: subject$' "$1" || exit 1
grep -q '^--- keel: to$' "$1" && exit 1
sed -i 's/^Re: Question [1-4]$/Re: by hand/' "$1"
SH
    chmod +x "$BATS_TEST_TMPDIR/editor"
    export EDITOR=$BATS_TEST_TMPDIR/editor
    run keel approve 2 --edit --no-input
    [ "$status" -eq 2 ]
    run as_approver keel approve 2 --edit
    [ "$status" -eq 0 ]
    has '+ Re: by hand'
    wait_done 2
    grep -rlq 'Subject: Re: by hand' "$W/outbox"
    run find "$W/.keel" -name 'edit-*'
    [ -z "$output" ]
}

@test "an editor that fails changes nothing" {
    run env EDITOR=false "$typist" -- keel approve 1 --edit
    [ "$status" -eq 1 ]
    has 'nothing was changed'
    run env EDITOR=true "$typist" -- keel approve 1 --edit
    [ "$status" -eq 1 ]
    has 'Nothing was changed'
}

@test "the batch approves what is left of it, and the receipt repeats the six words" {
    run keel inbox 1
    words=$(printf '%s\n' "$output" | sed -n 's/^  signs  *//p')
    [ "$(printf '%s\n' "$words" | wc -w)" -eq 6 ]
    run as_approver keel approve B1
    [ "$status" -eq 0 ]
    has "approved  $words  inbox.message.write"
    wait_done 1
    [ "$(outbox)" -eq 3 ]
    run keel inbox
    has 'Nothing needs you'
}

@test "an approval is used once" {
    run as_approver keel approve 1
    [ "$status" -eq 1 ]
    run keel approve B1 --dry-run
    [ "$status" -eq 1 ]
    has 'decided already'
    [ "$(outbox)" -eq 3 ]
}

@test "why tells who approved, the attempt and the result" {
    wait_done 1
    run keel why 1
    has 'by operator at'
    has 'Result'
    has 'done'
}

@test "runs as a list and as a tree" {
    run keel run list
    [ "$status" -eq 0 ]
    has 'correspondent'
    run keel run list --agent triage --json
    [ "${#lines[@]}" -eq 1 ]
    [ "$(field state)" = ended ]
    run keel run list --limit 2
    [ "${#lines[@]}" -eq 3 ]
    run keel run show 1
    [ "$status" -eq 0 ]
    has '└ run 2'
    has 'spawns  correspondent'
    run keel run show 1 --json
    has '"kind":"run.begin"'
    run keel run show 99
    [ "$status" -eq 6 ]
    run keel run show x
    [ "$status" -eq 2 ]
}

@test "the same key is one run" {
    run keel do triage --key today --detach
    [ "$status" -eq 0 ]
    first=${lines[0]}
    run keel do triage --key today --detach
    [ "$status" -eq 0 ]
    has "$first"
    has 'already'
}

@test "a request id is done once, and refused for something else" {
    run keel --request 0123456789abcdef do triage --detach
    [ "$status" -eq 0 ]
    first=${lines[0]}
    run keel --request 0123456789abcdef do triage --detach
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "$first" ]
    run keel --request 0123456789abcdef do triage n=1 --detach
    [ "$status" -ne 0 ]
    has 'request'
    run keel --request short do triage --detach
    [ "$status" -eq 2 ]
    has '8 to 64 characters'
}

@test "costs by agent, by day, and the budgets" {
    run keel costs
    [ "$status" -eq 0 ]
    has 'correspondent'
    has 'BUDGET'
    run keel costs --by day --json
    has '"calls":'
    run keel costs --by moon
    [ "$status" -eq 2 ]
}

@test "what an agent may do" {
    run keel can correspondent
    [ "$status" -eq 0 ]
    has 'inbox.message.write'
    has 'answers-ask'
    has '; left now: '
    [[ $output != *'policies/ has changed'* ]]
    cp policies/starter.yaml before.yaml
    sed -i 's/recipients: { gt: 3 }/recipients: { gt: 5 }/' policies/starter.yaml
    run keel can correspondent
    has 'policies/ has changed: this is not in force'
    mv before.yaml policies/starter.yaml
    run keel can correspondent --json
    has '"spent":'
    has '"target":"inbox.message.write"'
}

triage_ended() {
    keel run list --agent triage --json | grep "\"run\":$1," | grep -q '"state":"ended"'
}

@test "what the next run of a role starts from is lowered after the last has ended" {
    r=$(keel run list --agent triage --json | sed -n "s/.*\"run\":\([0-9]*\).*/\1/p" | sort -n | tail -1)
    until_it triage_ended "$r" # it was begun, and not followed
    run keel run label "$r" --trust --why 'our own test mail' --dry-run
    [ "$status" -eq 0 ]
    has "What the next one starts from would count as"
    run as_approver keel run label "$r" --trust --why 'our own test mail'
    [ "$status" -eq 0 ]
    run keel run label "$r" --trust --why 'our own test mail'
    [ "$status" -ne 0 ]
    has "that is no less"
    run keel run show "$r"
    has "counts as less than it has read"
}

@test "the things of the workspace" {
    run keel agent list
    has 'triage'
    run keel agent show triage
    has 'com.keel.triage'
    run keel connector list
    has 'com.keel.mailbox'
    run keel connector show com.keel.mailbox
    has 'message'
    shown=$output
    run keel connector show mailbox
    [ "$status" -eq 0 ]
    [ "$output" = "$shown" ]
    run keel connector show mailbx
    [ "$status" -eq 6 ]
    run keel connection list
    has 'inbox'
    run keel connection show inbx
    [ "$status" -eq 6 ]
    has 'Did you mean inbox?'
    run keel connection show inbox
    has 'source'
    run keel plugin list --json
    has '"id":"com.keel.mailbox"'
    run keel plugin show com.keel.mailbox
    has 'message.write: checkable'
    run keel approver list
    has 'operator'
    run keel unknown list
    [ "$status" -eq 0 ]
    run keel policy show
    has 'answers-ask'
    run keel policy list
    has 'policies/starter.yaml'
}

@test "a verdict needs a number, a verdict and a reason" {
    run keel unknown verdict x done --why y
    [ "$status" -eq 2 ]
    run keel unknown verdict 1 perhaps --why y
    [ "$status" -eq 2 ]
    run keel unknown verdict 1 done
    [ "$status" -eq 2 ]
    run keel unknown verdict 1 done --why 'seen in the outbox'
    [ "$status" -ne 0 ]
}

@test "halt parks what is new, resume lets it go on" {
    mail "$W.mail" 5 'Question 5'
    run keel halt --why 'a test'
    [ "$status" -eq 0 ]
    run keel
    has 'halted'
    has 'next: keel resume'
    run keel do triage --detach
    [ "$status" -eq 0 ]
    run keel inbox
    has 'Halted'
    run keel resume
    [ "$status" -eq 0 ]
    has 'Work goes on.'
    lacks ' 0 '
    for _ in $(seq 100); do
        run keel inbox --json
        [ -z "$output" ] || break
        sleep 0.05
    done
    has 'bea5@client.example'
}

@test "the log, whole, of one run, as JSON" {
    run keel logs --all
    [ "$status" -eq 0 ]
    has 'begins  triage'
    run keel logs --run 1
    has 'run 1'
    lacks 'run 2  '
    run keel logs --from 1 --json
    [ "$(field seq)" = 1 ]
    run keel logs --run x
    [ "$status" -eq 2 ]
    run timeout 1 keel logs -f
    [ "$status" -eq 124 ]
}

@test "a broken policy is refused with its place, and the old one stays" {
    cp policies/starter.yaml "$BATS_TEST_TMPDIR/good.yaml"
    sed -i 's/ask: {}/aks: {}/' policies/starter.yaml
    run keel policy check
    [ "$status" -eq 2 ]
    printf '%s\n' "$output" | grep -Eq 'starter.yaml:[0-9]+:[0-9]+: '
    run keel policy reload
    [ "$status" -eq 2 ]
    printf '%s\n' "$output" | grep -Eq 'starter.yaml:[0-9]+:[0-9]+: '
    cp "$BATS_TEST_TMPDIR/good.yaml" policies/starter.yaml
    run keel policy check
    [ "$status" -eq 0 ]
    run keel policy reload
    [ "$status" -eq 0 ]
}

@test "a denied first try prints the rule to add" {
    cp policies/starter.yaml "$BATS_TEST_TMPDIR/good.yaml"
    sed -i 's/allow: { agent: { in: \[correspondent\] } }/deny: { agent: { in: [correspondent] } }/' \
        policies/starter.yaml
    sed -i 's/on: inbox.message.write  /on: other.message.write/' policies/starter.yaml
    run keel policy check
    mail "$W.mail" 6 'Question 6'
    cat >policies/starter.yaml <<'YAML'
version: 1
rules:
  - id: triage-hands-over
    on: run.spawn
    agents: [triage]
    allow: {}
YAML
    run keel policy reload
    [ "$status" -eq 0 ]
    run keel do triage
    cp "$BATS_TEST_TMPDIR/good.yaml" policies/starter.yaml
    keel policy reload
    [ "$status" -eq 5 ]
    has 'Denied: inbox.message.write'
    has 'on: inbox.message.write'
    has 'agents:'
    run keel why "$(printf '%s\n' "$output" | sed -n 's/.*correspondent (\([0-9:.]*\)).*/\1/p')"
    [ "$status" -eq 0 ]
    has 'deny by rule none'
}

@test "a run is cancelled" {
    run keel run list --open --json
    open=$(field run)
    [ -n "$open" ]
    run keel run cancel "$open" --why 'not needed'
    [ "$status" -eq 0 ]
    run keel run show "$open"
    has 'cancelled'
    run keel run cancel 999
    [ "$status" -ne 0 ]
}

@test "the record is whole" {
    run keel audit verify
    [ "$status" -eq 0 ]
    printf '%s\n' "$output" | grep -Eq '^audit: [0-9]+ records verified$'
    run keel audit rebuild --check
    [ "$status" -eq 0 ]
    run keel audit rebuild
    [ "$status" -eq 2 ]
}

@test "doctor finds nothing at fault" {
    run keel doctor
    [ "$status" -eq 0 ]
    has 'ok    kernel       running'
    has ' 0 at fault'
}

@test "the passphrase is changed only with the old one" {
    run "$typist" 'with (new): ' 'another secret' 'again: ' 'another secret' 'of operator: ' wrong \
        'of operator: ' wrong 'of operator: ' wrong -- keel approver set
    [ "$status" -eq 4 ]
    run "$typist" 'with (new): ' 'another secret' 'again: ' 'another secret' 'of operator: ' "$secret" \
        -- keel approver set
    [ "$status" -eq 0 ]
}

@test "it is stopped and started, and everything is as it was" {
    run keel run list --json
    before=$output
    run keel down
    [ "$status" -eq 0 ]
    run keel
    has 'not running'
    run keel inbox
    [ "$status" -eq 0 ]
    run keel down
    [ "$status" -eq 1 ]
    has 'keel up'
    run keel up --detach
    [ "$status" -eq 0 ]
    run keel run list --json
    [ "$(printf '%s\n' "$before" | wc -l)" -eq "${#lines[@]}" ]
    [ "$(outbox)" -eq 3 ]
}
