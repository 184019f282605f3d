# What models use: reported by a connector, priced by policy, held to limits in tokens; and how that is shown.

bats_require_minimum_version 1.5.0
load helper

setup_file() {
    own_home
    export W=$BATS_FILE_TMPDIR/shop
    same_day
    make_workspace
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
    mkdir -p "$W/connectors/oracle" "$W/agents/clerk" "$W/policies"
    cat >"$W/connectors/oracle/manifest.yaml" <<'YAML'
id: com.example.oracle
kind: connector
version: 1.0.0
entry: oracle.lua
resources:
  answer:
    write:
      class: repeatable
      tokens: { input: 1000, output: 500, max: max_tokens, model: model }
YAML
    cat >"$W/connectors/oracle/oracle.lua" <<'LUA'
local keel = require "keel"
return keel.connector { answer = { write = function(_, q)
  return { text = "42" }, keel.usage { model = q.served or q.model, input = 900, output = q.out or 50,
    cache_read = 2000 }
end } }
LUA
    printf 'id: com.example.clerk\nkind: agent\nname: clerk\nversion: 1.0.0\nentry: clerk.lua\n' \
        >"$W/agents/clerk/manifest.yaml"
    cat >"$W/agents/clerk/clerk.lua" <<'LUA'
local keel = require "keel"
return keel.agent { run = function(ctx, input)
  local done, err = ctx.use("oracle").write("answer", input)
  return done or { why = err.code }
end }
LUA
    printf 'version: 1\nconnections:\n  oracle: { use: com.example.oracle@1 }\n' >"$W/keel.yaml"
    policy 'words, each: agent, limit: 20000 tokens, window: day, soft: 80%' \
        'purse, scope: workspace, limit: 1.00 USD, window: calendar_month'
}

# policy BUDGET...: lets all, with these budgets, and two prices.
policy() {
    {
        printf 'version: 1\nrules:\n  - { id: lets, on: "*", allow: {} }\nbudgets:\n'
        printf '  - { id: %s }\n' "$@"
        printf 'prices:\n'
        printf '  - { model: %s, from: %s, input: %s USD, output: 15 USD, cache_read: 0.30 USD, cache_write: 3.75 USD }\n' \
            big 2024-01-01 3 big 2025-01-01 2.50 small 2024-01-01 0.20
    } >"$W/policies/p.yaml"
}

asks() {
    run keel do clerk "$@" --json
    [ "$status" -eq 0 ]
}

@test "what a model used is counted and priced, and why shows both" {
    asks model=big max_tokens=100
    run keel why 1:1
    [ "$status" -eq 0 ]
    has 'cost        0.0036 USD'
    has 'tokens      900 in, 50 out, 2,000 read from a cache, of big'
    has 'price       policies/p.yaml:9, big from 2025-01-01: a million 2.50 USD in, 15.00 USD out, 0.30 USD read from a cache, 3.75 USD written to one'
}

@test "another model answers: it costs what that costs, or what was asked for" {
    asks model=big served=small
    asks model=big served=big-2025-04
    run keel why 2:1
    has 'small from 2024-01-01'
    run keel why 3:1
    has 'of big-2025-04'
    has 'big from 2025-01-01'
}

@test "costs add up by agent, and by model and row of prices" {
    run keel costs --by agent
    [ "$status" -eq 0 ]
    has 'TOKENS'
    printf '%s\n' "$output" | grep -q 'clerk *3 *3 *3 *8,850 *0.00'
    run keel costs --by model
    [ "$status" -eq 0 ]
    has 'policies/p.yaml:9 from 2025-01-01'
    has 'policies/p.yaml:10 from 2024-01-01'
    run keel costs --by model --json
    printf '%s\n' "$output" | grep '"model":"small"' | grep -q '"cache_read":2000.*"input":900.*"output":50'
    printf '%s\n' "$output" | grep '"model":"small"' | grep -q '"micros":"\?1530'
}

@test "budgets of tokens have their bar, their soft limit and an account each" {
    run keel budget words --json
    [ "$status" -eq 0 ]
    printf '%s\n' "$output" | grep '"scope":"agent:clerk"' | grep -q '"limit":20000.*"spent":8850.*"unit":"tokens"'
    run keel budget words
    has '8,850'
    has 'tokens'
    run keel costs
    has '8,850'
    has '20,000'
}

@test "a model that nobody priced is not asked, and it says what to do" {
    run keel do clerk model=huge --json
    run keel why 4:1
    [ "$status" -eq 0 ]
    has 'no price of the model "huge" holds on'
    has 'lifted by   whoever keeps policies/: a row of prices for the model, keel policy reload'
    lacks 'tokens      '
}

@test "beyond a limit in tokens nothing is sent" {
    asks model=small out=9000
    run keel do clerk model=small --json
    run keel why 6:1
    has 'denied'
    has 'budget words'
    has '1500 tokens wanted, 20750 tokens spent and 0 tokens held of 20000 tokens'
    run keel budget words
    has '103'
}

@test "cases expect what the kernel would: tokens of the past, and prices" {
    mkdir -p policies/tests
    cat >policies/tests/oracle.yaml <<'YAML'
version: 1
cases:
  - name: one more fits
    agent: clerk
    on: oracle.answer.write
    args: { model: big, max_tokens: 500 }
    past: [ { ago: 1h, times: 12 } ]
    expect: allow
  - name: one more is too much
    agent: clerk
    on: oracle.answer.write
    args: { model: big, max_tokens: 500 }
    past: [ { ago: 1h, times: 13 } ]
    expect: deny
    budget: words
  - name: nobody wrote its price
    agent: clerk
    on: oracle.answer.write
    args: { model: nova }
    past: []
    at: "2026-03-10T12:00:00Z"
    expect: deny
YAML
    run keel policy test policies/tests/oracle.yaml
    [ "$status" -eq 0 ]
    has '3 passed, 0 failed'
}

@test "keel can tells of limits in tokens" {
    run keel can clerk
    [ "$status" -eq 0 ]
    has 'words     20,000 tokens for each agent, each day'
}

@test "a connector says in its manifest that it asks a model" {
    run keel plugin inspect connectors/oracle
    [ "$status" -eq 0 ]
    has 'asks a model for about 1,500 tokens'
}

@test "a change of prices is a difference of policies" {
    cp policies/p.yaml new.yaml
    sed -i 's/input: 2.50 USD/input: 2.00 USD/; s/20000 tokens/30000 tokens/' new.yaml
    echo 'unpriced: { assume: most_expensive }' >>new.yaml
    run keel policy diff policies/p.yaml new.yaml
    has 'big from 2025-01-01'
    has 'input: 2.50 USD -> 2 USD'
    has '30000 tokens'
    has 'most_expensive'
    rm new.yaml
}
