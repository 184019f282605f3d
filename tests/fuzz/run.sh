#!/bin/sh
# run.sh BUILD SECONDS: every fuzz target first over its corpus, then for SECONDS more; TAP on
# stdout. What it finds is left in BUILD/found, to become a named test.
set -u
build=$1
seconds=$2
here=$(dirname -- "$0")
mkdir -p "$build/found" "$build/corpus"

targets=$(find "$build/tests/fuzz" -maxdepth 1 -type f -name 'fuzz_*' -perm -u+x | sort)
set -f
# shellcheck disable=SC2086
set -- $targets
set +f
echo "1..$#"
n=0
failed=0
for target; do
    n=$((n + 1))
    name=${target##*/fuzz_}
    seeds=$here/corpus/$name
    grown=$build/corpus/$name
    mkdir -p "$grown"
    [ -d "$seeds" ] || seeds=$grown
    more=$here/../$name/corpus # a corpus that another suite reads too
    set -- "$grown" "$seeds"
    [ ! -d "$more" ] || set -- "$@" "$more"
    if "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 \
        -verbosity=0 -close_fd_mask=1 -artifact_prefix="$build/found/$name-" \
        "$@" >"$build/found/$name.log" 2>&1; then
        echo "ok $n - $name"
    else
        failed=$((failed + 1))
        echo "not ok $n - $name"
        tail -n 25 "$build/found/$name.log" | sed 's/^/# /'
    fi
done
[ "$failed" -eq 0 ]
