# Checks by other people's tools. Sourced by run.sh, which brings root, build, lint and work. What a
# tool has found nothing in is not looked at again until it, a header or the tool's rules change:
# the marks of that are in BUILD_DIR/lint.
# shellcheck shell=sh

check_shell() {
    scripts | xargs shellcheck -s sh -S warning -e SC2154,SC2034,SC1091 -f gcc
}

# lua_faults OPTION...: of the scripts on stdin.
lua_faults() {
    xargs luacheck --config sdk/lua/keel.luacheckrc --no-color --formatter plain -q "$@" -- 2>&1 |
        grep -E '^[^ ]+:[0-9]+:[0-9]+: '
}

# Scripts that are to do wrong are left out: tests/sandbox, and refused_*. Those of
# tests/unit/lua ask for globals that are not there, and are long tables.
check_lua() {
    sources lua | grep -v -e '^tests/sandbox/lua/' -e '^tests/sandbox/connectors/' -e '^tests/unit/' | lua_faults
    sources lua | grep '^tests/unit/' | grep -v '/refused_' |
        lua_faults --no-max-line-length --ignore 1 211/_ENV
}

check_format() {
    sources c h | grep -v '^sdk/abi/' | xargs clang-format --dry-run -Werror 2>&1 |
        awk -F: '/error:|warning:/ && !seen[$1]++ { print $1 ":" $2 ": is not formatted" }'
}

# compiled: the C files that the build knows; what is generated and what tests break on purpose apart.
compiled() {
    sed -n 's/^ *"file": "\(.*\)",*$/\1/p' "$build/compile_commands.json" |
        while read -r f; do
            case $f in
            /*) path=$f ;;
            *) path=$build/$f ;;
            esac
            [ -f "$path" ] && realpath --relative-to="$root" "$path"
        done | grep -E '^(runtime|sdk|plugins)/.*\.c$' | sort -u
}

# unchecked RULES: of the files on stdin, those that have changed since they were found good.
unchecked() {
    marks=$build/lint/$1
    mkdir -p "$marks"
    common=$({ sources h; echo "$2"; } | xargs cat | cksum)
    while read -r f; do
        mark=$marks/$(echo "$f" | tr / _)
        now="$common $(cksum <"$f")"
        [ "$(cat "$mark" 2>/dev/null)" = "$now" ] || echo "$f"
        echo "$now" >"$work/$(echo "$f" | tr / _).mark"
    done
}

# keep_marks RULES FAULTS: remembers the files that no fault names.
keep_marks() {
    while read -r f; do
        flat=$(echo "$f" | tr / _)
        grep -qF "$f" "$2" || mv "$work/$flat.mark" "$build/lint/$1/$flat"
    done
}

check_tidy() {
    compiled | unchecked tidy .clang-tidy >"$work/files"
    xargs -P 2 -n 20 clang-tidy -p "$build" --quiet <"$work/files" 2>/dev/null |
        grep -E ': (warning|error): ' | sed -E 's#^[^:]*/(runtime|sdk|plugins)/#\1/#' | sort -u >"$work/found"
    keep_marks tidy "$work/found" <"$work/files"
    cat "$work/found"
}

check_cppcheck() {
    mkdir -p "$build/lint/cppcheck"
    compiled | xargs cppcheck -q -j 2 --std=c11 --language=c --inline-suppr \
        --enable=warning,performance,portability --cppcheck-build-dir="$build/lint/cppcheck" \
        --suppressions-list="$lint/cppcheck.txt" -D_GNU_SOURCE -DKEEL_VERSION='"0"' -Isdk/include \
        --template='{file}:{line}: {id}: {message}' 2>&1 | grep -v '^Checking'
}
