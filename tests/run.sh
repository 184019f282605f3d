# The test runner: read by ./dev, which brings root, the builds and say/die. Every suite leaves TAP
# in a folder of its own; what counts are its lines, never an exit code alone.

suites='build unit policy approvals backtest taint abi faults sandbox lint fuzz secrets author e2e mail'

suite_about() {
    case $1 in
    build) say 'gcc, gcc with ASan and UBSan, and clang build it without a warning' ;;
    unit) say 'tables of input and output, under ASan and UBSan' ;;
    policy) say 'policies good and bad: the compiler, the JSON Schema and a real editor agree' ;;
    abi) say 'plugins good and bad against the executor and the Lua host, as they ship' ;;
    faults) say 'power cuts at every write, kill -9 at every failpoint' ;;
    sandbox) say 'hostile scripts and libraries, as they ship' ;;
    secrets) say 'a canary, looked for in every form and every place but its own' ;;
    author) say 'making, testing and working on plugins, as an author does it' ;;
    approvals) say 'what a person sees of hostile payloads, what a signature is bound to, who may sign' ;;
    backtest) say 'other policies over what was recorded, and how a policy is tested and changed' ;;
    taint) say 'what a run has read goes with it, and what comes out of a quarantine' ;;
    lint) say 'sizes, layers, exported symbols, format, static analysis' ;;
    fuzz) say 'every fuzz target over its corpus, then five seconds more' ;;
    e2e) say 'the command line as a person uses it, and the demo' ;;
    mail) say 'a mail account on a real exim and Dovecot, which are killed in mid-send' ;;
    esac
}

list_suites() {
    for s in $suites; do
        printf '%-9s %s\n' "$s" "$(suite_about "$s")"
    done
}

# tap_build FOLDER: one test per build.
tap_build() {
    for kind in plain asan clang; do
        say '1..1' >"$1/$kind"
        if "build_$kind" >"$1/$kind.talk" 2>&1; then
            say "ok 1 - it builds" >>"$1/$kind"
        else
            say "not ok 1 - it builds" >>"$1/$kind"
        fi
        say 0 >"$1/$kind.exit"
    done
}

# tap_meson FOLDER SUITE BUILD: the programs that meson knows of that suite.
tap_meson() {
    names=$(meson test -C "$3" --no-rebuild --list --suite "$2" 2>/dev/null |
        grep -vc -e '^ninja:' -e '^No ') || :
    [ "$names" -gt 0 ] || return 0
    KEEL_TAP=$1 meson test -C "$3" --no-rebuild --suite "$2" --timeout-multiplier 3 --quiet \
        --wrapper "sh $KEEL_ROOT/tests/tools/tap.sh" >"$1/.meson" 2>&1 || :
    found=$(find "$1" -name '*.exit' | wc -l)
    if [ "$found" -lt "$names" ]; then
        say "  $((names - found)) of $names programs did not start or did not end:" >>"$details"
        grep -E 'TIMEOUT|ERROR|FAIL' "$1/.meson" | sed 's/^/    /' >>"$details" || :
    fi
    # A program that was killed left its TAP without an exit: it is counted there. One that never
    # started left nothing.
    begun=$(find "$1" -type f ! -name '*.exit' ! -name '*.talk' ! -name '.*' | wc -l)
    say $((names - begun)) >"$1/.lost"
}

# tap_command FOLDER NAME COMMAND...
tap_command() {
    folder=$1
    name=$2
    shift 2
    code=0
    "$@" >"$folder/$name" 2>"$folder/$name.talk" || code=$?
    say "$code" >"$folder/$name.exit"
}

# tap_bats FOLDER FILE...: with what was built, four files at a time: they mostly wait.
tap_bats() {
    into=$1
    shift
    for file in "$@"; do
        [ ! -f "$file" ] || printf '%s\n' "$file"
    done | PATH="$KEEL_ROOT/build/root/bin:$PATH" KEEL_BUILD="$KEEL_ROOT/build" xargs -P 4 -I FILE sh -c '
        code=0
        name=$(basename "$2")
        bats --tap "$2" >"$1/$name" 2>"$1/$name.talk" || code=$?
        echo "$code" >"$1/$name.exit"' sh "$into" FILE
}

# tap_policy FOLDER: what reads policies besides the compiler runs in node.
tap_policy() {
    tap_meson "$1" policy build
    for script in schema editor; do
        KEEL_BUILD="$KEEL_ROOT/build" tap_command "$1" "$script" sh tests/policy/node.sh "$script.mjs"
    done
    tap_bats "$1" tests/policy/*.bats
}

# tap_approvals FOLDER: cards and the kernel in memory, then the command itself.
tap_approvals() {
    tap_meson "$1" approvals build
    tap_bats "$1" tests/approvals/*.bats
}

# tap_taint FOLDER: the kernel in memory, and real agents over a real one.
tap_taint() {
    tap_meson "$1" taint build
    tap_bats "$1" tests/taint/*.bats
}

# tap_suite FOLDER SUITE
tap_suite() {
    case $2 in
    build) tap_build "$1" ;;
    unit) tap_meson "$1" unit build-asan ;;
    lint) [ ! -f tests/lint/run.sh ] || tap_command "$1" lint sh tests/lint/run.sh build ;;
    fuzz) tap_command "$1" fuzz sh tests/fuzz/run.sh build-fuzz 5 ;;
    secrets) tap_bats "$1" tests/secrets/*.bats ;;
    policy) tap_policy "$1" ;;
    approvals) tap_approvals "$1" ;;
    taint) tap_taint "$1" ;;
    backtest) tap_bats "$1" tests/backtest/*.bats ;;
    author) tap_bats "$1" tests/author/*.bats ;;
    e2e) tap_bats "$1" tests/e2e/*.bats ;;
    mail) tap_bats "$1" tests/services/mail*.bats ;;
    *) tap_meson "$1" "$2" build ;;
    esac
}

# What a suite needs before it can run; the whole run has the builds as a suite of their own.
prepare_suite() {
    case $1 in
    build) return 0 ;;
    unit) build_asan ;;
    fuzz) build_fuzz ;;
    *) build_plain ;;
    esac
}

# count_suite FOLDER: "PASSED FAILED" over all programs; details of failures go to $details.
count_suite() {
    for file in "$1"/*; do
        case $file in
        *.exit | *.talk | *'/*') continue ;;
        esac
        name=$(basename "$file")
        awk -v name="${name%.??????}" -v code="$(cat "$file.exit" 2>/dev/null)" \
            -v details="$1/.faults" -f tests/tools/tap.awk "$file" >"$1/.count"
        cat "$1/.count"
        if [ -s "$1/.faults" ]; then
            cat "$1/.faults" >>"$details"
            tail -n 30 "$file.talk" 2>/dev/null | sed 's/^/    | /' >>"$details"
            rm -f "$1/.faults"
        fi
    done | awk -v lost="$(cat "$1/.lost" 2>/dev/null)" \
        '{ p += $1; f += $2 } END { print p + 0, f + lost }'
}

# run_suite SUITE: adds to passed and failed.
run_suite() {
    folder=$work/$1
    mkdir -p "$folder"
    began=$(date +%s)
    : >"$details"
    if [ "$prepared" ] || prepare_suite "$1" >"$folder/.build" 2>&1; then
        tap_suite "$folder" "$1"
    else
        { say "  $1: what it needs does not build"; tail -n 40 "$folder/.build"; } >>"$details"
    fi
    counts=$(count_suite "$folder")
    p=${counts% *}
    f=${counts#* }
    if [ $((p + f)) -eq 0 ]; then
        say "  $1: ran no test" >>"$details"
        f=1
    fi
    printf '%-9s %5d passed %4d failed  %4d s\n' "$1" "$p" "$f" $(($(date +%s) - began))
    [ "$f" -eq 0 ] || cat "$details"
    passed=$((passed + p))
    failed=$((failed + f))
}

# Kernels and servers are mostly waited for: in a whole run these suites go on beside the others, one
# after the other, from when their programs are built.
beside='mail e2e author secrets'

begin_beside() {
    prepared=yes # two of ninja in one folder would be one too many
    for s in $beside; do
        details=$work/$s.details
        passed=0
        failed=0
        run_suite "$s" >"$work/$s.said"
        echo "$passed $failed" >"$work/$s.counts"
    done &
    beside_pid=$!
    prepared=
}

# end_beside SUITE: adds to passed and failed; one that was cut off has failed.
end_beside() {
    while [ ! -s "$work/$1.counts" ] && kill -0 "$beside_pid" 2>/dev/null; do
        sleep 0.5
    done
    counts=$(cat "$work/$1.counts" 2>/dev/null) || counts='0 1'
    cat "$work/$1.said"
    passed=$((passed + ${counts% *}))
    failed=$((failed + ${counts#* }))
}

run_tests() {
    chosen=$suites
    while [ $# -gt 0 ]; do
        case $1 in
        --list) list_suites && return 0 ;;
        --only)
            chosen=${2:-}
            case " $suites " in
            *" $chosen "*) [ -n "$chosen" ] || die "dev: --only takes the name of a suite" ;;
            *) die "dev: there is no suite \"$chosen\"; there are: $suites" ;;
            esac
            shift
            ;;
        *) die "dev: test takes --only SUITE or --list, not \"$1\"" ;;
        esac
        shift
    done
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' INT TERM
    details=$work/details
    export ASAN_OPTIONS=abort_on_error=0:exitcode=86:detect_stack_use_after_return=1
    export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 LC_ALL=C.UTF-8
    passed=0
    failed=0
    beside_pid=
    prepared=
    for suite in $chosen; do
        case "$beside_pid $beside " in
        [0-9]*" $suite "*) end_beside "$suite" ;;
        *) run_suite "$suite" ;;
        esac
        [ "$chosen" = "$suites" ] && [ "$suite" = build ] && [ "$failed" -eq 0 ] && begin_beside
    done
    say "$passed passed, $failed failed"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
