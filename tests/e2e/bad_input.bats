# Bad input of every kind: each gets a message that says what, where and what next, and the exit code
# that `keel help exit-codes` promises; what was recorded before is there after it.

load helper

setup_file() {
    own_home
    export TEMPLATE=$BATS_FILE_TMPDIR/template
    workspace "$TEMPLATE" >&2
}

setup() {
    own_home
    export XDG_STATE_HOME=$BATS_TEST_TMPDIR/state
    W=$BATS_TEST_TMPDIR/studio
    cp -r "$TEMPLATE" "$W"
    cd "$W"
}

teardown() {
    stop_kernel "$W"
}

# refused STATUS PLACE WHAT COMMAND...: the command ends so by itself, names the place at
# the start of a line, says WHAT, and below it what to do next, indented.
refused() {
    local want=$1 place=$2 what=$3
    shift 3
    run timeout 30 "$@"
    [ "$status" -eq "$want" ] || { printf '%s: %s, not %s:\n%s\n' "$*" "$status" "$want" "$output" >&2; return 1; }
    has "$what"
    printf '%s\n' "$output" | grep -q "^$place" || { printf 'no place "%s" in:\n%s\n' "$place" "$output" >&2; return 1; }
    printf '%s\n' "$output" | grep -q '^  [A-Za-z`]' || { printf 'nothing to do next in:\n%s\n' "$output" >&2; return 1; }
}

# A workspace with four questions that wait, stopped.
with_history() {
    start_kernel "$W"
    keel do triage >/dev/null 2>&1 || [ $? -eq 3 ]
    keel down 2>/dev/null
    run keel inbox --json
    [ "${#lines[@]}" -eq 4 ]
}

# agent NAME SCRIPT: an agent whose manifest is right.
agent() {
    mkdir -p "agents/$1"
    printf 'id: com.example.%s\nname: %s\nkind: agent\nversion: 1.0.0\nentry: %s.lua\n' "$1" "$1" "$1" \
        >"agents/$1/manifest.yaml"
    printf '%s\n' "$2" >"agents/$1/$1.lua"
}

# ---- keel.yaml ----

# The text of the file, the place, a word of the message.
@test "keel.yaml of every broken kind is named by line and column" {
    while IFS='|' read -r text place what; do
        # shellcheck disable=SC2059
        printf "$text\n" >keel.yaml
        refused 2 ".*/keel.yaml:$place: " "$what" keel up --detach
        refused 2 ".*/keel.yaml:$place: " "$what" keel inbox
    done <<'TABLE'
name: x|1:1|version
version: 2|1:10|format 2
version: 1\nnme: x|2:1|Did you mean "name"
version: 1\nversion: 1|2:1|already at line 1
version: 1\nname: [a|2:7|not closed
version: 1\n\tname: x|2:1|tab
version: 1\nname: "\377"|2:8|not UTF-8
version: 1\ncurrency: euro|2:11|three capital letters
version: 1\ntimezone: Mars/X|2:11|time zone
version: 1\nconnections: 3|2:14|map
version: 1\nconnections:\n  inbox: {}|3:3|which connector
version: 1\nconnections:\n  inbox: { use: com.keel.mailbox }|3:17|ID@VERSION
version: 1\nconnections:\n  in box: { use: com.keel.mailbox@0.1 }|3:3|in box
version: 1\na: &x 1|2:4|anchor
version: 1\n---\nversion: 1|2:1|second document
TABLE
}

@test "a connection to a connector that is not there" {
    printf 'version: 1\nconnections:\n  inbox: { use: com.keel.nonesuch@0.1 }\n' >keel.yaml
    refused 2 '.*/keel.yaml:3:' 'no installed connector' keel up --detach
    printf 'version: 1\nconnections:\n  inbox: { use: com.keel.mailbox@9.1 }\n' >keel.yaml
    refused 2 '.*/keel.yaml:3:' 'no installed connector' keel up --detach
}

@test "keel.yaml that is a folder, too large, or cannot be read" {
    mv keel.yaml good.yaml
    mkdir keel.yaml
    refused 2 'keel: .*/keel.yaml' 'no regular file' keel up --detach
    rmdir keel.yaml
    head -c 300000 /dev/zero | tr '\0' '#' >keel.yaml
    refused 2 '.*/keel.yaml: ' 'larger than' keel up --detach
}

# ---- policies ----

@test "a policy of every broken kind is named by line and column, and no kernel starts with it" {
    while IFS='|' read -r text place what; do
        # shellcheck disable=SC2059
        printf "version: 1\n$text\n" >policies/starter.yaml
        refused 2 "policies/starter.yaml:$place: " "$what" keel policy check
        refused 2 "policies/starter.yaml:$place: " "$what" keel up --detach
    done <<'TABLE'
rulez: []|2:1|Did you mean "rules"
rules: {}|2:8|list
rules: [ x ]|2:10|map
rules: [ { id: a } ]|2:10|on is missing
rules: [ { id: a, on: x, ask: {} } ]|2:23|names no verb
rules: [ { id: a, on: inbox.message.write } ]|2:10|neither deny, allow nor ask
rules: [ { id: a, on: inbox.message.write, alow: {} } ]|2:44|Did you mean "allow"
rules: [ { id: a, on: inbx.message.write, ask: {} } ]|2:[0-9]*|Did you mean "inbox"
rules: [ { id: a, on: inbox.message.write, agents: [triag], ask: {} } ]|2:[0-9]*|Did you mean "triage"
rules: [ { id: a, on: inbox.message.write, ask: { recipients: { lt: few } } } ]|2:[0-9]*|compare with a number
rules: [ { id: a, on: inbox.message.write, ask: { recipients: { ltt: 1 } } } ]|2:[0-9]*|Did you mean "lt
rules: [ { id: a, on: inbox.message.write, ask: { to_domain: { in: $none } } } ]|2:[0-9]*|no list "none"
rules: [ { id: a, on: inbox.message.write, ask: {}, approval: { by: [me] } } ]|2:[0-9]*|not yet enforced
rules: [ { id: a, on: inbox.message.write, ask: {}, approval: { expires: soon } } ]|2:[0-9]*|expires
rules: [ { id: a, on: inbox.message.write, allow: { count: { per: 1h } } } ]|2:[0-9]*|nothing to compare with
rules: [ { id: a, on: inbox.message.write, allow: { sum: { fo: x, per: 1h, lt: 1 } } } ]|2:[0-9]*|not known here
fx: []|2:1|not yet enforced
retention: {}|2:12|list
compact: [ { of: working, when: "items > many", by: triage } ]|2:42|no number
compact: [ { of: working, when: "items > 9", by: triag } ]|2:[0-9]*|Did you mean "triage"
rates: {}|2:8|list
budgets: [ { id: a, scope: workspace, limit: 5 } ]|2:46|no limit
budgets: [ { id: a, scope: workspace, limit: 5 calls, window: week } ]|2:63|no window
defaults: { effect: allow }|2:21|always deny
lists: &a { a: [b] }|2:8|anchor
lists: !!set { a: [b] }|2:8|tag
TABLE
}

@test "a policy that is broken while Keel runs takes no force, and what was in force stays" {
    start_kernel "$W"
    keel policy show >before
    printf 'version: 1\nrulez: []\n' >policies/starter.yaml
    refused 2 'policies/starter.yaml:2:1: ' 'rulez' keel policy reload
    rm policies/starter.yaml
    refused 6 'keel: ' 'no .yaml file any more' keel policy reload
    keel policy show >after
    diff before after
}

@test "without a policy Keel says that everything is denied" {
    rm policies/starter.yaml
    refused 6 'keel: ' 'no .yaml file' keel policy check
    run keel up --detach
    [ "$status" -eq 0 ]
    has 'no policy'
}

@test "a policy that nobody would read" {
    cp policies/starter.yaml policies/b.yml
    refused 2 'keel: policies/b.yml' 'Rename it' keel policy check
    rm policies/b.yml
    ln -s /nowhere policies/z.yaml
    refused 6 'keel: .*/policies/z.yaml' 'no such file' keel policy check
}

# ---- manifests ----

@test "a manifest of every broken kind: by inspect, at the start, and where its agent is asked for" {
    agent bad 'return 1'
    cp agents/bad/manifest.yaml good.yaml
    while IFS='|' read -r change place what; do
        sed "$change" good.yaml >agents/bad/manifest.yaml
        refused 2 "agents/bad/manifest.yaml:$place: " "$what" keel plugin inspect agents/bad
        run keel up --detach
        [ "$status" -eq 0 ]
        printf '%s\n' "$output" | grep -q "agents/bad/manifest.yaml:$place: "
        refused 2 ".*agents/bad/manifest.yaml:$place: " "$what" keel do bad
        run keel do triage --detach # the others work
        [ "$status" -eq 0 ]
        keel down 2>/dev/null
    done <<'TABLE'
d|1:1|kind is missing
s/agent/agnt/|3:7|either agent or connector
s/1.0.0/one/|4:10|no version
s/bad.lua/..\/bad.lua/|5:8|without a folder
$a colour: red|6:1|not known here
$a memory: lots|6:9|memory
s/bad.lua/none.lua/|1:1|none.lua
TABLE
}

# ---- agents ----

@test "an agent that is no agent fails its run, and says why" {
    start_kernel "$W"
    n=0
    while IFS='|' read -r script what; do
        n=$((n + 1))
        agent "bad$n" "$script"
        keel policy reload 2>/dev/null
        run timeout 10 keel do "bad$n"
        [ "$status" -eq 1 ] || { echo "$script: $status $output" >&2; return 1; }
        has "$what"
        has 'keel run show'
    done <<'TABLE'
x =|bad1.lua:2:1:
return 1|does not return an agent
error("at load")|at load
os.exit(1)|os is not available
local k = require "keel" return k.agent { name = "bad5", version = "1.0.0" }|needs run
local k = require "keel" return k.agent { name = "other", version = "1.0.0", run = function() end }|other
local k = require "keel" return k.agent { name = "bad7", version = "1.0.0", run = function() error("on purpose") end }|on purpose
local k = require "keel" return k.agent { name = "bad8", version = "1.0.0", run = function() return print end }|function
local k = require "keel" return k.agent { name = "bad9", version = "1.0.0", run = function(ctx) ctx.nope() end }|no ctx.nope
local k = require "keel" return k.agent { name = "bad10", version = "1.0.0", run = function() return ("x"):rep(1e9) end }|memory
TABLE
    keel do triage --detach
}

@test "an agent that computes for ever: whoever waits is told" {
    agent loop 'local k = require "keel" return k.agent { name = "loop", version = "1.0.0",
        run = function() while true do end end }'
    start_kernel "$W"
    run timeout 5 keel do loop
    [ "$status" -eq 124 ]
    has 'nothing new for 3 s'
}

@test "a kernel that does not answer: whoever waits is told" {
    start_kernel "$W"
    pid=$(sed -n 's/.*"pid":\([0-9]*\).*/\1/p' .status)
    kill -STOP "$pid"
    run timeout 5 keel halt --why x
    kill -CONT "$pid"
    [ "$status" -eq 124 ]
    has 'has not answered for 3 s'
}

# ---- connectors ----

@test "a shared object that is none is refused when it is used, and says why" {
    mkdir -p connectors/c
    printf 'id: com.example.c\nname: c\nkind: connector\nabi: "0.1"\nversion: 1.0.0\nentry: c.so\nresources: { thing: { read: {} } }\n' \
        >connectors/c/manifest.yaml
    sed -i 's/^connections:/connections:\n  con: { use: com.example.c@1.0 }/' keel.yaml
    agent u 'local k = require "keel" return k.agent { name = "u", version = "1.0.0",
        run = function(ctx) return assert(ctx.use("con").read("thing", {})) end }'
    refused 2 'connectors/c/manifest.yaml:1:1: ' 'c.so' keel plugin inspect connectors/c
    refused 2 '.*/keel.yaml:' 'no installed connector' keel up --detach
    has 'connectors/c/manifest.yaml:1:1'
    for kind in empty text program; do
        case $kind in
        empty) : >connectors/c/c.so && what='0 bytes' ;;
        text) echo garbage >connectors/c/c.so && what='no shared object' ;;
        program) cp /bin/true connectors/c/c.so && what='a program' ;;
        esac
        rm -rf .keel/plugins
        start_kernel "$W"
        run timeout 10 keel do u
        [ "$status" -eq 1 ]
        has "$what"
        keel down 2>/dev/null
    done
}

# ---- mail ----

@test "mail that cannot be read fails the run that wants it, and nothing goes" {
    while IFS='|' read -r config what; do
        printf 'version: 1\nconnections:\n  inbox: { use: com.keel.mailbox@0.1, config: %s }\n' "$config" >keel.yaml
        start_kernel "$W"
        run timeout 10 keel do triage
        [ "$status" -eq 1 ] || { echo "$config: $status $output" >&2; return 1; }
        has "$what"
        keel down 2>/dev/null
    done <<'TABLE'
{ source: /nowhere, outbox: outbox, from: "a@b.c" }|/nowhere
{ sorce: ../x }|`source`
{ source: policies, file: none.mbox, outbox: outbox, from: "a@b.c" }|none.mbox
{ source: policies, file: starter.yaml, outbox: outbox, from: "a@b.c" }|should begin with "From "
{ source: policies, outbox: outbox, from: nobody }|`from`
{ source: .keel, outbox: outbox, from: "a@b.c" }|Keel's own files
TABLE
    run find outbox -type f
    [ -z "$output" ]
}

@test "odd mail is read as far as it can be" {
    mkdir box
    printf 'From a@b Thu Jan  1 00:00:00 2026\nTo: ada@studio.example\nFrom: "\377\376" <x@y.example>\nSubject: =?utf-8?q?\303?=\nContent-Type: text/plain; charset=nonesuch\n\nCould you send me a quote?\n\n' >box/m.mbox
    sed -i 's,source: .*,source: box,' keel.yaml
    start_kernel "$W"
    run keel do triage
    [ "$status" -eq 3 ]
    run keel inbox
    [ "$status" -eq 0 ]
    has 'x@y.example'
}

# ---- the database ----

# The kernel and the readers refuse, each saying the same, and the file is as it was.
refuses_database() {
    sum=$(cksum <.keel/keel.db)
    for c in 'inbox' 'run list' 'audit verify' 'up --detach'; do
        # shellcheck disable=SC2086
        refused 1 'keel: ' "$1" keel $c
    done
    [ "$sum" = "$(cksum <.keel/keel.db)" ]
    run keel doctor
    [ "$status" -eq 1 ]
}

@test "a database that is garbage, cut, another's, a newer one's" {
    with_history
    cp .keel/keel.db good.db
    head -c 8192 /dev/urandom >.keel/keel.db
    refuses_database 'no database of Keel'
    cp good.db .keel/keel.db
    truncate -s 20000 .keel/keel.db
    refuses_database 'damaged'
    rm .keel/keel.db
    sqlite3 .keel/keel.db 'CREATE TABLE x(y)'
    refuses_database 'another program'
    cp good.db .keel/keel.db
    sqlite3 .keel/keel.db 'PRAGMA user_version = 99'
    refuses_database 'newer Keel'
    cp good.db .keel/keel.db
    keel up --detach
    run keel inbox --json
    [ "${#lines[@]}" -eq 4 ]
}

@test "a database that is gone is not begun anew in silence" {
    with_history
    mv .keel/keel.db good.db
    rm -f .keel/keel.db-*
    run keel doctor
    [ "$status" -eq 1 ]
    has 'its database is not'
    refused 1 'keel: ' 'its anchor' keel up --detach
    has 'accept-rollback'
    : >.keel/keel.db
    refused 1 'keel: ' 'its anchor' keel up --detach
    cp good.db .keel/keel.db
    keel up --detach
    run keel inbox --json
    [ "${#lines[@]}" -eq 4 ]
}

@test "a lost database is begun anew when a person says so, and the journal tells it" {
    with_history
    rm -f .keel/keel.db*
    run keel up --detach --accept-rollback
    [ "$status" -eq 0 ]
    run keel logs --all
    has 'rollback accepted'
    run keel audit verify
    [ "$status" -eq 0 ]
}

@test "an anchor or a key that is not there, or another's" {
    with_history
    anchor=$(find "$XDG_STATE_HOME" -path '*studio-*/anchor' | head -n 1)
    mv "$anchor" anchor.good
    refused 1 'keel: ' 'is missing' keel up --detach
    refused 1 'keel: ' 'is missing' keel audit verify
    run keel doctor
    [ "$status" -eq 1 ]
    echo junk >"$anchor"
    refused 1 'keel: ' 'has no line of this workspace' keel up --detach
    run keel doctor
    [ "$status" -eq 1 ]
    has 'has no line of this workspace'
    cp anchor.good "$anchor"
    mv "$anchor.key" key.good
    refused 1 'keel: ' 'is missing' keel up --detach
    run keel doctor
    [ "$status" -eq 1 ]
    has 'anchor.key'
    cp -p key.good "$anchor.key"
    keel up --detach
}

@test "another name in keel.yaml leaves the anchor where it is" {
    with_history
    sed -i 's/^name: .*/name: "another"/' keel.yaml
    run keel up --detach
    [ "$status" -eq 0 ]
    run keel inbox --json
    [ "${#lines[@]}" -eq 4 ]
}

@test "files that others could change are closed, and doctor looks at them" {
    with_history
    chmod 777 .keel
    run keel doctor
    [ "$status" -eq 1 ]
    has 'can be reached by others'
}

# ---- commands ----

@test "commands that cannot be understood, each with what to do" {
    start_kernel "$W"
    while IFS='|' read -r want words what; do
        # shellcheck disable=SC2086
        refused "$want" 'keel: ' "$what" keel $words
    done <<'TABLE'
2|do|needs more words
2|do triage x|KEY=VALUE
6|do triag|triage
2|approve|needs more words
6|approve 77|no item 77
6|deny 77 --why x|no item 77
2|deny 77|--why
2|why abc|RUN:PATH
6|why 77|77
6|why 77:1|77:1
6|inbox 77|no item 77
6|inbox B9|no batch B9
6|run show 77|no run 77
6|run cancel 77|run 77
6|logs --run 77|no run 77
2|run list --limit|needs a value
2|costs --by|needs a value
2|unknown verdict 7|needs more words
2|audit very|help audit
2|--jsn|--json
6|-C /etc inbox|keel.yaml
TABLE
    refused 2 'keel: ' 'no UTF-8' keel halt --why "$(printf 'f\374r mich')"
    refused 2 'keel: ' '512 bytes; the record keeps 511' keel halt --why "$(printf '%512s' x)"
    run keel
    lacks halted
}

# ---- the disk and the terminal ----

@test "a folder that cannot be written" {
    rm -rf .keel # and a file in its place: root could write into any folder
    : >.keel
    refused 2 'keel: ' 'in the way' keel up --detach
}

@test "Ctrl-C ends a kernel in the foreground at once, in good order" {
    "$typist" -t 10 'ready' "$(printf '\003')" -- keel up >out
    grep -q 'stopping' out
    run keel audit verify
    [ "$status" -eq 0 ]
}

@test "a narrow terminal: no line is wider than it" {
    with_history
    for c in inbox 'run list' 'agent list' 'can correspondent' costs; do
        "$typist" -- sh -c "stty cols 60; keel $c" >out
        sed 's/…/./g' out | awk -v c="$c" 'length($0) > 60 && !/`/ { print c ": " $0; bad = 1 } END { exit bad }'
    done
}

@test "what keel do tells of a run is short: long input and results are named by their size" {
    start_kernel "$W"
    run keel do triage
    [ "$status" -eq 3 ]
    lacks 'input {"cursor'
    lacks 'result {'
    has 'bytes'
}
