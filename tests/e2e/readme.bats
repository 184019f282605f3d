# The first page, followed as it is printed: its commands, and what it says they print.

load helper
load pages

setup_file() {
    own_home
    export W=$HOME/studio
    rm -rf "$W"
    (cd "${KEEL_ROOT:-$BATS_TEST_DIRNAME/../..}" && pwd) >"$BATS_FILE_TMPDIR/place"
}

teardown_file() {
    stop_kernel "$W"
}

setup() {
    own_home
    page=$page_root/README.md
}

@test "the first five minutes" {
    follow README.md 'The first five minutes'
    [ "$(find "$W/outbox" -type f | wc -l)" -eq 2 ]
    grep -rqx 'Subject: Re: 350 g is fine' "$W/outbox"
    ! grep -rq 'carl@builder.example' "$W/outbox"
}

@test "the chain is verified by a few lines of another language" {
    command -v python3 >/dev/null
    echo "$W" >"$BATS_FILE_TMPDIR/place"
    follow runtime/README.md 'The chain'
    cd "$W"
    mine=$(python3 verify.py .keel/keel.db)
    [ "audit: $mine" = "$(keel audit verify 2>/dev/null)" ]
    sqlite3 .keel/keel.db ".backup $BATS_TEST_TMPDIR/other.db"
    sqlite3 "$BATS_TEST_TMPDIR/other.db" 'UPDATE journal SET at = at + 1 WHERE seq = 9'
    run python3 verify.py "$BATS_TEST_TMPDIR/other.db"
    [ "$status" -ne 0 ]
    has 'record 9: the chain does not hold'
}

@test "every command of ./dev that a page names is one" {
    for name in $(grep -oh '\./dev [a-z]*' "$page_root"/*.md "$page_root"/*/README.md \
        "$page_root"/examples/*/README.md | cut -d ' ' -f 2 | sort -u); do
        "$page_root/dev" help | grep -q "^  \./dev $name" || { echo "./dev $name" >&2; return 1; }
    done
}

@test "every command of keel that a page names is one" {
    grep -oh '`keel [a-z][a-z -]*' "$page_root"/*.md "$page_root"/*/README.md \
        "$page_root"/*/*/README.md | tr -d '`' | sort -u >"$BATS_TEST_TMPDIR/named"
    while read -r _ first second _; do
        keel help "$first" >/dev/null || { echo "keel $first" >&2; return 1; }
        case $first in
        run | unknown | agent | connector | connection | plugin | policy | approver | audit)
            [ -z "$second" ] || keel help "$first" "$second" >/dev/null ||
                { echo "keel $first $second" >&2; return 1; }
            ;;
        esac
    done <"$BATS_TEST_TMPDIR/named"
}

@test "every link to a file leads to one" {
    for file in "$page_root"/*.md "$page_root"/*/README.md "$page_root"/*/*/README.md; do
        grep -oE '\]\([^)#]+' "$file" | cut -c 3- | grep -v '^https:' | while read -r link; do
            [ -e "$(dirname "$file")/$link" ] || { echo "$file: $link" >&2; exit 1; }
        done
    done
}

@test "the numbers that it names are those that the bench gives" {
    for name in $(sed -n '/^<!-- bench -->/,/^<!-- \/bench -->/p' "$page" | grep -o '`[a-z0-9_]*`' |
        tr -d '`'); do
        grep -rq "\"$name\"" "$page_root"/tests/bench || { echo "$name" >&2; return 1; }
    done
}
