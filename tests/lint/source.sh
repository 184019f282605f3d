# Checks that read the source and nothing else. Sourced by run.sh, which brings root, lint and work.
# shellcheck shell=sh

# sources ENDING...: the project's own files, one a line.
sources() {
    for ending in "$@"; do
        find runtime sdk plugins examples tests policies -type f -name "*.$ending" \
            ! -path '*/node_modules/*' ! -path '*/.keel/*' 2>/dev/null
    done | sort
}

scripts() {
    { echo dev; sources sh; } | while read -r f; do
        [ ! -f "$f" ] || echo "$f"
    done
}

check_size() {
    { sources c h lua sql awk; scripts; } | while read -r f; do
        lines=$(wc -l <"$f")
        if [ "$lines" -ge 400 ] && ! head -n 6 "$f" | grep -q 'long: .'; then
            echo "$f:$lines: the file has $lines lines, and 399 are enough"
        fi
    done
    sources c h | xargs awk -v limit=60 -f "$lint/functions.awk"
}

check_layers() {
    sources c h | xargs awk -f "$lint/layers.awk"
}

tab=$(printf '\t')

check_blanks() {
    { sources c h lua sql awk yaml json md bats; scripts; find . -name meson.build \
        ! -path './build*'; } | grep -v '^tests/policy/corpus/bad/yaml_tab' |
        xargs grep -nE "$tab| +\$" 2>/dev/null |
        sed 's/$/|/' | grep -vE '\.md:[0-9]+:.*[^ ]  \|$' | cut -c1-100
}

check_unfinished() {
    { sources c h lua sql awk yaml bats; scripts; } | grep -v '^tests/lint/' |
        xargs grep -nwE 'TODO|FIXME|XXX|HACK|not implemented yet' | cut -c1-120
}

# Folders that exist on one machine only, this one's among them.
check_places() {
    here=$(printf '%s' "$root" | sed 's/[].[*^$\\]/\\&/g')
    pattern="$here|/User""s/|/w""ork/|(^|[^A-Za-z0-9_.}])/ro""ot/[a-z.]"
    case ${HOME:-/} in
    / | /root | /home/ada) ;;
    *) pattern="$pattern|$HOME/" ;;
    esac
    { sources c h lua sql awk yaml json md bats txt; scripts; find . -name meson.build \
        ! -path './build*'; ls ./*.md .ci/* 2>/dev/null; } | grep -v '/sdk/abi/' |
        xargs grep -nE "$pattern" 2>/dev/null | cut -c1-120
    host=$(uname -n)
    case $host in
    localhost | ??? | ?? | ?) ;;
    *)
        { sources c h lua yaml md; } | xargs grep -nwF -- "$host" | cut -c1-120 >"$work/host"
        # a machine called "server" or "agent": such a word is all over, and no trace of it
        [ "$(wc -l <"$work/host")" -gt 20 ] || cat "$work/host"
        ;;
    esac
}

# A statement is a literal. What is printed into a buffer or joined is none.
check_sql() {
    sources c | grep -v '^tests/' | xargs awk -f "$lint/sql.awk"
}

# Records are added in one place, and leave in two: archive.c moves the oldest into a file, erase.c drops
# bodies. Nobody else may touch them.
check_journal() {
    { sources c sql; } | grep '^runtime/' | grep -v '^runtime/store/archive\.c$' |
        xargs grep -niE 'insert[a-z ]* into journal\b' >"$work/journal"
    count=$(wc -l <"$work/journal")
    if [ "$count" -ne 1 ]; then
        echo "$count places insert into the journal, and there is to be one:"
        cat "$work/journal"
    fi
    sources c sql | grep '^runtime/' | grep -v -e '^runtime/store/archive\.c$' -e '^runtime/store/erase\.c$' |
        xargs grep -niE '(update|delete from) +journal\b'
}

# keys_in_code FILE TABLE: the first strings of the table's lines that have a reader.
keys_in_code() {
    awk -v table="$2\\\\[\\\\] = " '
        $0 ~ "^} " table { on = 1 }
        on && /^};/ { exit }
        on { line = $0
             while (match(line, /\{"[a-z_]+", [A-Za-z_]+/)) {
                 item = substr(line, RSTART, RLENGTH)
                 if (item !~ /NULL$/) { split(item, part, "\""); print part[2] }
                 line = substr(line, RSTART + RLENGTH)
             } }' "$1" | sort
}

keys_in_schema() {
    awk '/^  "properties": \{/ { on = 1; next }
         on && /^  \}/ { exit }
         on && /^    "[a-z_]+": \{/ { split($0, part, "\""); print part[2] }' "$1" | sort
}

check_schemas() {
    for pair in keel:workspace_read.c:top manifest:manifest.c:keys service:service.c:keys; do
        schema=sdk/schema/${pair%%:*}.schema.json
        rest=${pair#*:}
        keys_in_code "runtime/host/${rest%:*}" "${rest#*:}" >"$work/code"
        keys_in_schema "$schema" >"$work/schema"
        [ -s "$work/code" ] || echo "runtime/host/${rest%:*}: no table of keys was found"
        comm -23 "$work/code" "$work/schema" | sed "s|^|$schema: has no |"
        comm -13 "$work/code" "$work/schema" | sed "s|^|$schema: nothing reads |"
    done
}
