#!/bin/sh
# tap.sh COMMAND...: runs one test program and keeps its TAP, its talk and its exit code in
# $KEEL_TAP, where tests/run.sh counts them. Also passes all on, for whoever runs it (meson).
kept=$(mktemp "$KEEL_TAP/$(basename -- "$1").XXXXXX") || exit 99
"$@" >"$kept" 2>"$kept.talk"
code=$?
printf '%s\n' "$code" >"$kept.exit"
cat "$kept"
cat "$kept.talk" >&2
exit "$code"
