# Finding one's way without a workspace: help, suggestions, exit codes.

load helper

setup_file() {
    own_home
}

setup() {
    own_home
    cd "$BATS_TEST_TMPDIR"
}

commands='init up down do inbox approve deny answer override why can costs budget halt resume run unknown agent notify
    connector
    connection policy plugin approver audit doctor logs torture help backup restore rollback replay stuck'

@test "keel alone outside of a workspace says how to start" {
    run keel
    [ "$status" -eq 0 ]
    has 'keel init'
}

@test "the overview names every command" {
    run keel help
    [ "$status" -eq 0 ]
    for c in $commands; do
        printf '%s\n' "$output" | grep -Eq "^  $c  *[a-z]" || { echo "no $c" >&2; return 1; }
    done
}

@test "help of every command begins with an example of it" {
    for c in $commands; do
        run keel help "$c"
        [ "$status" -eq 0 ]
        case ${lines[0]} in
        "  keel $c"*) ;;
        *) echo "$c: ${lines[0]}" >&2; return 1 ;;
        esac
    done
}

@test "-h and help say the same" {
    run keel approve -h
    first=$output
    run keel help approve
    [ "$first" = "$output" ]
    run keel run show --help
    first=$output
    run keel help run show
    [ "$first" = "$output" ]
}

@test "every example in the help is a command line that is understood" {
    for c in $commands; do
        keel help "$c" | sed -n '/^$/q;s/^  \(keel .*\)/\1/p' | while read -r _ name rest; do
            case $rest in *'&&'*) continue ;; esac
            eval "run_words=($rest)"
            out=$(keel "$name" "${run_words[@]}" -h 2>&1) || { echo "$name $rest: $out" >&2; exit 1; }
        done
    done
}

@test "exit codes have a page" {
    run keel help exit-codes
    [ "$status" -eq 0 ]
    for code in 0 1 2 3 4 5 6 130; do
        printf '%s\n' "$output" | grep -Eq "^ +$code  "
    done
}

@test "the words have a page" {
    run keel help words
    [ "$status" -eq 0 ]
    has 'effect'
    has 'approval'
}

@test "the version is told" {
    run keel --version
    [ "$status" -eq 0 ]
    [[ $output =~ ^keel\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}

@test "a command that does not exist, with the nearest that does" {
    run keel inbx
    [ "$status" -eq 2 ]
    has 'Did you mean `keel inbox`?'
    run keel polciy check
    [ "$status" -eq 2 ]
    has 'keel policy'
}

@test "a verb that does not exist" {
    run keel run lst
    [ "$status" -eq 2 ]
    has 'Did you mean `keel run list`?'
    run keel agent frobnicate
    [ "$status" -eq 2 ]
    has 'keel help agent'
}

@test "an option that does not exist" {
    run keel inbox --jsn
    [ "$status" -eq 2 ]
    has 'Did you mean --json?'
    run keel inbox -Z
    [ "$status" -eq 2 ]
}

@test "help for what does not exist" {
    run keel help exit-code
    [ "$status" -eq 2 ]
    has 'keel help exit-codes'
    run keel help run shw
    [ "$status" -eq 2 ]
    has 'keel run show'
}

@test "too few and too many words show the usage" {
    run keel do
    [ "$status" -eq 2 ]
    has 'Usage: keel do AGENT'
    run keel down now
    [ "$status" -eq 2 ]
    has '"now"'
}

@test "outside of a workspace every command says what to do, with the same code" {
    for c in up down 'do triage' inbox 'approve 1' 'why 1' 'can triage' costs 'halt --why x' resume \
        'run list' 'unknown list' 'agent list' 'connector list' 'connection list' 'policy check' \
        'plugin list' 'approver list' 'secret list' 'audit verify' logs; do
        # shellcheck disable=SC2086
        run keel $c
        [ "$status" -eq 6 ] || { echo "$c: $status $output" >&2; return 1; }
        has 'keel init'
    done
}

@test "a folder named with --workspace that is none" {
    run keel --workspace /nowhere inbox
    [ "$status" -ne 0 ]
    has '/nowhere'
}

@test "doctor checks the machine where there is no workspace" {
    run keel doctor
    [ "$status" -eq 0 ]
    has 'SQLite'
    has 'seccomp'
    has 'not in a workspace'
    run keel doctor --json -q
    printf '%s\n' "$output" | while read -r line; do
        case $line in
        '{"check":'*'"health":"'*) ;;
        *) echo "$line" >&2; exit 1 ;;
        esac
    done
}

@test "nothing is coloured where no terminal is" {
    run env -u NO_COLOR keel help
    lacks $'\033'
    run env -u NO_COLOR "$typist" -- keel help
    has $'\033'
    run "$typist" -- env NO_COLOR=1 keel help
    lacks $'\033'
}

@test "a reader that goes away is no failure" {
    set -o pipefail
    keel help | head -n 1 >/dev/null
}

@test "an output that cannot be written is one" {
    run sh -c 'keel help >/dev/full'
    [ "$status" -eq 1 ]
    has 'cannot be written'
}
