#!/bin/sh
# run.sh [--json FILE] [--only PART]: the benchmark over the tree that ./dev built. Works below build/, on the disk
# that the project is on.
set -eu
root=${KEEL_ROOT:?run ./dev bench}
json=
only=
while [ $# -gt 0 ]; do
    case $1 in
    --json)
        json=${2:?--json takes the name of a file}
        case $json in /*) ;; *) json=$PWD/$json ;; esac
        ;;
    --only) only=${2:?--only takes the name of a part, such as: steps} ;;
    *)
        echo "dev: bench takes --json FILE and --only PART, not \"$1\"" >&2
        exit 2
        ;;
    esac
    shift 2
done

folder=$root/build/bench
rm -rf "$folder"
mkdir -p "$folder"
kind=$(stat -f -c %T "$folder")
echo "$(nproc) processors, $(uname -sr), a disk of kind $kind; medians of five rounds" >&2
[ "$kind" != tmpfs ] || echo "this is memory, not a disk: ratios of commits mean nothing here" >&2

bench=$root/build/tests/bench
"$bench/bench" "$root/build/stripped/bin/keel" "$root/tests/bench/workspace" "$root/tests/bench/outside" "$folder" \
    "$bench/bench_decision && $bench/bench_budget" "$bench/bench_backtest" "$bench/bench_nothing" "$json" "$only"
rm -rf "$folder"
