# keel policy check as a person meets it: each fault and each warning with its line and a caret.

load ../e2e/helper

setup() {
    own_home
    W=$BATS_TEST_TMPDIR/studio
    mkdir -p "$W/policies" "$W/agents/triage" "$W/connectors/mail"
    cd "$W"
    printf 'version: 1\nconnections:\n  inbox: { use: com.example.mail@0.1 }\n' >keel.yaml
    cat >agents/triage/manifest.yaml <<'YAML'
kind: agent
id: com.example.triage
name: triage
version: 1.0.0
entry: triage.lua
YAML
    echo 'return {}' >agents/triage/triage.lua
    cat >connectors/mail/manifest.yaml <<'YAML'
kind: connector
id: com.example.mail
version: 0.1.0
entry: mail.lua
resources:
  message:
    read: {}
    write: { class: checkable, sink: external }
    attributes: { to_domain: { of: to, fn: domain }, recipients: { of: to, fn: count } }
YAML
    echo 'return {}' >connectors/mail/mail.lua
}

# rules FILE: the rest of the line's rules come from standard input.
rules() {
    { printf 'version: 1\nrules:\n'; cat; } >"policies/$1.yaml"
}

# shows LINE: a whole line of the output.
shows() {
    grep -qxF -- "$1" <<<"$output" && return 0
    printf 'no line "%s" in:\n%s\n' "$1" "$output" >&2
    return 1
}

@test "a fault is shown with its line, a caret below the place, and what to do" {
    rules a <<'YAML'
  - { id: a, on: inbox.message.wirte, ask: {} }
YAML
    run keel policy check
    [ "$status" -eq 2 ]
    [ "$output" = 'policies/a.yaml:3:18: "wirte" is no verb
    3 │   - { id: a, on: inbox.message.wirte, ask: {} }
      │                  ^
  Did you mean "write"?' ]
}

@test "all faults of all files are shown, in the order of the files and their lines" {
    printf 'version: 1\nlists: { own: [x, 5] }\nrulse: []\n' >policies/a.yaml
    rules b <<'YAML'
  - { id: one, on: inbox.message.write, aks: {} }
  - { id: two, on: inbox.mesage.write, ask: {} }
  - { id: three, on: inbox.message.write, agents: [triage, triaeg], ask: {} }
  - { id: four, on: inbox.message.write, allow: { to_domain: { in: $own } } }
  - { id: two, on: inbx.message.write, ask: {} }
YAML
    run keel policy check
    [ "$status" -eq 2 ]
    places=$(grep -o '^policies/[a-z.:0-9]*' <<<"$output" | tr '\n' ' ')
    [ "$places" = 'policies/a.yaml:2:19: policies/a.yaml:3:1: policies/b.yaml:3:41: policies/b.yaml:4:20: policies/b.yaml:5:60: policies/b.yaml:7:20: ' ]
    has 'Did you mean "rules"?'
    has 'Did you mean "message"?'
    has 'Did you mean "triage"?'
    has 'Did you mean "inbox"?'
    run keel policy check --json
    [ "$status" -eq 2 ]
    [ "$(grep -c '"kind":"fault"' <<<"$output")" -eq 6 ]
    [ "$(head -n 1 <<<"$output" | tr ',' '\n' | grep -c -e '"column":19' -e '"line":2')" -eq 2 ]
}

@test "names, doubles, currencies and verbs that do not exist: each is found" {
    while IFS='|' read -r rule column what next; do
        rules a <<<"  - { id: a, $rule }"
        run keel policy check
        [ "$status" -eq 2 ]
        has "policies/a.yaml:3:$column: "
        has "$what"
        has "$next"
        shows "$(printf '      │ %*s' "$column" '^')"
    done <<'TABLE'
on: inbox.message.compensate, ask: {}|18|there is no such verb in the manifest for "inbox.message.compensate"|keel connection show
on: inbox.message.send, ask: {}|18|"send" is no verb|The verbs are read, write and compensate
on: outbox.message.write, ask: {}|18|there is no connection "outbox"|keel connection list
on: [inbox.message.write, inbox.mail.write], ask: {}|40|there is no resource of the connection inbox "mail"|keel connection show
on: inbox.message.write, agents: [bookkeeper], ask: {}|48|there is no agent "bookkeeper"|keel agent list
on: inbox.message.write, ask: {}, ask: {}|48|the key "ask" is already at line 3|Keep one
on: inbox.message.write, ask: { to_domain: { in: $own } }|63|there is no list "own"|lists: { own
on: inbox.message.write, allow: { amount: { lt: 5 EUR, gt: 1 USD } }|56|mixed currencies|never converted
on: inbox.message.write, allow: { amount: { in: [5 EUR] } }, ask: { amount: { lt: 5 USD } }|82|compares amount in EUR and in USD|Write a rule for each
on: inbox.message.write, allow: { amount: { less: 5 } }|58|the key "less" is not known here|Known here: lt, lte
TABLE
}

@test "rules and bands that never matter are warned about, with their lines" {
    rules a <<'YAML'
  - { id: all, on: "*.*.write", deny: {} }
  - { id: mail, on: inbox.message.write, agents: [triage], allow: {} }
  - { id: both, on: run.spawn, allow: {}, ask: {} }
  - { id: never, on: run.spawn, agents: [triage], allow: { n: { gt: 5, lt: 3 } } }
  - { id: other, on: "*.note.write", deny: {} }
  - { id: typo, on: inbox.message.read, deny: { recipient: { gt: 3 } } }
YAML
    run keel policy check
    [ "$status" -eq 0 ]
    has 'warning: policies/a.yaml:4:5: rule mail is shadowed: all always decides first'
    shows '    4 │   - { id: mail, on: inbox.message.write, agents: [triage], allow: {} }'
    shows '      │     ^'
    has 'policies/a.yaml:5:48: rule both: its ask is never reached'
    has 'policies/a.yaml:6:60: rule never: its allow never holds'
    has 'rule other matches nothing in this workspace'
    has 'Did you mean "recipients"?'
    has '6 rules in 1 file, no faults, 5 warnings'
}

@test "a limit in tokens of what asks no model is warned about" {
    cat >policies/a.yaml <<'YAML'
version: 1
budgets:
  - { id: words, scope: workspace, limit: 5000 tokens }
  - { id: reads, scope: workspace, on: "inbox.*.read", limit: 5000 tokens }
YAML
    run keel policy check
    [ "$status" -eq 0 ]
    has 'policies/a.yaml:3:5: budget words counts no tokens: nothing that it is about asks a model'
    has 'policies/a.yaml:4:5: budget reads counts no tokens'
    has '2 warnings'
    sed -i 's/class: checkable/class: checkable, tokens: { input: 10, output: 10 }/' connectors/mail/manifest.yaml
    run keel policy check
    [ "$status" -eq 0 ]
    lacks 'budget words counts no tokens'
    has 'policies/a.yaml:4:5: budget reads counts no tokens'
}

@test "a list of one file is known in the other" {
    printf 'version: 1\nlists: { own: [studio.example] }\n' >policies/b.yaml
    rules a <<'YAML'
  - { id: a, on: inbox.message.write, allow: { to_domain: { in: $own } }, ask: {} }
YAML
    run keel policy check
    [ "$status" -eq 0 ]
    has '1 rule in 2 files, no faults, 0 warnings'
}

@test "a line that could command the terminal is shown, not obeyed" {
    printf 'version: 1\nrules:\n  - { id: "\\e[2J", on: "*", ask: {} } # \303\244\n' >policies/a.yaml
    run keel policy check
    [ "$status" -eq 2 ]
    lacks $'\033'
    shows '    3 │   - { id: "\e[2J", on: "*", ask: {} } # ä'
    printf 'version: 1\nrules:\n  - { id: "\033[2J", on: "*", ask: {} }\n' >policies/a.yaml
    run keel policy check
    [ "$status" -eq 2 ]
    lacks $'\033'
    shows '    3 │   - { id: "\u{1b}[2J", on: "*", ask: {} }'
    shows '      │            ^'
}

@test "files without a workspace, and a reload that is only tried" {
    rules a <<'YAML'
  - { id: a, on: outbox.message.write, aks: {} }
YAML
    run keel policy reload --dry-run
    [ "$status" -eq 2 ]
    has 'policies/a.yaml:3:40: the key "aks"'
    cp policies/a.yaml "$BATS_TEST_TMPDIR/alone.yaml"
    cd "$BATS_TEST_TMPDIR"
    run keel policy check alone.yaml
    [ "$status" -eq 2 ]
    shows '    3 │   - { id: a, on: outbox.message.write, aks: {} }'
    sed -i 's/aks/ask/' alone.yaml
    run keel policy check alone.yaml
    [ "$status" -eq 0 ]
    has '1 rule in 1 file, no faults, 0 warnings'
}

@test "what nothing uses yet is said once for each key, and is no fault" {
    printf 'version: 1\ntiers: { fast: { models: [m] } }\nretention: [ { of: cache, ttl: 7d } ]\n' >policies/a.yaml
    printf 'version: 1\ncompact:\n  - { of: working, when: "items > 200", by: triage, tier: fast }\n' >policies/b.yaml
    run keel policy check
    [ "$status" -eq 0 ]
    shows 'warning: policies/a.yaml:2:10: tiers: no verb of this workspace has the attribute tier: nothing uses them'
    shows 'warning: policies/a.yaml:3:14: retention: nothing in this version uses it yet'
    shows 'warning: policies/b.yaml:3:5: compact: nothing in this version uses it yet'
    shows '0 rules in 2 files, no faults, 3 warnings'
}

@test "when memory is condensed is read to the letter: the caret stands below the part that is wrong" {
    printf 'version: 1\ncompact:\n  - { of: working, when: "items >> 200", by: triage }\n' >policies/a.yaml
    run keel policy check
    [ "$status" -eq 2 ]
    [ "$output" = 'policies/a.yaml:3:33: behind what is counted stands > or >=
    3 │   - { of: working, when: "items >> 200", by: triage }
      │                                 ^
  Write for example { of: working, when: "items > 200", by: librarian, tier: fast }.' ]
}
