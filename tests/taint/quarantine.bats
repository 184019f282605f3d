# A real agent in Lua, a real executor, a letter of a stranger: what comes out of a quarantine, what a run
# counts as having read, and what a person says of it.

bats_require_minimum_version 1.5.0
load helper

setup_file() {
    own_home
    export W=$BATS_FILE_TMPDIR/office
    office "$W"
    start_kernel "$W"
    cd "$W"
    "$typist" 'with (new): ' "$secret" 'again: ' "$secret" -- keel approver set >&2
}

teardown_file() {
    stop_kernel "$W"
}

setup() {
    own_home
    cd "$W"
}

# the_rules RULES: in force.
the_rules() {
    printf 'version: 1\nrules:\n%s\n' "$1" >policies/office.yaml
    keel policy reload
}

THIRD='  - { id: two-of-three, on: "*.*.write", when: { tainted: true, sensitivity: { gte: confidential },
      sink: external }, ask: {} }'
WRITES='  - { id: letters, on: post.letter.write, allow: {} }'
SPAWNS='  - { id: sorting, on: run.spawn, allow: {} }'
ENDORSES='  - id: sorting
    on: run.spawn
    allow: { agent: { in: [sorter] } }
    endorse: { kind: { enum: [lead, invoice] }, urgent: bool, sum: { number: [0, 1000], decimals: 2, optional: true } }'

# newest AGENT: the number of its last run.
newest() {
    keel run list --json | grep "\"agent\":\"$1\"" | tail -1 | sed 's/.*"run":\([0-9]*\).*/\1/'
}

# own_records RUN: those of its children are shown with it, and are not its own.
own_records() {
    keel run show "$1" --json | grep "\"run\":$1,\"seq\""
}

@test "an agent that reads a stranger's letter asks before anything leaves" {
    the_rules "$WRITES
$THIRD"
    run keel do clerk read=true
    [ "$status" -eq 3 ]
    run keel run show 1
    has 'has read untrusted, confidential text'
    run keel why 1
    has 'rule two-of-three'
    has 'tainted is true'
    has 'sensitivity is "confidential", at least "confidential"'
}

@test "what comes out of a quarantine taints, and so it asks" {
    the_rules "$WRITES
$SPAWNS
$THIRD"
    run keel do clerk
    [ "$status" -eq 3 ]
}

@test "a rule that endorses the schema lets it through, and nobody else" {
    the_rules "$WRITES
$ENDORSES
$THIRD"
    run keel do clerk
    [ "$status" -eq 0 ]
    has 'lead'
    run keel run show "$(newest clerk)"
    lacks untrusted
    has 'has read confidential text'
    lacks 'evil'
}

@test "no word of the child comes out, neither by a result nor by an error" {
    the_rules "$WRITES
$ENDORSES
$THIRD"
    for how in text error digits extra; do
        run keel do clerk how="$how" stop=true
        [ "$status" -eq 0 ]
        has 'quarantine'
        number=$(newest clerk)
        run own_records "$number"
        has '"kind":"woken"'
        lacks 'evil'
    done
    run keel run show "$(newest sorter)"
    has 'evil'
}

@test "an open type is refused at the spawn, and the field is named" {
    run keel do clerk open=true
    has 'returns/name: a text is open'
    run keel do clerk loose=true
    has 'quarantine = true needs returns'
}

@test "what is given counts as what you say it is" {
    keel do idle nothing=true
    run keel run show "$(newest idle)"
    lacks 'has read'
    keel do idle nothing=true --untrusted --sensitivity restricted
    run keel run show "$(newest idle)"
    has 'has read untrusted, restricted text'
    run -2 keel do idle nothing=true --sensitivity restrictd
    has 'did you mean restricted?'
}

shows() {
    keel run show "$1" | grep -q "$2"
}

@test "a person lowers a label with the passphrase, and says why" {
    the_rules "$WRITES
$THIRD"
    keel do clerk waits=true --detach
    run_of=$(newest clerk)
    # A label is lowered for the run as it was looked at: it must not move meanwhile.
    until_it shows "$run_of" 'waits for an event'
    run -2 keel run label "$run_of" --trust
    has 'no reason is given'
    run -2 keel run label "$run_of" --why read
    has 'not said what is lowered'
    run -2 keel run label "$run_of" --sensitivity secret --why read
    run -4 keel run label "$run_of" --trust --why read --no-input
    has 'needs the passphrase'
    run as_approver keel run label "$run_of" --trust --sensitivity internal --why 'it is our own form'
    [ "$status" -eq 0 ]
    has 'counts as trusted and internal'
    run keel run show "$run_of"
    has 'counts as less than it has read'
    has 'it is our own form'
    lacks 'has read untrusted'
    keel run send "$run_of" go
    for _ in $(seq 100); do
        keel run show "$run_of" | grep -q ': ended' && break
        sleep 0.1
    done
    run keel run show "$run_of"
    has ': ended'
}
