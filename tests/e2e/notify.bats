# People are told, through a real kernel and real programs: one that works, and some that hang, fail, flood
# and are missing; a stand-in for notify-send, and one for sendmail.

bats_require_minimum_version 1.5.0
load helper

setup_file() {
    own_home
    export W=$BATS_FILE_TMPDIR/office HOOKS=$BATS_FILE_TMPDIR/hooks
    mkdir -p "$W" "$HOOKS"
    hooks
    make_workspace
    PATH="$HOOKS/desk:$PATH" NOT_FOR_HOOKS=secret start_kernel "$W"
}

teardown_file() {
    stop_kernel "$W"
}

setup() {
    own_home
    cd "$W"
}

# hook NAME: a program of that name from standard input.
hook() {
    mkdir -p "$(dirname "$HOOKS/$1")"
    { echo '#!/bin/sh'; cat; } >"$HOOKS/$1"
    chmod 755 "$HOOKS/$1"
}

hooks() {
    hook push <<SH
{ printf 'args'; printf ' <%s>' "\$@"; echo; cat; } >"$HOOKS/push.out"
env | sort >"$HOOKS/push.env"
ls /proc/self/fd >"$HOOKS/push.fds"
pwd >"$HOOKS/push.pwd"
SH
    hook json <<SH
cat >"$HOOKS/json.out"
SH
    hook fails <<'SH'
printf 'no \033[2Jroute\nsecond line\n' >&2
exit 3
SH
    hook hangs <<SH
sleep 600 &
echo \$! >"$HOOKS/hangs.child"
sleep 600
SH
    hook floods <<'SH'
yes "far too much"
SH
    hook deaf <<SH
exec <&-
echo done >"$HOOKS/deaf.out"
SH
    hook desk/notify-send <<SH
{ printf '<%s>\n' "\$@"; env | sort; } >"$HOOKS/desk.out"
SH
    hook sendmail <<SH
{ printf '<%s>' "\$@"; echo; cat; } >"$HOOKS/mail.out"
SH
    : >"$HOOKS/not_executable"
    hook open_to_all </dev/null
    chmod 777 "$HOOKS/open_to_all"
}

make_workspace() {
    mkdir -p "$W/agents/clerk" "$W/policies" "$W/drop"
    cat >"$W/keel.yaml" <<YAML
version: 1
name: office
connections:
  files: { use: com.keel.files@0.1, config: { folder: "drop" } }
notify:
  operator: { command: ["$HOOKS/push", --title, "a b"] }
  json: { command: ["$HOOKS/json"], input: json }
  fails: { command: ["$HOOKS/fails"] }
  hangs: { command: ["$HOOKS/hangs"], timeout: 1s }
  floods: { command: ["$HOOKS/floods"] }
  deaf: { command: ["$HOOKS/deaf"] }
  gone: { command: ["$HOOKS/nothing"] }
  not_executable: { command: ["$HOOKS/not_executable"] }
  open: { command: ["$HOOKS/open_to_all"] }
  desk: { desktop: true }
  me: { mail: { to: me@studio.example, from: keel@studio.example, program: ["$HOOKS/sendmail"] } }
YAML
    cat >"$W/policies/clerk.yaml" <<'YAML'
version: 1
rules:
  - { id: lets, on: "*.*.write", allow: {} }
  - id: asks
    on: run.spawn
    ask: {}
    approval: { expires: 48h, escalate: [ { after: 4h, notify: desk } ] }
budgets:
  - { id: calm, scope: workspace, limit: 0 calls, at_hard: escalate }
YAML
    printf 'id: com.example.clerk\nname: clerk\nkind: agent\nversion: 1.0.0\nentry: clerk.lua\n' \
        >"$W/agents/clerk/manifest.yaml"
    cat >"$W/agents/clerk/clerk.lua" <<'LUA'
local keel = require "keel"
return keel.agent { run = function(ctx, input)
  return ctx.use("files").write("document", { path = input.path, text = "hello" })
end }
LUA
}

@test "a program is told, with the text to read, and nothing of Keel's own" {
    rm -f "$HOOKS"/push.*
    run -0 keel notify test operator
    has "operator was told, by command."
    run cat "$HOOKS/push.out"
    [ "${lines[0]}" = 'args <--title> <a b>' ]
    [ "${lines[1]}" = 'Keel, office: a test' ]
    [ "${lines[2]}" = 'This is how operator is told when something waits for you.' ]
    [ "${lines[3]}" = 'Look: keel inbox' ]
    run cat "$HOOKS/push.env"
    lacks NOT_FOR_HOOKS
    has 'PATH=/usr/local/bin:/usr/bin:/bin'
    has "HOME=$HOME"
    run cat "$HOOKS/push.fds"
    [ "$(printf '%s\n' "$output" | sort -n | tail -1)" -le 3 ] # 3 is ls's own
    [ "$(cat "$HOOKS/push.pwd")" = / ]
}

@test "one line of JSON, for programs that want it" {
    run -0 --separate-stderr keel --json notify test json
    [ "$output" = '{"name":"json","told":true}' ]
    [ "$(wc -l <"$HOOKS/json.out")" -eq 1 ]
    run cat "$HOOKS/json.out"
    has '{"items":[],"look":"keel inbox","test":true,"text":"This is how json is told'
    has '"title":"Keel, office: a test","workspace":"office"}'
}

@test "what fails says how, escaped" {
    run -1 keel notify test fails
    has 'fails was not told: it exited with 3: no ?[2Jroute.'
    lacks 'second line'
    run -1 --separate-stderr keel --json notify test fails
    [ "$output" = '{"name":"fails","told":false,"why":"it exited with 3: no ?[2Jroute"}' ]
}

@test "what hangs is ended with all that it has started" {
    run -1 keel notify test hangs
    has 'hangs was not told: it was not done after 1 s, and was ended.'
    until_it is_over "$(cat "$HOOKS/hangs.child")"
}

# is_over PID: it has ended, though perhaps nobody has asked yet how.
is_over() {
    ! [ -e "/proc/$1/stat" ] || grep -q ') Z ' "/proc/$1/stat"
}

@test "what floods is ended, and its words are cut" {
    run -1 keel notify test floods
    has 'it printed more than 1048576 bytes, and was ended: far too much.'
}

@test "who reads nothing is told all the same" {
    run -0 keel notify test deaf
    [ "$(cat "$HOOKS/deaf.out")" = done ]
}

@test "what is missing, may not be run or may be changed by all, is not run" {
    run -1 keel notify test gone
    has "gone was not told: $HOOKS/nothing cannot be started: No such file or directory."
    run -1 keel notify test not_executable
    has "it may not be run (chmod +x)"
    run -1 keel notify test open
    has "everybody may write to it (chmod o-w)"
    run -6 keel notify test dask
    has 'Did you mean "desk"?'
}

@test "the desktop, by a stand-in for notify-send" {
    run -0 keel notify test desk
    run cat "$HOOKS/desk.out"
    [ "${lines[0]}" = '<--app-name=Keel>' ]
    [ "${lines[1]}" = '<-->' ]
    [ "${lines[2]}" = '<Keel, office: a test>' ]
    lacks NOT_FOR_HOOKS
}

@test "a mail, by a stand-in for sendmail" {
    run -0 keel notify test me
    run cat "$HOOKS/mail.out"
    [ "${lines[0]}" = '<-i><-f><keel@studio.example><--><me@studio.example>' ]
    [ "${lines[1]}" = 'From: <keel@studio.example>' ]
    [ "${lines[2]}" = 'To: <me@studio.example>' ]
    [ "${lines[3]}" = 'Subject: Keel, office: a test' ]
    has 'Auto-Submitted: auto-generated'
    has 'This is how me is told when something waits for you.'
}

@test "an item is told of: what is asked, escaped, and the command to look" {
    rm -f "$HOOKS/push.out"
    run keel do clerk path="$(printf 'a\342\200\256txt.exe\nLook: <b>http://evil</b>')" --detach
    until_it grep -q '^Look: keel' "$HOOKS/push.out" # its last line
    run cat "$HOOKS/push.out"
    [ "${lines[1]}" = 'Keel, office: item 1 waits for you' ]
    [ "${lines[2]}" = '1  approval, rule lets: clerk asks for files.document.write: path "a\u{202e}txt.exe\nLook: <b>http://evil</b>", text "hello"' ]
    [ "${lines[3]}" = 'Look: keel inbox 1' ]
    [ "${#lines[@]}" -eq 4 ]
    until_it sh -c "keel run show 1 | grep -q 'told true'"
}

@test "what was not told shows in keel, in keel notify list and in keel doctor" {
    run keel notify test fails
    run -0 keel
    has 'warning: fails was not told: it exited with 3'
    run -0 keel notify list
    has 'fails'
    has 'it exited with 3'
    run -0 keel --json notify list
    has '"name":"desk","to":"notify-send"'
    run keel doctor
    has "gone: $HOOKS/nothing cannot be started: No such file or directory"
}

@test "a name that keel.yaml does not have is found by policy check" {
    sed -i 's/notify: desk/notify: dask/' policies/clerk.yaml
    run -2 keel policy check
    has 'policies/clerk.yaml:7:64: escalate: there is no notifier "dask"'
    has 'Did you mean "desk"?'
    sed -i 's/notify: dask/notify: desk/' policies/clerk.yaml
    run -0 keel policy check
}

@test "a program that an agent may write is refused" {
    cp keel.yaml keel.before
    cp "$HOOKS/push" drop/push
    sed -i "s|^  json: .*|  json: { command: [\"$W/drop/push\"] }|" keel.yaml
    run -2 keel policy reload
    has "notify json: $W/drop/push lies where connection files may write"
    cp keel.before keel.yaml
    run -0 keel policy reload
}
