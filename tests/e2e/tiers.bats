# Tiers and soft limits as a person meets them: what runs cheaper, what is gathered, and what says so.

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
    mkdir -p "$W/connectors/press" "$W/agents/clerk" "$W/policies"
    cat >"$W/connectors/press/manifest.yaml" <<'YAML'
id: com.example.press
kind: connector
version: 1.0.0
entry: press.lua
resources:
  page:
    write: { class: repeatable }
    attributes: { tier: { of: tier } }
YAML
    cat >"$W/connectors/press/press.lua" <<'LUA'
local keel = require "keel"
return keel.connector { page = { write = function(_, q)
  return { printed = q.body.text, by = q.body.tier }
end } }
LUA
    printf 'id: com.example.clerk\nkind: agent\nname: clerk\nversion: 1.0.0\nentry: clerk.lua\n' \
        >"$W/agents/clerk/manifest.yaml"
    cat >"$W/agents/clerk/clerk.lua" <<'LUA'
local keel = require "keel"
return keel.agent { run = function(ctx, input)
  local done, err = ctx.use("press").write("page", { text = "a page", tier = input.tier })
  if not done then return { why = err.why or err.code } end
  return { told = done.tier or "nothing", by = done.by }
end }
LUA
    printf 'version: 1\nconnections:\n  press: { use: com.example.press@1 }\n' >"$W/keel.yaml"
    policy allow 'at_soft: [notify, { tier: fast }]'
}

# policy BAND AT_SOFT: five calls a day; from the second on the soft limit is reached.
policy() {
    cat >"$W/policies/shop.yaml" <<YAML
version: 1
rules:
  - { id: press, on: press.page.write, $1: {} }
budgets:
  - { id: pages, scope: workspace, limit: 10 calls, window: day, soft: 20%, $2 }
tiers:
  fast: { models: [small] }
  smart: { models: [big], max_sensitivity: internal }
retention: [ { of: cache, ttl: 30d } ]
YAML
}

@test "what nothing uses yet is said once, by a check and in the log" {
    run keel policy check
    [ "$status" -eq 0 ]
    has 'warning: policies/shop.yaml:9:14: retention: nothing in this version uses it yet'
    lacks 'tiers:'
    run cat .keel/keel.log
    [ "$(grep -c 'retention: nothing in this version uses it yet' <<<"$output")" -eq 1 ]
    run keel policy reload
    [ "$(grep -c 'retention: nothing in this version uses it yet' <<<"$output")" -eq 1 ]
}

@test "below the soft limit it runs as it was asked for" {
    run keel do clerk tier=smart
    has 'result {"by":"smart","told":"nothing"}'
    run keel do clerk tier=smart
    has '"by":"smart"'
    run keel why 2:1
    lacks 'smart ->'
}

@test "from there on at the cheaper tier, which the run and keel why are told" {
    run keel do clerk tier=smart
    has 'result {"by":"fast","told":"fast"}'
    run keel why 3:1
    has 'tier        smart -> fast: budget pages is at 20 %'
    run keel why 3:1 --json
    has '"tier":{"budget":"pages","from":"smart","to":"fast","why":"budget pages is at 20 %"}'
    run keel do clerk tier=fast
    has '"by":"fast","told":"nothing"'
    run "$typist" -- sh -c "stty cols 100; keel budget pages"
    has 'at 20% notify and use tier fast; then deny'
}

@test "what a run has read, and a name that is no tier, are gates" {
    run keel do clerk tier=smart --sensitivity confidential
    has '"by":"fast"' # it is lowered first
    run keel do clerk tier=smrat
    has 'no tier of the policy is named'
    policy allow 'at_soft: notify'
    keel policy reload
    run keel do clerk tier=smart --sensitivity confidential
    has 'tier smart (policies/shop.yaml:8) takes what is internal at most'
    run keel why 7:1
    has 'tiers'
}

@test "cases know the gates" {
    mkdir -p policies/tests
    {
        printf 'version: 1\ncases:\n'
        printf '  - { name: %s, agent: clerk, on: press.page.write, args: { tier: %s }, sensitivity: %s, expect: %s }\n' \
            fits smart internal allow above smart confidential deny lower fast confidential allow none dear internal deny
    } >policies/tests/press.yaml
    run keel policy test policies/tests/press.yaml
    has '4 passed, 0 failed'
    [ "$status" -eq 0 ]
    sed -i 's/confidential, expect: deny/confidential, expect: allow/' policies/tests/press.yaml
    run keel policy test policies/tests/press.yaml
    [ "$status" -eq 1 ]
    has 'tier smart (policies/shop.yaml:8) takes what is internal at most, and this run has read what is confidential'
}

@test "beyond a soft limit that gathers, questions wait for the day to turn" {
    policy ask 'at_soft: batch'
    keel policy reload
    keel do clerk tier=fast --detach
    until_it sh -c 'keel inbox | grep -q gathered'
    run keel inbox
    [[ $output =~ 1\ more\ is\ gathered\ until\ [A-Z][a-z]+day\ 00:00\ by\ budget\ pages:\ keel\ inbox\ --now ]]
    run keel why 8:1
    has 'budget pages (policies/shop.yaml:5) of workspace is at 50 %; from 20% on what asks is gathered until the day turns'
    run "$typist" -- sh -c "stty cols 100; keel budget pages"
    has 'at 20% gather; then deny'
    keel down
    start_kernel "$W"
    run keel inbox
    has '1 more is gathered until'
    run keel inbox --now
    has 'press.page.write'
}

@test "who is asked sees which tier it would run at, and why" {
    policy ask 'at_soft: { tier: fast }'
    keel policy reload
    keel do clerk tier=smart --detach
    until_it sh -c '[ "$(keel inbox --json | grep -c number)" -eq 2 ]'
    number=$(keel inbox --json | sed -n 's/.*"number":\([0-9]*\).*/\1/p' | tail -1)
    run keel inbox "$number"
    has 'tier       smart -> fast: budget pages is at '
    run keel inbox "$number" --json
    has '"tier":{"budget":"pages","from":"smart","to":"fast",'
    keel deny "$number" --why 'not this one'
}

@test "policy diff tells tiers and soft limits in terms of the language" {
    policy allow 'at_soft: [ask, { tier: fast }]'
    run keel policy diff
    has 'at_soft'
    has 'ask, tier fast'
    policy ask 'at_soft: batch'
    sed -i 's/models: \[small\]/models: [small, tiny]/' policies/shop.yaml
    run keel policy diff
    has 'small, tiny'
}

@test "the record holds" {
    run keel audit verify
    [ "$status" -eq 0 ]
    run keel audit rebuild --check
    [ "$status" -eq 0 ]
}
