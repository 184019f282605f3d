#!/bin/sh
# keel-sim as the suite runs it: many seeds without a violation, a seed that repeats exactly, and every
# planted bug caught. Usage: tests/sim/sim.sh KEEL_SIM. Prints TAP.
set -u
sim=$1
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
n=0

# ok TEXT: what the command before said of itself, with what it printed when it is not so.
report() {
    code=$?
    n=$((n + 1))
    if [ $code -eq 0 ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        sed 's/^/# /' "$work/out" | tail -n 40
    fi
}

last_is() {
    [ "$(tail -n 1 "$work/out")" = "$1" ]
}

clean() {
    "$sim" --seeds 300 >"$work/out" 2>&1 && last_is '300 seeds, 0 violations'
}

# A journal of some length, the same in another process.
repeats() {
    for seed in 1 17 102 203; do
        "$sim" --seed $seed >"$work/out" 2>&1 || return 1
        grep -q "^seed $seed: [0-9][0-9]* records in [0-9]* lives, journal [0-9a-f]\{64\}\$" \
            "$work/out" || return 1
        cp "$work/out" "$work/first"
        "$sim" --seed $seed >"$work/out" 2>&1
        cmp -s "$work/first" "$work/out" || return 1
    done
}

differs() {
    "$sim" --seed 17 | sed 's/.*journal //' >"$work/first"
    "$sim" --seed 18 | sed 's/.*journal //' >"$work/out"
    ! cmp -s "$work/first" "$work/out"
}

# A seed that fails says what does not hold, and fails again in the same words.
fails_again() {
    KEEL_BUG=done_without_answer "$sim" --seeds 20 >"$work/out" 2>&1 && return 1
    seed=$(sed -n 's/^.*seed \([0-9]*\): I1 does not hold.*/\1/p' "$work/out" | head -n 1)
    [ -n "$seed" ] || return 1
    words=$(grep "seed $seed: " "$work/out" | head -n 1 | tr -d '\r')
    KEEL_BUG=done_without_answer "$sim" --seed "$seed" >"$work/out" 2>&1 && return 1
    last_is "$words"
}

told() {
    "$sim" --seed 17 --trace >"$work/out" 2>&1 && grep -q 'record 1: run 0  boot' "$work/out" &&
        grep -q 'keel: starts, life ' "$work/out" && grep -q 'people: ' "$work/out"
}

bugs() {
    "$sim" --bugs >"$work/out" 2>&1 && tail -n 1 "$work/out" |
        grep -qx '\([0-9]*\) of \1 planted bugs found' &&
        [ "$(grep -c ' I[0-9]* \| halt ' "$work/out")" -ge 20 ]
}

refuses() {
    "$sim" --seed x >"$work/out" 2>&1
    [ $? -eq 2 ] && last_is 'keel-sim: x is no number'
}

echo 1..7
clean
report '300 seeds: every invariant holds'
repeats
report 'a seed gives the same journal in every process'
differs
report 'another seed gives another journal'
fails_again
report 'a seed that fails fails again in the same words'
told
report 'a trace tells what happened'
bugs
report 'each planted bug is caught within 100 seeds'
refuses
report 'a seed that is no number is refused'
