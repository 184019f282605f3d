# Rates, quiet hours and rules in shadow, as a person meets them: what waits says for what and until when, and
# what a rule in shadow would have said is told before it is in force.

bats_require_minimum_version 1.5.0
load helper

setup_file() {
    own_home
    export W=$BATS_FILE_TMPDIR/office
    mkdir -p "$W/agents/clerk" "$W/policies" "$W/docs"
    cat >"$W/keel.yaml" <<'YAML'
version: 1
connections:
  docs: { use: com.keel.files@0.1, config: { folder: docs } }
YAML
    policy 'rates: [ { on: docs.document.write, each: text, limit: 2, per: 10s, burst: 1 } ]'
    cat >"$W/agents/clerk/manifest.yaml" <<'YAML'
id: com.example.clerk
name: clerk
kind: agent
version: 1.0.0
entry: clerk.lua
YAML
    cat >"$W/agents/clerk/clerk.lua" <<'LUA'
local keel = require "keel"

return keel.agent {
  run = function(ctx, input)
    local done, err = ctx.use("docs").write("document", { path = input.path, text = input.text })
    return done or { refused = err.code, why = err.why }
  end,
}
LUA
    start_kernel "$W"
}

teardown_file() {
    stop_kernel "$W"
}

setup() {
    own_home
    cd "$W"
}

# policy MORE [RULE]: what the clerk may write.
policy() {
    cat >"$W/policies/clerk.yaml" <<YAML
version: 1
rules:
  - id: clerk-writes
    on: docs.document.write
    allow: {}
${2-}
$1
YAML
}

@test "what is over its rate waits, says until when, and goes" {
    run -0 keel policy check
    run -0 keel do clerk path=a text=one
    run -0 keel do clerk path=b text=two
    run -3 keel do clerk path=late text=one
    has 'Run 3 waits for its pace, until about '
    has 'keel why 3:1'
    [ ! -e docs/late ]
    run -0 keel why 3:1
    has '2 in 10s for each text, 1 at once (policies/clerk.yaml:'
    has 'text is "one"'
    has 'until about '
    run -0 keel inbox
    has '1 effect waits for its pace: the next goes about '
    has 'keel why 3:1'
    until_it [ -e docs/late ]
    run -0 keel can clerk
    has '2 in 10s for each text, 1 at once'
    run -0 keel can clerk --json
    has '"pace":["2 in 10s for each text, 1 at once (policies/clerk.yaml:'
}

@test "quiet hours hold it up until they are over, or a reload says so" {
    policy 'quiet: [ { on: "docs.*", hours: "00:00-12:00", tz: Etc/GMT+0 }, { on: "docs.*", hours: "12:00-00:00" } ]'
    run -0 keel policy reload
    run -3 keel do clerk path=night text=x
    has 'Run 4 waits for quiet hours to end, until '
    [ ! -e docs/night ]
    run -0 keel why 4:1
    has 'quiet from '
    run -0 keel
    has 'waits for quiet hours to end: the next goes at '
    policy ''
    run -0 keel policy reload
    until_it [ -e docs/night ]
}

@test "a new rate knows what was before it, and a cancelled run waits for nothing" {
    policy 'rates: [ { on: "docs.*", limit: 1, per: 1h } ]'
    run -0 keel policy reload
    run -3 keel do clerk path=never text=x
    run -0 keel run cancel 5
    [ ! -e docs/never ]
    run -0 keel inbox
    lacks 'pace'
}

@test "a rule in shadow decides nothing, and is summed up" {
    policy '' '  - { id: short, on: docs.document.write, mode: shadow, deny: { text: { matches: "long*" } } }'
    run -0 keel policy check
    run -0 keel policy reload
    run -0 keel do clerk path=c text=longest
    [ -e docs/c ]
    run -0 keel do clerk path=d text=brief
    run -0 keel why 6:1
    has 'in shadow'
    has 'deny: rule short (policies/clerk.yaml:6) denies: text is "longest", matching "long*"'
    run -0 keel policy shadow
    has 'Newly denied: 1 effect'
    has 'would deny'
    has 'rule short, policies/clerk.yaml:6'
    has 'keel why 6:1'
    has '1 effect of which rules in shadow spoke, 1 would be another'
    run -0 keel policy shadow --json
    has '"change":"denied"'
    has '"why":"rule short (policies/clerk.yaml:6) denies: '
    run -0 keel policy diff
    lacks 'short'
}

@test "what is misspelt is refused with its remedy" {
    policy 'rates: [ { on: "docs.*", limit: 1, per: 1h, brust: 1 } ]'
    run -2 keel policy check
    has 'Did you mean "burst"'
    policy 'quiet: [ { on: "docs.*", hours: "8pm-8am" } ]'
    run -2 keel policy check
    has 'hours: "20:00-08:00"'
    policy '' '  - { id: r, on: docs.document.write, ask: {}, rate: x }'
    run -2 keel policy check
    has 'Write `rates:` beside `rules:`'
}
