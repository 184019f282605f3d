# Sums and counts of policy, as a person meets them: what they refuse is told with the numbers, and a kill of
# the kernel forgets nothing.

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
    policy 'count: { per: 1d, each: agent, lte: 2 }'
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

# policy CONDITION: what the clerk may write.
policy() {
    cat >"$W/policies/clerk.yaml" <<YAML
version: 1
rules:
  - id: clerk-writes
    on: docs.document.write
    allow: { $1 }
YAML
}

write() {
    run keel do clerk "path=$1" text=x
}

@test "the third is refused, with what was counted" {
    write a
    [ -e docs/a ]
    write b
    [ -e docs/b ]
    write c
    [ ! -e docs/c ]
    has 'count in 1d for clerk is 2, with this one 3, limit 2'
    run keel why 3:1
    has 'denied'
    has 'count(1d,agent) = 3'
    has 'count in 1d for clerk is 2, with this one 3, limit 2'
}

@test "a kill forgets nothing" {
    kill_kernel "$W"
    start_kernel "$W"
    write d
    [ ! -e docs/d ]
    has 'count in 1d for clerk is 2, with this one 3, limit 2'
}

@test "a raised limit is in force after a reload, and knows what was before it" {
    policy 'count: { per: 7d, lte: 3 }'
    run -0 keel policy check
    run -0 keel policy reload
    write e
    [ -e docs/e ]
    write f
    [ ! -e docs/f ]
    has 'count in 7d is 3, with this one 4, limit 3'
    run keel can clerk
    has 'count in 7d at most 3'
}

@test "what can never hold is said, and a misspelt key is refused" {
    policy 'count: { per: 1d, lte: 0 }'
    run keel policy check
    has 'count(1d) can never hold'
    policy 'count: { pre: 1d, lte: 5 }'
    run -2 keel policy check
    has 'policies/clerk.yaml:5:'
    has 'Did you mean "per"'
}
