# What an approval covers beside what was shown: batches as their rule says, digests that gather, and
# grants, from the card that tells of them to their end. One workspace and one kernel for the whole file.

bats_require_minimum_version 1.5.0
load helper

setup_file() {
    own_home
    export W=$BATS_FILE_TMPDIR/office TMUX_TMPDIR=$BATS_FILE_TMPDIR
    mkdir -p "$W/policies" "$W/docs"
    cat >"$W/keel.yaml" <<'YAML'
version: 1
connections:
  docs: { use: com.keel.files@0.1, config: { folder: docs } }
YAML
    policy ada
    for name in ada ben cleo; do
        make_agent "$name"
    done
    start_kernel "$W"
    "$typist" 'with (new): ' "$secret" 'again: ' "$secret" -- keel -C "$W" approver set >&2
}

teardown_file() {
    tmux -L keel -f /dev/null kill-server 2>/dev/null || true
    stop_kernel "$W"
}

setup() {
    own_home
    cd "$W"
}

# The rule of ada and cleo remembers; ben's gathers for a time that is twelve hours away, or so.
policy() {
    far=$(printf '%02d:00' $((($(date -u +%-H) + 12) % 24)))
    cat >"$W/policies/desk.yaml" <<YAML
version: 1
rules:
  - id: notes-ask
    on: docs.document.write
    agents: [$1, cleo]
    ask: { path: { matches: "*-*" } }
    approval:
      expires: 24h
      edit: [text]
      batch: { by: [expect], max: 2 }
      remember: { for: 1h, max_uses: 2, vary: [text] }
  - id: not-urgent
    on: docs.document.write
    agents: [ben]
    ask: {}
    approval: { expires: 48h, digest: ["$far"], edit: [text] }
YAML
}

make_agent() {
    mkdir -p "$W/agents/$1"
    printf 'id: com.example.%s\nname: %s\nkind: agent\nversion: 1.0.0\nentry: main.lua\n' "$1" "$1" \
        >"$W/agents/$1/manifest.yaml"
    cat >"$W/agents/$1/main.lua" <<'LUA'
local keel = require "keel"
return keel.agent { run = function(ctx, input)
  local done, err = ctx.use("docs").write("document",
    { path = input.path, text = input.text, expect = input.expect })
  return { done = done ~= nil }
end }
LUA
}

# The number of what waits last.
last() {
    keel --json inbox --all | sed -n 's/.*"number":\([0-9]*\).*/\1/p' | sort -n | tail -1
}

@test "the card says what a remembered approval would cover, and a plain one covers nothing more" {
    run keel do ada path=a-1 text=one
    [ "$status" -eq 3 ]
    n=$(last)
    run keel --no-input inbox "$n"
    has "with keel approve $n --remember, also up to 2 more within 1 h by ada to do docs.document.write, without asking"
    has "all arguments the same but text, which may be anything or missing as long as path stays the same"
    has "of runs that have read nothing untrusted and nothing above internal"
    as_approver keel approve "$n"
    run keel grant list
    has "No grant is in force"
    run keel do ada path=a-1 text=one
    [ "$status" -eq 3 ]
}

@test "a remembered approval covers what is alike, as often as it says" {
    n=$(last)
    run as_approver keel approve "$n" --remember
    [ "$status" -eq 0 ]
    has "remembered as grant $n: keel grant show $n"
    run keel grant list
    has "in force"
    has "docs.document.write"
    run keel --json grant list
    has '"left":2'
    run keel do ada path=a-1 text=two
    [ "$status" -eq 0 ]
    [ "$(cat docs/a-1)" = two ]
    run keel why 3:1
    has "under grant $n, by operator: not asked again; keel grant show $n"
    run keel grant show "$n"
    has "ada may do docs.document.write without asking"
    has "1 of 2"
    has "3:1"
    run keel do ada path=a-2 text=two # another path
    [ "$status" -eq 3 ]
    run keel do ada path=a-1 text=three
    [ "$status" -eq 0 ]
    run keel do ada path=a-1 text=four
    [ "$status" -eq 3 ]
    run keel grant list --all
    has "used up"
    keel deny "$(last)" --why no
    keel deny "$(last)" --why no
}

@test "a grant is revoked, and ends with its rule" {
    keel do ada path=r-1 text=one || [ $? -eq 3 ]
    n=$(last)
    as_approver keel approve "$n" -r
    run keel grant revoke "$n" --why enough
    [ "$status" -eq 0 ]
    run -6 keel grant revoke "$n"
    has "not in force"
    run -6 keel grant revoke 999
    run keel grant show "$n"
    has "[ended]"
    has "by operator: enough"
    keel do ada path=r-1 text=one || [ $? -eq 3 ]
    n=$(last)
    as_approver keel approve "$n" --remember
    policy "ada, ben"
    keel policy reload
    run keel --json grant show "$n"
    has '"ended_why":"its rule, or a list of it, has changed"'
    keel do ada path=r-1 text=one || [ $? -eq 3 ]
    keel deny "$(last)" --why no
    policy ada
    keel policy reload
}

@test "what cannot be remembered is said before anything is signed" {
    keel do ada path=x-1 text=one || [ $? -eq 3 ]
    n=$(last)
    keel do ben path=x-2 text=one || [ $? -eq 3 ]
    m=$(last)
    run -2 keel --no-input approve "$n" "$m" --remember
    has "Only one item at a time can be remembered"
    run -2 keel --no-input approve "$n" --remember --set text=other
    has "What is edited cannot be remembered"
    run -5 keel --no-input approve "$m" --remember
    has "Item $m cannot be remembered"
    as_approver keel approve "$n" --set text=other
    until_it reads other docs/x-1
    run keel --json grant list
    [ -z "$output" ]
    keel deny "$m" --why no
}

@test "what is gathered for a digest is no interruption, and can be seen and decided before" {
    keel do ben path=d-1 text=one || [ $? -eq 3 ]
    keel do ben path=d-2 text=two || [ $? -eq 3 ]
    m=$(last)
    run keel --no-input inbox
    has "Nothing needs you."
    has "2 more are gathered for digests, the next at "
    has 'keel inbox --all'
    run keel
    has "0 items need you"
    has "2 more are gathered for digests"
    run keel --no-input inbox --all
    has "DIGEST IN"
    has "ben"
    run keel --no-input inbox "$m"
    has "for the digest in "
    as_approver keel approve "$m"
    until_it reads two docs/d-2
    run keel --no-input inbox
    has "1 more is gathered for a digest"
    run keel --json inbox
    [ -z "$output" ]
    keel deny "$((m - 1))" --why no
}

@test "a batch is what its rule says: of several agents, and of one attribute" {
    for who in ada cleo; do
        keel do "$who" "path=b-$who" text=one expect=absent || [ $? -eq 3 ]
    done
    keel do ada path=b-3 text=one expect=another || [ $? -eq 3 ]
    n=$(last)
    run keel inbox --batch --no-input
    has ": 2 by "
    b=$(printf '%s\n' "$output" | sed -n 's/^\(B[0-9]*\): 2 by.*/\1/p')
    run as_approver keel approve "$b"
    [ "$status" -eq 0 ]
    until_it reads oneone docs/b-ada docs/b-cleo
    run keel --json inbox
    has "\"number\":$n"
    keel deny "$n" --why no
}

@test "what was denied is not asked for again, until a person lifts it" {
    keel do ben path=no-1 text=one || [ $? -eq 3 ]
    n=$(last)
    keel deny "$n" --why "not this one"
    run keel do ben path=no-1 text=one
    has "operator has denied exactly this already"
    has "(item $n): not this one"
    has "keel denial lift $n"
    lacks "No rule lets it through"
    [ "$(last)" = "" ] || [ "$(last)" != "$n" ]
    run keel denial list
    has "not this one"
    run keel --json denial list
    has "\"number\":$n"
    at=$(keel --json logs | sed -n 's/.*"kind":"effect.denied".*"run":\([0-9]*\).*/\1/p' | tail -1)
    run keel why "$at:1"
    has "lifted by   the approver, once: keel override $at:1"
    has "keel denial lift $n"
    run as_approver keel override "$at:1" --why "this once"
    has "operator has denied exactly this already"
    has "let through once"
    until_it reads one docs/no-1
    run -6 keel denial lift 999
    has "keel denial list"
    run keel denial lift "$n" --why "changed my mind"
    [ "$status" -eq 0 ]
    run keel denial list
    has "No denial stands" || lacks "not this one"
    keel do ben path=no-1 text=one || [ $? -eq 3 ]
    keel deny "$(last)" --why no
}

@test "in the view R approves one and remembers it" {
    keel do cleo path=v-1 text=one || [ $? -eq 3 ]
    n=$(last)
    tmux -L keel -f /dev/null -u new-session -d -s view -x 110 -y 40 "keel inbox; sleep 100"
    for _ in $(seq 100); do
        tmux -L keel -f /dev/null capture-pane -p -t view | grep -q 'up to 2 more' && break
        sleep 0.1
    done
    sleep 0.5
    tmux -L keel -f /dev/null send-keys -t view R
    for _ in $(seq 100); do
        tmux -L keel -f /dev/null capture-pane -p -t view | grep -q 'to be remembered' && break
        sleep 0.1
    done
    tmux -L keel -f /dev/null send-keys -t view -l "$secret"
    tmux -L keel -f /dev/null send-keys -t view Enter
    for _ in $(seq 100); do
        [ -n "$(keel --json grant list)" ] && break
        sleep 0.1
    done
    run keel --json grant list
    has "\"number\":$n"
    run keel do cleo path=v-1 text=two
    [ "$status" -eq 0 ]
}
