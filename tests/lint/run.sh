#!/bin/sh
# The rules of the code that a machine can check. Usage: tests/lint/run.sh BUILD_DIR [CHECK...]
# Prints TAP. A check is a function here or a script beside this file: what it prints are faults, one
# a line, and no line is a pass. BUILD_DIR is a built tree, for what looks at objects and libraries.
set -u
LC_ALL=C
export LC_ALL

lint=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$lint/../.." && pwd)
build=$(cd "${1:?usage: tests/lint/run.sh BUILD_DIR [CHECK...]}" && pwd) || exit 2
shift
cd "$root" || exit 2
. "$lint/source.sh"
. "$lint/built.sh"
. "$lint/tools.sh"
. "$lint/self.sh"

# name, what holds when it passes
checks='
self|the checks see the faults that they are shown
size|files stay under 400 lines and functions under 60
layers|includes go down the layers only
blanks|no tabs and no blanks at the end of a line
unfinished|nothing is left for later
places|no path or name of the machine that it was written on
sql|SQL is not assembled from strings
journal|one place inserts into the journal
schemas|the schemas for editors know the keys that the readers know
failpoints|every kind of record has its failpoints, in test builds only
exports|a plugin exports one symbol and brings no search path
headers|every header compiles alone, the SDK in C++ too
shell|the shell scripts pass shellcheck
lua|luacheck finds nothing in scripts, with the globals of the sandbox alone
format|the code is formatted as .clang-format says
tidy|clang-tidy finds nothing
cppcheck|cppcheck finds nothing
'

# What a check needs besides a POSIX shell; without it the check is left out.
needs() {
    case $1 in
    shell) echo shellcheck ;;
    lua) echo luacheck ;;
    format) echo clang-format ;;
    tidy) echo clang-tidy ;;
    cppcheck) echo cppcheck ;;
    esac
}

wanted() {
    [ $# -gt 1 ] || return 0
    name=$1
    shift
    for w in "$@"; do
        [ "$w" != "$name" ] || return 0
    done
    return 1
}

work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
n=0
failed=0
echo "$checks" | grep . >"$work/checks"
while IFS='|' read -r name what; do
    wanted "$name" "$@" || continue
    tool=$(needs "$name")
    if [ -n "$tool" ] && ! command -v "$tool" >/dev/null; then
        echo "# $name is left out: $tool is not installed"
        continue
    fi
    n=$((n + 1))
    "check_$name" >"$work/faults" 2>&1 </dev/null
    if [ -s "$work/faults" ]; then
        failed=$((failed + 1))
        echo "not ok $n - $name: $what"
        head -n 60 "$work/faults" | sed 's/^/# /'
    else
        echo "ok $n - $name: $what"
    fi
done <"$work/checks"
echo "1..$n"
[ "$failed" -eq 0 ]
