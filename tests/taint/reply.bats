# to_origin: the mail that ships, read from a mailbox and answered. What goes by itself is an answer to who has
# written; what people then see of it, and what the tools that decide again make of it.

bats_require_minimum_version 1.5.0
load helper

setup_file() {
    own_home
    export W=$BATS_FILE_TMPDIR/studio
    workspace "$W" >&2
    writer "$W"
    cd "$W"
    rm policies/starter.yaml
    the_rules ''
    start_kernel "$W"
}

teardown_file() {
    stop_kernel "$W"
}

setup() {
    own_home
    cd "$W"
}

# writer FOLDER: an agent that reads one mail, if it is told to, and writes what it is told.
writer() {
    mkdir -p "$1/agents/writer"
    printf 'id: com.example.writer\nname: writer\nkind: agent\nversion: 1.0.0\nentry: writer.lua\n' \
        >"$1/agents/writer/manifest.yaml"
    cat >"$1/agents/writer/writer.lua" <<'LUA'
local keel = require "keel"
return keel.agent { run = function(ctx, input)
  if input.read then
    ctx.use("inbox").read("message", { id = input.read })
  end
  local sent, err = ctx.use("inbox").write("message",
    { to = { input.to }, bcc = input.bcc, subject = "Re", body = "Hello.", in_reply_to = input.answers,
      to_origin = nil })
  return { sent = sent ~= nil, code = err and err.code }
end }
LUA
}

# the_rules MORE: in force, with more rules.
the_rules() {
    cat >policies/mail.yaml <<YAML
version: 1
rules:
  - { id: starts, on: run.spawn, agents: [triage], allow: { agent: { in: [correspondent] } } }
  - id: replies
    on: inbox.message.write
    allow: { to_origin: true }
    ask: {}
$1
YAML
    keel policy reload 2>/dev/null || true
}

newest() {
    keel run list --json | grep '"agent":"writer"' | tail -1 | sed 's/.*"run":\([0-9]*\).*/\1/'
}

@test "answers to who wrote go by themselves, over a whole day's mail" {
    run keel do triage
    [ "$status" -eq 0 ]
    run find "$W" "$W.mail" -path '*outbox*new*' -type f
    [ "${#lines[@]}" -eq 4 ] || { keel inbox >&2; return 1; }
    run sqlite3 "file:.keel/keel.db?mode=ro" \
        "SELECT count(*) FROM effect WHERE target = 'inbox.message.write' AND state = 'done'"
    [ "$output" = 4 ]
}

@test "why says what was seen" {
    keel do writer read=m1@client.example answers=m1@client.example to=bea1@client.example
    run keel why "$(newest):2"
    has 'rule replies'
    has 'to_origin is true'
}

@test "who did not write it is asked for, and so is what was not read" {
    run keel do writer read=m1@client.example answers=m1@client.example to=x@evil.example
    [ "$status" -eq 3 ]
    run keel why "$(newest):2"
    has 'to_origin is false'
    run keel do writer read=m1@client.example answers=m2@client.example to=bea2@client.example
    [ "$status" -eq 3 ]
    run keel do writer answers=m1@client.example to=bea1@client.example
    [ "$status" -eq 3 ]
    run keel do writer read=m1@client.example answers=m1@client.example to=bea1@client.example \
        bcc=x@evil.example
    [ "$status" -eq 3 ]
    run keel do writer read=m1@client.example to=bea1@client.example
    [ "$status" -eq 3 ]
}

@test "a mail that copies another's id makes both nobody's" {
    sed -e 's/^From: .*/From: Mallory <m@evil.example>/' -e 's/^Subject: .*/Subject: Copied/' \
        "$W.mail/new/1003.a.host" >"$W.mail/new/1009.a.host"
    keel do writer read=m2@client.example answers=m2@client.example to=bea2@client.example
    cat >agents/writer/writer.lua <<'LUA'
local keel = require "keel"
return keel.agent { run = function(ctx)
  ctx.use("inbox").read("message", {})
  local _, err = ctx.use("inbox").write("message", { to = "bea3@client.example", subject = "Re",
    body = "Hello.", in_reply_to = "m3@client.example" })
  return { code = err and err.code }
end }
LUA
    sed -i 's/1\.0\.0/1.0.1/' agents/writer/manifest.yaml
    keel policy reload
    run keel do writer
    [ "$status" -eq 3 ]
    run keel why "$(newest):2"
    has 'to_origin is false'
    rm "$W.mail/new/1009.a.host"
}

@test "a backtest decides by what was recorded" {
    cat >"$BATS_TEST_TMPDIR/new.yaml" <<'YAML'
version: 1
rules:
  - { id: starts, on: run.spawn, agents: [triage], allow: { agent: { in: [correspondent] } } }
  - { id: only-replies, on: inbox.message.write, allow: { to_origin: true } }
YAML
    run keel policy backtest "$BATS_TEST_TMPDIR/new.yaml" --since 1d --json
    [ "$status" -eq 0 ]
    lacks '"change":"allowed"'
    asked=$(sqlite3 "file:.keel/keel.db?mode=ro" "SELECT count(*) FROM effect
        WHERE target = 'inbox.message.write' AND state = 'waiting'")
    [ "$asked" -ge 5 ]
    [ "$(grep -c '"change":"denied"' <<<"$output")" -eq "$asked" ]
}

@test "cases state it, and of what is no answer they may not" {
    mkdir -p policies/tests
    cat >policies/tests/mail.yaml <<'YAML'
version: 1
cases:
  - { name: a reply, agent: writer, on: inbox.message.write, args: { to: [x@y.example] }, to_origin: true,
      expect: allow, rule: replies }
  - { name: no reply, agent: writer, on: inbox.message.write, args: { to: [x@y.example] }, expect: ask }
  - { name: an argument, agent: writer, on: inbox.message.write, args: { to_origin: true }, expect: ask }
YAML
    run keel policy test
    [ "$status" -eq 0 ]
    has '3'
    printf '  - { name: a read, agent: writer, on: inbox.message.read, to_origin: true, expect: allow }\n' \
        >>policies/tests/mail.yaml
    run -2 keel policy test
    has 'mail.yaml:7:'
    has 'is no answer'
    rm policies/tests/mail.yaml
}

@test "a rule over what knows no answers is warned of" {
    printf '  - { id: starting, on: run.spawn, deny: { to_origin: true } }\n' >>policies/mail.yaml
    run keel policy check
    [ "$status" -eq 0 ]
    has 'rule starting looks at to_origin, and no connector that it covers says what an answer is'
    sed -i '$d' policies/mail.yaml
    run keel policy check
    lacks to_origin
}
