# What the tests of the command line share. Run by `./dev test --only e2e`, which puts `keel` into PATH
# and names the build in KEEL_BUILD.

typist=${KEEL_BUILD:?"run these tests by ./dev test --only e2e"}/tests/tools/typist
secret='correct horse battery'

# A home of its own for each test file: no test sees the user's files, or another file's.
own_home() {
    export HOME=$BATS_FILE_TMPDIR/home XDG_STATE_HOME=$BATS_FILE_TMPDIR/state TZ=UTC LC_ALL=C.UTF-8 NO_COLOR=1
    unset EMAIL MAIL COLUMNS VISUAL EDITOR
    mkdir -p "$HOME"
}

# mail FOLDER N SUBJECT: message N from a client with a question, in a Maildir.
mail() {
    mkdir -p "$1/new" "$1/cur" "$1/tmp"
    cat >"$1/new/100$2.a.host" <<MAIL
From: Bea Client <bea$2@client.example>
To: Ada <ada@studio.example>
Subject: $3
Date: Mon, 02 Nov 2026 10:0$2:00 +0000
Message-ID: <m$2@client.example>
Content-Type: text/plain; charset=utf-8

Dear Ada,

could you send me a quote for a website with five pages?

Bea
MAIL
}

# workspace FOLDER: a workspace with four messages and an approver, made as a person makes it.
workspace() {
    for n in 1 2 3 4; do
        mail "$1.mail" "$n" "Question $n"
    done
    "$typist" 'with (new): ' "$secret" 'again: ' "$secret" -- keel init "$1" --from "$1.mail" \
        --own-domain studio.example --sender 'Ada Owner <ada@studio.example>' --currency EUR \
        --timezone Europe/Madrid
}

# Types the passphrase when it is asked for; the rest is the command.
as_approver() {
    "$typist" 'Passphrase of operator: ' "$secret" -- "$@"
}

# Ends a kernel that a failed test has left: by the process id that it told.
stop_kernel() {
    if keel -C "$1" down >/dev/null 2>&1; then
        return 0
    fi
    pid=$(sed -n 's/.*"pid":\([0-9]*\).*/\1/p' "$1/.status" 2>/dev/null)
    [ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || true
}

# start_kernel FOLDER
start_kernel() {
    keel -C "$1" --json up --detach >"$1/.status"
}

is_gone() {
    ! kill -0 "$1"
}

# kill_kernel FOLDER: kill -9, until it is gone: what is being killed may hold the workspace a little longer.
kill_kernel() {
    pid=$(sed -n 's/.*"pid":\([0-9]*\).*/\1/p' "$1/.status")
    kill -9 "$pid"
    until_it is_gone "$pid"
}

# until_it COMMAND...: holds within 20 s.
until_it() {
    for _ in $(seq 200); do
        if "$@" >/dev/null 2>&1; then
            return 0
        fi
        sleep 0.1
    done
    printf 'never: %s\n' "$*" >&2
    return 1
}

before_midnight() {
    [ "$(date -u +%H%M%S)" -lt 235945 ]
}

# same_day: what is counted by the day does not begin anew in the middle of a file that takes a few seconds.
same_day() {
    until_it before_midnight
}

# reads TEXT FILE...: what they hold together. A signature is told before its effect is done.
reads() {
    [ "$(cat "${@:2}")" = "$1" ]
}

# The last line of stderr and stdout together, as bats keeps them.
has() {
    case $output in
    *"$1"*) return 0 ;;
    esac
    printf 'no "%s" in:\n%s\n' "$1" "$output" >&2
    return 1
}

lacks() {
    case $output in
    *"$1"*)
        printf '"%s" in:\n%s\n' "$1" "$output" >&2
        return 1
        ;;
    esac
}
