# What the tests of the offline policy tools share, besides what tests/e2e has.
load ../e2e/helper

# office FOLDER: a clerk who posts what is told, through a connector whose manifest computes domains,
# counts recipients and names the field that moves money.
office() {
    mkdir -p "$1/connectors/post" "$1/agents/clerk" "$1/agents/helper" "$1/policies"
    cat >"$1/keel.yaml" <<'YAML'
version: 1
connections:
  post: { use: com.example.post@1 }
YAML
    cat >"$1/connectors/post/manifest.yaml" <<'YAML'
id: com.example.post
kind: connector
version: 1.0.0
entry: post.lua
resources:
  letter:
    read: {}
    write: { class: repeatable, sink: external, amount: amount, cost: { estimate: 0.02 USD } }
    attributes:
      to_domain: { of: [to, cc], fn: domain }
      recipients: { of: [to, cc], fn: count }
YAML
    cat >"$1/connectors/post/post.lua" <<'LUA'
local keel = require "keel"
return keel.connector { letter = {
  read = function() return { letters = 0 } end,
  write = function() return { posted = true } end,
} }
LUA
    cat >"$1/agents/clerk/manifest.yaml" <<'YAML'
id: com.example.clerk
name: clerk
kind: agent
version: 1.0.0
entry: clerk.lua
YAML
    cat >"$1/agents/clerk/clerk.lua" <<'LUA'
local keel = require "keel"
return keel.agent { run = function(ctx, input)
  local post = ctx.use "post"
  if input.helper then
    ctx.spawn("helper", { n = input.helper }, { key = input.key })
  elseif input.read then
    post.read("letter")
  elseif input.gone then
    ctx.use("fax").write("sheet", {})
  else
    local done, err = post.write("letter", { to = input.to, cc = input.cc, amount = input.amount })
    return { done = done ~= nil, code = err and err.code }
  end
end }
LUA
    cat >"$1/agents/helper/manifest.yaml" <<'YAML'
id: com.example.helper
name: helper
kind: agent
version: 1.0.0
entry: helper.lua
YAML
    cat >"$1/agents/helper/helper.lua" <<'LUA'
local keel = require "keel"
return keel.agent { run = function() end }
LUA
    cat >"$1/policies/office.yaml" <<'YAML'
version: 1
lists: { own: [studio.example] }
rules:
  - id: letters
    on: post.letter.write
    agents: [clerk]
    deny: { recipients: { gt: 1 } }
    allow: { to_domain: { in: $own } }
    ask: { amount: { lt: 100 EUR } }
  - id: helpers
    on: run.spawn
    allow: { agent: { in: [helper] } }
YAML
}

# before FIRST SECOND: both stand in the output, in this order.
before() {
    case $output in
    *"$1"*"$2"*) return 0 ;;
    esac
    printf 'not "%s" before "%s" in:\n%s\n' "$1" "$2" "$output" >&2
    return 1
}

# number NAME: of the line of JSON that sums up.
number() {
    printf '%s\n' "$output" | sed -n "/\"kind\":\"summary\"/s/.*\"$1\":\([0-9]*\)[,}].*/\1/p"
}
