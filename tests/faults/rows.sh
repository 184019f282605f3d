#!/bin/sh
# rows.sh ROOT: every test that rows.txt names is there, and every fault but those of the list below has one.
set -eu
root=$1
rows=$root/tests/faults/rows.txt
# 38 to 40: PostgreSQL's, later.
without='38 39 40'
bad=0
fail() {
    printf '# %s\n' "$1"
    bad=1
}
grep -v '^#' "$rows" | while IFS='|' read -r number file name; do
    file=$(echo "$file" | tr -d ' ')
    name=${name# }
    grep -qF -- "$name" "$root/$file" || echo "row $number: $file has no \"$name\""
done >"${TMPDIR:-/tmp}/rows.$$"
while read -r line; do
    fail "$line"
done <"${TMPDIR:-/tmp}/rows.$$"
rm -f "${TMPDIR:-/tmp}/rows.$$"
for number in $(seq 45); do
    case " $without " in
    *" $number "*) continue ;;
    esac
    grep -q "^$number |" "$rows" || fail "row $number has no test"
done
echo "1..1"
[ "$bad" -eq 0 ] && echo "ok 1 - each fault has its tests" || echo "not ok 1 - each fault has its tests"
exit "$bad"
