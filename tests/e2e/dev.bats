#!/usr/bin/env bats
# ./dev itself: what it says, and that its count of tests cannot be fooled.

root=$BATS_TEST_DIRNAME/../..

# count CODE TEXT: what the counter makes of a program's TAP ("PASSED FAILED") and of its end.
count() {
    printf '%b' "$2" | awk -v name=program -v code="$1" -v details="$BATS_TEST_TMPDIR/details" \
        -f "$root/tests/tools/tap.awk"
}

@test "without arguments it shows examples" {
    run "$root/dev"
    [ "$status" -eq 0 ]
    [[ $output == *'./dev demo'* && $output == *'./dev test --only'* ]]
}

@test "an unknown command, suite or option is refused by name" {
    run "$root/dev" tset
    [ "$status" -eq 2 ]
    [[ $output == *'there is no command "tset"'* ]]
    run "$root/dev" test --only nosuch
    [ "$status" -eq 1 ]
    [[ $output == *'there is no suite "nosuch"; there are: build unit'* ]]
    run "$root/dev" test --fast
    [[ $output == *'test takes --only SUITE or --list, not "--fast"'* ]]
    run "$root/dev" fuzz soon
    [[ $output == *'fuzz takes a number of seconds'* ]]
}

@test "every suite has a line in the list" {
    run "$root/dev" test --only nosuch
    named=${output##*there are: }
    run "$root/dev" test --list
    # Of each line the first word: together they are what an unknown suite is answered with.
    [ "$(printf '%s\n' "${lines[@]}" | awk '{ printf "%s%s", sep, $1; sep = " " }')" = "$named" ]
    ! printf '%s\n' "${lines[@]}" | grep -Ev '^[a-z0-9]+ +[a-z].+'
}

@test "passes and failures are counted by their lines" {
    [ "$(count 0 '1..2\nok 1 - a\nok 2 - b\n')" = "2 0" ]
    [ "$(count 1 '1..2\nok 1 - a\nnot ok 2 - b\n# why\n')" = "1 1" ]
    [ "$(count 0 '1..1\nnot ok 1 - lies about its exit\n')" = "0 1" ]
}

@test "groups of one program add up, and indented lines are only talk" {
    [ "$(count 0 '1..1\nok 1 - a\n1..2\nok 1 - b\n    not ok 9 - inner\nok 2 - c\n')" = "3 0" ]
}

@test "a skipped test is a failed one" {
    [ "$(count 0 '1..2\nok 1 - a # SKIP no root\nok 2 - b # skip\n')" = "0 2" ]
    [ "$(count 0 '1..1\nnot ok 1 - c # todo later\n')" = "0 1" ]
}

@test "tests that did not run have failed" {
    [ "$(count 0 '1..5\nok 1 - a\nok 2 - b\n')" = "2 3" ]
    [ "$(count 0 '')" = "0 1" ]
    [ "$(count 0 'ok 1 - no plan\n')" = "1 1" ]
    [ "$(count 0 '1..1\nok 1 - a\nBail out! the disk is full\n')" = "1 1" ]
}

@test "a program that dies or never ends has failed, whatever it printed" {
    [ "$(count 139 '1..1\nok 1 - a\n')" = "1 1" ]
    [ "$(count '' '1..1\nok 1 - a\n')" = "1 1" ]
    grep -q 'ended with exit code 139' "$BATS_TEST_TMPDIR/details"
    grep -q 'killed, or out of time' "$BATS_TEST_TMPDIR/details"
}

@test "what failed is named with what it said" {
    [ "$(count 1 '1..1\nnot ok 1 - adds up\n# 3 is not 4\n')" = "0 1" ]
    grep -q 'program: not ok 1 - adds up' "$BATS_TEST_TMPDIR/details"
    grep -q '3 is not 4' "$BATS_TEST_TMPDIR/details"
}

@test "what the machine lacks is one line to run, for who is not root" {
    mkdir -p "$BATS_TEST_TMPDIR/bin"
    printf '#!/bin/sh\necho 1000\n' >"$BATS_TEST_TMPDIR/bin/id"
    printf '#!/bin/sh\nexit 1\n' >"$BATS_TEST_TMPDIR/bin/dpkg-query"
    chmod +x "$BATS_TEST_TMPDIR"/bin/*
    PATH=$BATS_TEST_TMPDIR/bin:$PATH run "$root/dev" setup
    [ "$status" -eq 1 ]
    [[ $output == *'sudo apt-get update && sudo apt-get install -y --no-install-recommends build-essential'* ]]
}
