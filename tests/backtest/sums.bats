# Sums and counts decided again: what another policy would have said to a long run of letters is what a
# kernel says that has this policy; and what of a real past counts.

bats_require_minimum_version 1.5.0
load helper

# post FOLDER: letters to each of a list; one of them is refused by the post.
post() {
    office "$1"
    cat >"$1/connectors/post/post.lua" <<'LUA'
local keel = require "keel"
return keel.connector { letter = {
  read = function() return { letters = 0 } end,
  write = function(c, q)
    if q.body.to:find("^lost@") then return nil, keel.fail("invalid", "there is no such place") end
    return { posted = true }
  end,
} }
LUA
    cat >"$1/agents/clerk/clerk.lua" <<'LUA'
local keel = require "keel"
return keel.agent { run = function(ctx, input)
  local post, done = ctx.use "post", 0
  for to, amount in input.letters:gmatch("(%S+) (%d+)") do
    if post.write("letter", { to = to, amount = amount .. " EUR" }) then done = done + 1 end
  end
  return { done = done }
end }
LUA
}

# rules FILE BANDS...
rules() {
    {
        printf 'version: 1\nrules:\n  - id: letters\n    on: post.letter.write\n'
        printf '    %s\n' "${@:2}"
    } >"$1"
}

setup() {
    own_home
}

teardown() {
    for place in "$BATS_TEST_TMPDIR"/*/; do
        [ ! -d "$place/.keel" ] || stop_kernel "$place"
    done
}

# many SEED: a hundred letters of up to 99 EUR to five domains. Each tenth is small, and comes to nothing; of a
# larger one, that was not sent, nobody could know that it would.
many() {
    awk -v seed="$1" 'BEGIN {
        srand(seed)
        for (i = 1; i <= 100; i++)
            printf "%s@%c.example %d\n", i % 10 ? "ada" : "lost", 97 + int(rand() * 5),
                1 + int(rand() * (i % 10 ? 99 : 40))
    }'
}

# verdicts RUN: of each of its letters, from the tables: path and whether policy let it.
verdicts() {
    sqlite3 .keel/keel.db "SELECT path || CASE state WHEN 'denied' THEN ' deny' ELSE ' allow' END
        FROM effect WHERE run = $1 AND target = 'post.letter.write' ORDER BY path"
}

# again POLICY RUN: the same, as the backtest has it.
again() {
    keel policy backtest "$1" --all --json >"$BATS_TEST_TMPDIR/again" || [ $? -eq 3 ]
    verdicts "$2" | while read -r path verdict; do
        change=$(sed -n "/\"path\":\"$path\",/s/.*\"change\":\"\([a-z]*\)\".*/\1/p" "$BATS_TEST_TMPDIR/again")
        case $change in
        allowed) verdict=allow ;;
        denied) verdict=deny ;;
        esac
        echo "$path $verdict"
    done
}

@test "decided again, a hundred letters are decided as by a kernel that has the other policy" {
    n=0
    for bands in 'allow: { sum: { of: amount, per: 1d, lte: 900 EUR } }' \
        'allow: { count: { per: 1h, each: to_domain, lte: 4 }, amount: { lt: 80 EUR } }' \
        'allow: { sum: { of: amount, per: calendar_month, each: agent, lt: 700 EUR } }' \
        'allow: { count: { per: 1d, lte: 60 }, sum: { of: amount, per: 1d, each: to_domain, lte: 250 EUR } }'; do
        n=$((n + 1))
        one=$BATS_TEST_TMPDIR/one-$n other=$BATS_TEST_TMPDIR/other-$n
        many $n >"$BATS_TEST_TMPDIR/letters"
        for place in "$one" "$other"; do
            post "$place"
            rules "$place/policies/office.yaml" 'allow: { amount: { lt: 50 EUR } }'
            [ "$place" = "$one" ] || rules "$place/policies/office.yaml" "$bands"
            start_kernel "$place"
            keel -C "$place" -q do clerk letters=@"$BATS_TEST_TMPDIR/letters" || [ $? -eq 5 ]
            stop_kernel "$place"
        done
        (cd "$one" && verdicts 1) >"$BATS_TEST_TMPDIR/then"
        (cd "$one" && again "$other/policies/office.yaml" 1) >"$BATS_TEST_TMPDIR/now"
        (cd "$other" && verdicts 1) >"$BATS_TEST_TMPDIR/truth"
        [ "$(wc -l <"$BATS_TEST_TMPDIR/truth")" -eq 100 ]
        run ! cmp -s "$BATS_TEST_TMPDIR/then" "$BATS_TEST_TMPDIR/truth"
        diff "$BATS_TEST_TMPDIR/now" "$BATS_TEST_TMPDIR/truth"
    done
}

# asked: letters that a person decides: sent, denied, sent for less, and two that wait.
asked() {
    W=$BATS_TEST_TMPDIR/asked
    office "$W"
    rules "$W/policies/office.yaml" 'ask: {}' 'approval: { edit: [amount] }'
    start_kernel "$W"
    cd "$W"
    "$typist" 'with (new): ' "$secret" 'again: ' "$secret" -- keel approver set
    letters 40 60 50
    as_approver keel approve 1 --yes
    keel deny 2 --why 'not this one'
    as_approver keel approve 3 --set amount='10 EUR'
    until_it sent 2
    letters 30 6
    keel down
}

letters() {
    for amount; do
        keel -q do clerk to=ada@a.example amount="$amount EUR" || [ $? -eq 3 ]
    done
}

sent() {
    [ "$(sqlite3 .keel/keel.db "SELECT count(*) FROM effect WHERE state = 'done'")" -eq "$1" ]
}

# ago DAYS: so long ago is all that was of the first five. (No kernel would start with such a record.)
ago() {
    sqlite3 .keel/keel.db "UPDATE journal SET at = at - $1 * 86400000000 WHERE run < 6;
        UPDATE effect SET opened_us = opened_us - $1 * 86400000000, changed_us = changed_us - $1 * 86400000000
        WHERE run < 6"
}

# more AMOUNT...: letters of today, that wait.
more() {
    start_kernel "$W"
    letters "$@"
    keel down
}

# now_allowed POLICY [OPTION...]: the letters that it would have let go by itself.
now_allowed() {
    keel policy backtest "$@" --all --json | sed -n '/"change":"allowed"/s/.*"run":\([0-9]*\),.*/\1/p' | xargs
}

@test "what is asked for counts when it was sent, as it was sent" {
    asked
    new=$BATS_TEST_TMPDIR/new.yaml
    # The first lets 40 EUR go. 60 and 50 would be too much and are asked for: one was denied, the other sent as
    # 10. So there is room for 30, and then for 5, but not for 6.
    rules "$new" 'allow: { sum: { of: amount, per: 1d, lte: 85 EUR } }' 'ask: {}'
    [ "$(now_allowed "$new")" = '1 4' ]
    rules "$new" 'allow: { sum: { of: amount, per: 1d, lte: 86 EUR } }' 'ask: {}'
    [ "$(now_allowed "$new")" = '1 4 5' ]
    run keel policy backtest "$new"
    [ "$status" -eq 3 ]
    has 'sum of amount in 1d is 80 EUR, with this one 86 EUR, limit 86 EUR'
    lacks 'Not decided again'
    # What is never let counts nowhere, though it was sent.
    rules "$new" 'deny: { amount: { gt: 35 EUR } }' 'allow: { sum: { of: amount, per: 1d, lte: 36 EUR } }' 'ask: {}'
    [ "$(now_allowed "$new")" = '4 5' ]
}

@test "what was before the time that is asked for counts, as far as a window reaches" {
    asked
    new=$BATS_TEST_TMPDIR/new.yaml
    rules "$new" 'allow: { sum: { of: amount, per: 3d, lte: 85 EUR } }' 'ask: {}'
    more 30 6
    ago 2
    # 40 and 10 were sent, and what waits was not: 30 more is 80.
    [ "$(now_allowed "$new" --since 1d)" = '6' ]
    rules "$new" 'allow: { sum: { of: amount, per: 3d, lte: 86 EUR } }' 'ask: {}'
    [ "$(now_allowed "$new" --since 1d)" = '6 7' ]
    rules "$new" 'allow: { sum: { of: amount, per: 1d, lte: 36 EUR } }' 'ask: {}'
    [ "$(now_allowed "$new" --since 1d)" = '6 7' ]
    # Asked for before any window, and sent within it: with what it was sent.
    sqlite3 .keel/keel.db "UPDATE journal SET at = at - 6 * 86400000000 WHERE seq <
            (SELECT seq FROM journal WHERE run = 1 AND path = '1' ORDER BY seq LIMIT 1 OFFSET 1);
        UPDATE effect SET opened_us = opened_us - 6 * 86400000000 WHERE run < 6"
    rules "$new" 'allow: { sum: { of: amount, per: 3d, lte: 85 EUR } }' 'ask: {}'
    [ "$(now_allowed "$new" --since 1d)" = '6' ]
    # As long ago, nothing of it counts.
    rules "$new" 'allow: { sum: { of: amount, per: 25h, lte: 36 EUR } }' 'ask: {}'
    [ "$(now_allowed "$new" --since 12h)" = '6 7' ]
}

@test "where a window reaches to what was erased, no sum of it is told" {
    asked
    new=$BATS_TEST_TMPDIR/new.yaml
    rules "$new" 'allow: { sum: { of: amount, per: 1h, lte: 85 EUR } }' 'ask: {}'
    keel audit erase --run 1 --why 'asked for' --yes
    run keel policy backtest "$new"
    [ "$status" -eq 3 ]
    has 'Newly allowed: none of what could be decided'
    has '1 effect, what they said was erased: 1:1'
    has '4 effects, a rule sums or counts what was erased since: 2:1'
    more 30
    ago 2
    [ "$(now_allowed "$new")" = '6' ]
}
