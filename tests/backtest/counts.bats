# What counts of a real past, where an effect did not simply go: children that were there already, effects that were
# taken back from the queue, tried once more by a person, or let through against a rule.

bats_require_minimum_version 1.5.0
load helper

setup() {
    own_home
    W=$BATS_TEST_TMPDIR/office
    office "$W"
    cat >"$W/agents/clerk/clerk.lua" <<'LUA'
local keel = require "keel"
return keel.agent { run = function(ctx, input)
  local post, done = ctx.use "post", 0
  for what, of, n in input.list:gmatch("(%S+) (%S+) (%d+)") do
    local ok, err
    if what == "helper" then
      ok, err = ctx.spawn("helper", { n = tonumber(n) }, { key = of ~= "-" and of or nil })
    else
      ok, err = post.write("letter", { to = of, amount = n .. " EUR" })
    end
    if input.strict and err then error(err.code) end
    done = done + (ok and 1 or 0)
  end
  return { done = done }
end }
LUA
    cd "$W"
}

teardown() {
    stop_kernel "$W"
}

# rules FILE TARGET BANDS...
rules() {
    printf 'version: 1\nrules:\n  - id: some\n    on: %s\n' "$2" >"$1"
    printf '    %s\n' "${@:3}" >>"$1"
}

# clerk LIST [INPUT...]
clerk() {
    keel -q do clerk list="$1" "${@:2}" >/dev/null || [ $? -ne 2 ]
}

approver() {
    "$typist" 'with (new): ' "$secret" 'again: ' "$secret" -- keel approver set
}

# state RUN STATE: of its first effect.
state() {
    [ "$(sqlite3 .keel/keel.db "SELECT state FROM effect WHERE run = $1 AND path = '1'")" = "$2" ]
}

as_it_was() {
    run keel policy backtest "$@"
    [ "$status" -eq 0 ]
    has "$decided effects decided again, 0 changed"
    lacks 'Not decided again'
}

@test "a child that was there already is decided, and counts once" {
    rules policies/office.yaml run.spawn 'allow: { count: { per: 1d, lte: 3 } }'
    start_kernel .
    clerk 'helper k 1 helper k 2 helper k 3 helper - 4 helper k 5 helper - 6 helper - 7'
    keel down
    decided=7
    as_it_was
    # Its input is that of this time, which nobody has recorded.
    rules "$BATS_TEST_TMPDIR/new.yaml" run.spawn 'allow: { input: { present: true } }'
    run keel policy backtest "$BATS_TEST_TMPDIR/new.yaml"
    has 'Not decided again: 3 effects, what a rule looks at was not recorded: 1:2'
}

@test "a child that was asked for and was there by then does not count; one whose words were erased does" {
    rules policies/office.yaml run.spawn 'allow: { count: { per: 1d, lte: 1 } }' 'ask: {}'
    start_kernel .
    approver
    clerk 'helper k 1'
    clerk 'helper k 2'
    as_approver keel approve 1 --yes
    until_it state 3 'done'
    rules policies/office.yaml run.spawn 'allow: { count: { per: 1d, lte: 2 } }' 'ask: {}'
    keel policy reload
    clerk 'helper - 3'
    clerk 'helper - 4'
    keel down
    new=$BATS_TEST_TMPDIR/new.yaml
    for _ in told erased; do
        # The second would have been let go, and nothing would have begun.
        run keel policy backtest
        [ "$status" -eq 3 ]
        has 'keel why 3:1'
        has '4 effects decided again, 1 changed: 1 newly allowed'
        keel audit erase --run 2 --why 'asked for' --yes
    done
}

@test "what was not sent after all, though it was let go, does not count" {
    printf 'version: 1\nrates:\n  - { on: post.letter.write, limit: 1, per: 5s, burst: 1 }\n' >policies/pace.yaml
    rules policies/office.yaml post.letter.write 'ask: {}'
    start_kernel .
    approver
    clerk 'letter a@a.example 40'
    clerk 'letter a@a.example 20'
    as_approver keel approve 1 --yes
    as_approver keel approve 2 --yes
    until_it state 2 'retry' # its pace lets it go in a while, and then nobody does
    rules policies/office.yaml post.letter.write 'deny: { amount: { gt: 15 EUR, lt: 30 EUR } }' 'ask: {}'
    keel policy reload
    until_it state 2 'denied'
    clerk 'letter a@a.example 10'
    keel down
    new=$BATS_TEST_TMPDIR/new.yaml
    rules "$new" post.letter.write 'allow: { amount: { lt: 15 EUR }, sum: { of: amount, per: 1d, lte: 60 EUR } }' 'ask: {}'
    run keel policy backtest "$new"
    [ "$status" -eq 3 ]
    has 'sum of amount in 1d is 40 EUR, with this one 50 EUR, limit 60 EUR'
}

@test "what the other policy denies does not count when a person had it tried once more" {
    sed -i 's/write = function() return/write = function() if true then return nil, keel.fail("invalid", "no") end return/' \
        connectors/post/post.lua
    rules policies/office.yaml post.letter.write 'allow: {}'
    start_kernel .
    clerk 'letter a@a.example 60' strict=true
    sed -i 's/if true/if false/' connectors/post/post.lua
    sed -i 's/1.0.0/1.0.1/' connectors/post/manifest.yaml
    keel policy reload
    keel stuck retry 1
    until_it state 1 'done'
    clerk 'letter a@a.example 10'
    keel down
    rules "$BATS_TEST_TMPDIR/new.yaml" post.letter.write 'deny: { amount: { gt: 50 EUR } }' \
        'allow: { sum: { of: amount, per: 1d, lte: 30 EUR } }'
    run keel policy backtest "$BATS_TEST_TMPDIR/new.yaml"
    [ "$status" -eq 0 ]
    has '2 effects decided again, 1 changed: 0 newly allowed, 1 newly denied'
}

@test "what a person let through against a rule counts when it was sent" {
    rules policies/office.yaml post.letter.write 'deny: { amount: { gt: 50 EUR } }' \
        'allow: { sum: { of: amount, per: 1d, lte: 80 EUR } }' 'ask: {}'
    start_kernel .
    approver
    clerk 'letter a@a.example 60' strict=true
    as_approver keel override 1:1 --why 'this one'
    until_it state 1 'done'
    clerk 'letter a@a.example 30'
    keel down
    decided=2
    as_it_was
    state 2 'waiting'
}

@test "what a budget refused does not count" {
    cat >policies/money.yaml <<'YAML'
version: 1
budgets:
  - { id: few, scope: workspace, limit: 2 calls, window: life, at_hard: deny }
YAML
    rules policies/office.yaml post.letter.write 'allow: { sum: { of: amount, per: 1d, lte: 100 EUR } }' 'ask: {}'
    start_kernel .
    clerk 'letter a@a.example 40 letter a@a.example 40 letter a@a.example 10 letter a@a.example 20'
    sed -i 's/2 calls/9 calls/' policies/money.yaml
    keel policy reload
    clerk 'letter a@a.example 15'
    keel down
    state 2 'done'
    decided=5
    as_it_was
}

@test "what was erased and is of no sum leaves the sums told" {
    rules policies/office.yaml '[post.letter.write, run.spawn]' 'allow: {}'
    start_kernel .
    clerk 'letter a@a.example 40'
    clerk 'helper - 1'
    clerk 'letter a@a.example 50'
    clerk 'helper - 2'
    keel down
    new=$BATS_TEST_TMPDIR/new.yaml
    rules "$new" post.letter.write 'allow: { sum: { of: amount, per: 1d, lte: 60 EUR } }'
    keel audit erase --run 2 --why 'asked for' --yes
    run keel policy backtest "$new"
    [ "$status" -eq 0 ]
    has 'sum of amount in 1d is 40 EUR, with this one 90 EUR, limit 60 EUR'
    lacks 'a rule sums or counts what was erased since'
    keel audit erase --run 1 --why 'asked for' --yes
    run keel policy backtest "$new"
    [ "$status" -eq 3 ]
    has '1 effect, a rule sums or counts what was erased since: 4:1'
    rules "$new" run.spawn 'allow: { count: { per: 1d, lte: 3 } }'
    run keel policy backtest "$new"
    has '1 effect, a rule sums or counts what was erased since: 5:1'
    rules "$new" 'crm.note.write' 'allow: { count: { per: 1d, lte: 3 } }'
    run keel policy backtest "$new"
    lacks 'a rule sums or counts what was erased since'
}

@test "letters that were erased leave a count of spawns told" {
    rules policies/office.yaml '[post.letter.write, run.spawn]' 'allow: {}'
    start_kernel .
    clerk 'letter a@a.example 40'
    clerk 'helper - 1'
    keel down
    keel audit erase --run 1 --why 'asked for' --yes
    rules "$BATS_TEST_TMPDIR/new.yaml" run.spawn 'allow: { count: { per: 1d, lt: 1 } }'
    run keel policy backtest "$BATS_TEST_TMPDIR/new.yaml"
    [ "$status" -eq 0 ]
    has 'count in 1d is 0, with this one 1, not below 1'
}
