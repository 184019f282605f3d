# What budgets let through, ask for and stop, and how they show it; through a real kernel.

bats_require_minimum_version 1.5.0
load helper

setup_file() {
    own_home
    export W=$BATS_FILE_TMPDIR/shop
    make_workspace
    same_day
    start_kernel "$W"
}

teardown_file() {
    stop_kernel "$W"
}

setup() {
    own_home
    cd "$W"
}

make_workspace() {
    mkdir -p "$W/connectors/press" "$W/agents/clerk" "$W/agents/poet" "$W/policies"
    cat >"$W/connectors/press/manifest.yaml" <<'YAML'
id: com.example.press
kind: connector
version: 1.0.0
entry: press.lua
resources:
  page:
    write: { class: repeatable, cost: { estimate: 0.25 EUR } }
YAML
    cat >"$W/connectors/press/press.lua" <<'LUA'
local keel = require "keel"
return keel.connector { page = { write = function(args) return { printed = args.text } end } }
LUA
    for a in clerk poet; do
        printf 'id: com.example.%s\nkind: agent\nname: %s\nversion: 1.0.0\nentry: %s.lua\n' $a $a $a \
            >"$W/agents/$a/manifest.yaml"
        cat >"$W/agents/$a/$a.lua" <<'LUA'
local keel = require "keel"
return keel.agent { run = function(ctx, input)
  local pages = 0
  for i = 1, input.pages or 1 do
    local done, err = ctx.use("press").write("page", { text = "page " .. i })
    if not done then return { pages = pages, why = err.code } end
    pages = pages + 1
  end
  return { pages = pages }
end }
LUA
    done
    printf 'version: 1\nconnections:\n  press: { use: com.example.press@1 }\n' >"$W/keel.yaml"
    budgets 'month, scope: workspace, limit: 10.00 EUR, window: calendar_month, soft: 80%' \
        'roles, each: agent, limit: 6 calls, window: 24h' \
        'poems, scope: workspace, agents: [poet], limit: 0.50 EUR, window: day, at_hard: ask'
}

budgets() {
    {
        printf 'version: 1\nrules:\n  - { id: press, on: press.page.write, allow: {} }\nbudgets:\n'
        for b in "$@"; do
            printf '  - { id: %s }\n' "$b"
        done
    } >"$W/policies/shop.yaml"
}

@test "before anything is spent" {
    run keel budget
    [ "$status" -eq 0 ]
    [[ ${lines[0]} == BUDGET* ]]
    [[ ${lines[1]} =~ ^month\ +workspace\ .*\ 0\.00\ .*10\.00 ]]
}

@test "spent and held, by budget and scope" {
    run keel do clerk pages=3
    [ "$status" -eq 0 ]
    run keel budget month
    [[ ${lines[1]} =~ ^month\ +workspace\ +20[0-9-]+\ +0\.75\ +0\.00\ +0\.00\ +10\.00\ +EUR\ +7\  ]]
    [ "${#lines[@]}" -eq 2 ]
    run keel budget --json
    printf '%s\n' "$output" | grep -q '"at_hard":"deny","borrowed":0,"budget":"roles".*"limit":6,.*"percent":50,.*"scope":"agent:clerk","spent":3,"unit":"calls","unknown":0,"window":"24h"}'
}

@test "another agent has an account of its own, and what is not its concern is not counted" {
    run keel do poet pages=1
    [ "$status" -eq 0 ]
    run keel budget poems --json
    has '"spent":250000'
    run keel budget roles
    has 'agent:clerk'
    has 'agent:poet'
}

@test "beyond its limit an agent is denied, and keel why names the budget" {
    run keel do clerk pages=4
    has '"pages":3'
    run keel budget roles --json
    has '"percent":100'
    run keel
    has 'budget roles of agent:clerk is used up: 6 of 6 calls within 24h: keel budget roles'
}

@test "what a budget asks for shows it" {
    run keel do poet pages=2 --detach
    [ "$status" -eq 0 ]
    until_it sh -c 'keel inbox --json | grep -q press.page.write'
    run keel inbox 1
    has 'budget'
    has 'budget poems (policies/shop.yaml:'
    has '0.50 EUR in 20'
    run keel why 1
    has 'short'
    has 'budget poems'
}

@test "a limit that is raised lets it go" {
    budgets 'month, scope: workspace, limit: 10.00 EUR, window: calendar_month, soft: 80%' \
        'roles, each: agent, limit: 60 calls, window: 24h' \
        'poems, scope: workspace, agents: [poet], limit: 5 EUR, window: day, at_hard: ask'
    run keel policy reload
    [ "$status" -eq 0 ]
    until_it sh -c 'keel budget poems --json | grep -q "\"spent\":750000"'
    run keel inbox
    has 'Nothing needs you'
}

@test "a soft limit is told in the log and by keel" {
    run keel do clerk pages=27
    [ "$status" -eq 0 ]
    run keel
    has 'budget month of workspace has reached its soft limit: 9.00 of 10.00 EUR in 20'
    grep -q 'budget month of workspace has reached 80%' .keel/keel.log
}

@test "a run that a budget stops goes on when it is resumed" {
    budgets 'once, scope: workspace, on: press.page.write, limit: 2 calls, at_hard: stop'
    keel policy reload
    run keel do clerk pages=3 --detach --json
    id=$(printf '%s' "$output" | sed -n 's/.*"run":\([0-9]*\).*/\1/p')
    until_it sh -c "keel run list --json | grep '\"run\":$id,' | grep -q '\"paused\"'"
    run keel run show "$id"
    has 'paused  budget  budget once (policies/shop.yaml:5) of workspace: 1 call wanted, 2'
    budgets 'once, scope: workspace, on: press.page.write, limit: 3 calls, at_hard: stop'
    keel policy reload
    run keel run resume "$id"
    [ "$status" -eq 0 ]
    until_it sh -c "keel run list --json | grep '\"run\":$id,' | grep -q '\"ended\"'"
    run keel budget once --json
    has '"spent":3'
}

@test "what is approved beyond a limit is borrowed, and shown so" {
    budgets 'once, scope: workspace, agents: [poet], limit: 0.80 EUR, at_hard: ask'
    keel policy reload
    keel do poet pages=4 --detach
    until_it sh -c 'keel inbox --json | grep -q press.page.write'
    number=$(keel inbox --json | sed -n 's/.*"number":\([0-9]*\).*/\1/p')
    run keel inbox "$number"
    has 'borrows'
    has '0.20 EUR beyond the limit of once'
    "$typist" 'with (new): ' "$secret" 'again: ' "$secret" -- keel approver set
    run as_approver keel approve "$number"
    [ "$status" -eq 0 ]
    until_it sh -c 'keel budget once --json | grep -q "\"borrowed\":200000"'
    run "$typist" -- sh -c "stty cols 100; keel budget once"
    has 'borrowed 0.20 EUR, as approved'
    run keel audit rebuild --check
    [ "$status" -eq 0 ]
}

@test "what is approved and throttled waits, and nothing names the item that is closed" {
    budgets 'slow, scope: workspace, agents: [clerk], limit: 0 calls, at_hard: throttle, throttle: 1h'
    sed -i 's/allow: {}/ask: {}/' policies/shop.yaml
    keel policy reload
    id=$(keel do clerk pages=1 --detach --json | sed -n 's/.*"run":\([0-9]*\).*/\1/p')
    until_it sh -c 'keel inbox --json | grep -q press.page.write'
    number=$(keel inbox --json | sed -n 's/.*"number":\([0-9]*\).*/\1/p')
    run keel why "$number"
    has "lifted by   the approver: keel approve $number"
    run as_approver keel approve "$number"
    has "another budget is short now: see keel why $number"
    run keel why "$number"
    has 'waiting (budget)'
    lacks 'lifted by'
    lacks 'approved    '
    keel run cancel "$id"
}

@test "what asks beyond a day's attention is gathered, until a person looks" {
    same_day
    budgets 'none, scope: workspace, agents: [poet], limit: 0 EUR, at_hard: ask' \
        'calm, each: day, limit: 0 interruptions'
    keel policy reload
    keel do poet pages=1 --detach
    until_it sh -c 'keel inbox | grep -q gathered'
    run keel inbox
    has 'Nothing needs you'
    [[ $output =~ 1\ more\ is\ gathered\ until\ [A-Z][a-z]+day\ [0-9:]+\ by\ budget\ calm:\ keel\ inbox\ --now ]]
    run keel
    has '1 more is gathered'
    run keel inbox --now
    [ "$status" -eq 0 ]
    has 'press.page.write'
    run keel inbox --now
    has 'Nothing is gathered.'
    run keel budget calm --json
    has '"unit":"interruptions"'
    has '"limit":0'
}

@test "the minutes that a card takes are counted" {
    same_day
    budgets 'none, scope: workspace, agents: [poet], limit: 0 EUR, at_hard: ask' \
        'time, each: day, limit: 30 minutes'
    keel policy reload
    number=$(keel inbox --json | sed -n 's/.*"number":\([0-9]*\).*/\1/p' | tail -1)
    keel inbox "$number" >/dev/null
    sleep 2
    run keel deny "$number" --why 'not this one'
    [ "$status" -eq 0 ]
    run keel budget time --json
    has '"unit":"seconds"'
    [[ $output =~ \"spent\":([2-9]|[1-5][0-9]), ]]
    run "$typist" -- sh -c "stty cols 100; keel budget time"
    has 'of 30 minutes'
    has 'time  each day; then batch'
    keel budget time | grep -q ' 30  *minutes '
    keel costs | grep -q '^time .* 30  *minutes *$'
    run keel audit rebuild --check
    [ "$status" -eq 0 ]
}

@test "names that do not exist, with the nearest" {
    budgets 'once, scope: workspace, limit: 3 calls'
    run keel budget onec
    [ "$status" -eq 6 ]
    has 'Did you mean once?'
    budgets 'a, scope: workspace, agents: [clrek], limit: 1 EUR'
    run keel policy check
    [ "$status" -ne 0 ]
    has 'no agent "clrek"'
    has 'clerk'
    budgets 'a, scope: workspace, on: pres.page.write, limit: 1 EUR'
    run keel policy check
    has 'no connection "pres"'
}

@test "on a terminal it is bars, at any width" {
    budgets 'month, scope: workspace, limit: 10.00 EUR, window: calendar_month, soft: 80%' \
        'roles, each: agent, limit: 60 calls, window: 24h'
    for width in 40 80 120; do
        run "$typist" -- sh -c "stty cols $width; keel budget"
        [ "$status" -eq 0 ]
        has '█'
        has 'month  workspace, month; at 80% notify;'
        printf '%s\n' "$output" | tr -d '\r' | while IFS= read -r line; do
            [ "${#line}" -le "$width" ] || { echo "$width: $line" >&2; exit 1; }
        done
    done
}
