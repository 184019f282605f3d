# Follows a page of documentation as its reader does: writes the files that it prints, types the
# commands that it prints, and looks for what it says they print.
#
#   <!-- file: PATH -->   the fence that follows is this file
#   ```console            "$ " begins a command, "> " goes on with it; the other lines are printed
#
# Everything runs on a terminal, and whoever is asked for a passphrase types one. In what is printed
# `...` and the ellipsis stand for anything; times, durations, ids, digests and the six words of an
# approval are not compared, nor where a table cuts a cell, nor the order of lines.

page_root=${KEEL_ROOT:-$BATS_TEST_DIRNAME/../..}

# page_parts PAGE HEADING FOLDER: the files and commands under that heading as FOLDER/NNN.KIND, with
# a file's path or a command in its first line.
page_parts() {
    awk -v heading="$2" -v folder="$3" '
        function part(kind) { out = sprintf("%s/%03d.%s", folder, ++parts, kind) }
        /^```/ && fence == "" {
            fence = $0
            if (on && path != "") { part("file"); print path >out }
            path = ""
            next
        }
        /^```/ { if (out != "") close(out); fence = out = ""; next }
        fence == "" && /^#+ / {
            level = index($0, " ") - 1
            if (on && level <= depth) exit
            if (substr($0, level + 2) == heading) { on = 1; depth = level }
        }
        fence == "" && /^<!-- file: / { path = $3 }
        !on || fence == "" { next }
        fence == "```console" && /^\$ / { if (out != "") close(out); part("command"); print substr($0, 3) >out; next }
        fence == "```console" && /^> / && more { print substr($0, 3) >out; next }
        out != "" { print >out }
        { more = /^\$ .*\\$/ }' "$1"
    [ -e "$3/001.file" ] || [ -e "$3/001.command" ] || {
        echo "$1 has nothing under \"$2\"" >&2
        return 1
    }
}

# What differs from one day, machine and workspace to the next.
page_normal() {
    sed -E -e 's/\r//g' -e "s,$HOME,/home/ada,g;s/\\b$(id -un)@/ada@/" \
        -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}( at)? [0-9]{2}:[0-9]{2}:[0-9]{2}/TIME/g' \
        -e 's/[0-9]{2}:[0-9]{2}:[0-9]{2}/TIME/g' -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}/DAY/g' \
        -e 's/[0-9a-f]{12,}/ID/g' -e 's/process [0-9]+/process N/g' \
        -e 's/[0-9]+ (us|ms|s|min|h)\b/SPAN/g' -e 's/SPAN( SPAN)+/SPAN/g' \
        -e 's/[0-9]+ (records|signed)/N \1/g' -e 's/\b[0-9.,]+ (k?B|bytes)/N bytes/g' \
        -e 's/(signs|approved) +([a-z]+ ){5}[a-z]+/\1 WORDS/' \
        -e 's/[^ ]*…/…/g' -e 's/  +/ /g' -e 's/ +$//'
}

# page_printed EXPECTED ACTUAL: each line of EXPECTED stands somewhere in ACTUAL.
page_printed() {
    local want line found missing=0
    while IFS= read -r want; do
        [ -n "$want" ] || continue
        want=$(printf '%s' "$want" | sed -e 's/[][*?\\]/\\&/g' -e 's/…/*/g' -e 's/\.\.\./*/g')
        found=
        while IFS= read -r line; do
            # shellcheck disable=SC2053
            [[ $line != $want ]] || found=yes
        done <<<"$2"
        [ -n "$found" ] || { echo "  not printed: $want" >&2; missing=1; }
    done <<<"$1"
    return $missing
}

# What a person types when this command asks.
page_answers() {
    case $1 in
    'keel init '*) answers=('Own domains: ' studio.example
        'Sender [' 'Ada Owner <ada@studio.example>' 'Currency [EUR]: ' '' 'Time zone [' Europe/Madrid
        'with (new): ' "$secret" 'again: ' "$secret") ;;
    'keel approver set'*) answers=('with (new): ' "$secret" 'again: ' "$secret") ;;
    'keel approve '*) answers=('Passphrase of operator: ' "$secret") ;;
    *) answers=() ;;
    esac
}

# Whoever reads takes longer than it takes to do what was approved: the next command shows it done.
page_done() {
    local _ out="SELECT 1 FROM effect WHERE state IN ('intended', 'retry', 'unknown', 'reconciling')"
    for _ in $(seq 300); do
        [ -n "$(sqlite3 .keel/keel.db "$out LIMIT 1")" ] || return 0
        sleep 0.1
    done
    echo 'what was approved is not done' >&2
    return 1
}

# page_run COMMAND: 0, 3 and 5 are ends that a page shows (done, waits for a person, denied).
page_run() {
    local answers code=0
    case $1 in
    'cd '* | 'export '* | 'PATH='*)
        eval "$1"
        return
        ;;
    esac
    page_answers "$1"
    # A page shows what is printed: the inbox fills no screen here.
    TERM=dumb "$typist" "${answers[@]}" -- bash -c "$1" || code=$?
    case $code in
    0 | 3 | 5) ;;
    *) return "$code" ;;
    esac
    case $1 in
    'keel approve '*) page_done ;;
    esac
}

# page_part FILE
page_part() {
    local first
    first=$(sed -n 1p "$1")
    case $1 in
    *.file)
        mkdir -p "$(dirname "$first")"
        sed 1d "$1" >"$first"
        return
        ;;
    esac
    while [ "${first%\\}" != "$first" ]; do
        sed -i 1d "$1"
        first="${first%\\}$(sed -n 1p "$1")"
    done
    for _ in $(seq "$(page_tries "$first")"); do
        page_shows "$first" "$(sed 1d "$1" | page_normal)" 2>"$BATS_TEST_TMPDIR/lacks" && return 0
        sleep 0.1
    done
    cat "$BATS_TEST_TMPDIR/lacks" >&2
    return 1
}

# page_shows COMMAND LINES: it prints them.
page_shows() {
    local code=0 said
    page_run "$1" >"$BATS_TEST_TMPDIR/said" 2>&1 || code=$?
    if [ "$code" -ne 0 ]; then
        printf '$ %s\nended with %d:\n' "$1" "$code" >&2
        cat "$BATS_TEST_TMPDIR/said" >&2
        return 1
    fi
    said=$(page_normal <"$BATS_TEST_TMPDIR/said")
    page_printed "$2" "$said" || {
        printf '$ %s\nprinted:\n%s\n' "$1" "$said" >&2
        return 1
    }
}

# page_tries COMMAND: who reads is quicker than a shell. What only looks may look again, until what was
# signed a moment ago is done.
page_tries() {
    case $1 in
    'keel costs'* | 'keel why'* | 'keel run show'* | 'keel unknown list'* | 'cat '* | 'ls '*) echo 100 ;;
    *) echo 1 ;;
    esac
}

# follow PAGE HEADING: from where the last heading left the reader.
follow() {
    local parts=$BATS_TEST_TMPDIR/parts part
    [ ! -f "$BATS_FILE_TMPDIR/place" ] || cd "$(cat "$BATS_FILE_TMPDIR/place")" || return
    mkdir -p "$parts"
    page_parts "$page_root/$1" "$2" "$parts" || return
    for part in "$parts"/*; do
        page_part "$part" || return
    done
    pwd >"$BATS_FILE_TMPDIR/place"
}
