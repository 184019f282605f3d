# keel inbox as a person sees it: on a terminal, full screen, by keys. The terminal is tmux, which tells
# what stands on it. One workspace and one kernel for the whole file; the tests follow each other.

bats_require_minimum_version 1.5.0
load helper

agents='ada ben cleo dora emil fay gus hal ida jan kim lou'

setup_file() {
    own_home
    export W=$BATS_FILE_TMPDIR/office TMUX_TMPDIR=$BATS_FILE_TMPDIR SCREENS=$BATS_FILE_TMPDIR/screens
    mkdir -p "$W/policies" "$W/docs" "$SCREENS"
    cat >"$W/keel.yaml" <<'YAML'
version: 1
connections:
  docs: { use: com.keel.files@0.1, config: { folder: docs } }
YAML
    cat >"$W/policies/desk.yaml" <<'YAML'
version: 1
rules:
  - id: notes-ask
    on: docs.document.write
    ask: {}
    approval: { by: [operator], expires: 24h, on_expiry: deny, edit: [text], batch: { max: 25 } }
YAML
    for name in $agents; do
        make_agent "$name"
    done
    start_kernel "$W"
    "$typist" 'with (new): ' "$secret" 'again: ' "$secret" -- keel -C "$W" approver set >&2
}

teardown_file() {
    tm kill-server 2>/dev/null || true
    stop_kernel "$W"
}

setup() {
    own_home
    cd "$W"
}

teardown() {
    tm kill-server 2>/dev/null || true
}

# Writes `count` notes, all asked for at once. One has what a terminal would take for orders.
make_agent() {
    mkdir -p "$W/agents/$1"
    printf 'id: com.example.%s\nname: %s\nkind: agent\nversion: 1.0.0\nentry: main.lua\n' "$1" "$1" \
        >"$W/agents/$1/manifest.yaml"
    cat >"$W/agents/$1/main.lua" <<'LUA'
local keel = require "keel"

return keel.agent { run = function(ctx, input)
  local docs = ctx.use "docs"
  local branches = {}
  for i = 1, input.count do
    branches[i] = function()
      local tag = input.of .. "-" .. i
      local odd = input.odd and "\27[2J\27[201~A\r" or ""
      return docs.write("document", { path = tag .. ".txt",
        text = "begin-" .. tag .. "\n" .. odd .. "Dear reader,\nend-" .. tag .. "\n" })
    end
  end
  local done = ctx.all(branches)
  return { written = #done }
end }
LUA
}

waiting() {
    keel inbox --json | wc -l
}

wait_waiting() {
    for _ in $(seq 200); do
        [ "$(waiting)" -ne "$1" ] || return 0
        sleep 0.05
    done
    echo "$(waiting) wait, not $1" >&2
    return 1
}

# ---- the terminal ----

tm() {
    tmux -L keel -f /dev/null "$@"
}

# view COLUMNS ROWS TEXT: keel inbox on a terminal of that size, from a screen with a word on it, until
# TEXT is shown.
view() {
    tm -u new-session -d -s view -x "$1" -y "$2" \
        "trap : INT; printf 'the screen before\n'; keel inbox; code=\$?; stty -a >$SCREENS/stty; echo ended \$code; sleep 100"
    tm set-option -g status off
    shows "$3"
}

screen() {
    tm capture-pane -p -t view
}

# shows TEXT: it comes to stand on the screen.
shows() {
    for _ in $(seq 200); do
        case $(screen) in
        *"$1"*) return 0 ;;
        esac
        sleep 0.05
    done
    printf 'no "%s" on:\n%s\n' "$1" "$(screen)" >&2
    return 1
}

press() {
    keys=$((keys + 1))
    tm send-keys -t view "$@"
}

# A word, key by key; counted as that many.
type_in() {
    keys=$((keys + ${#1}))
    tm send-keys -t view -l "$1"
}

# The screen is another one than $before, and a person has had a moment to see it.
turned() {
    for _ in $(seq 200); do
        [ "$(screen)" = "$before" ] || break
        sleep 0.02
    done
    sleep 0.4
    screen >"$SCREENS/$keys"
}

keel_of_view() {
    pgrep -P "$(tm display-message -p -t view '#{pane_pid}')" keel
}

usual_screen() {
    shows 'the screen before' && shows 'ended' || return
    grep -q ' icanon' "$SCREENS/stty" && grep -q ' echo ' "$SCREENS/stty"
}

# ---- ----

@test "a hundred approvals in twelve groups take sixty keys, and each body was on the screen" {
    for name in $agents; do
        case $name in
        ada) keel do "$name" count=9 of="$name" odd=true --detach ;;
        ben | cleo | dora) keel do "$name" count=9 of="$name" --detach ;;
        *) keel do "$name" count=8 of="$name" --detach ;;
        esac
    done
    wait_waiting 100
    keys=0
    before=
    view 100 50 '100 need you, in 12 groups'
    turned
    while [ "$keys" -lt 100 ]; do
        before=$(screen)
        case $before in
        *'nothing needs you'*) break ;;
        *'A approve'*) press A ;;
        *) press Space ;;
        esac
        turned
        case $(screen) in
        *'Passphrase of operator:'*)
            before=$(screen)
            type_in "$secret"
            press Enter
            shows ' approved.'
            turned
            ;;
        esac
    done
    press q
    usual_screen
    run screen
    has '100 approved, 0 left.'
    echo "$keys keys" >&2
    [ "$keys" -le 60 ]
    rm -f "$SCREENS/stty"
    for name in $agents; do
        for i in 1 2 3 4 5 6 7 8 9; do
            case $name$i in
            ada9 | ben9 | cleo9 | dora9 | *[1-8]) ;;
            *) continue ;;
            esac
            grep -rqF "│ begin-$name-$i" "$SCREENS"
            grep -rqF "│ end-$name-$i" "$SCREENS"
        done
    done
    grep -rqF '│ \u{1b}[2J\u{1b}[201~A\u{d}Dear reader,' "$SCREENS"
    wait_waiting 0
    run keel audit verify
    [ "$status" -eq 0 ]
    # The journal has each batch as it stood on the screen.
    [ "$(keel logs --all --json | grep -c '"kind":"batch"')" -eq 12 ]
}

@test "with nothing to decide there is no screen" {
    run env TERM=xterm "$typist" -- keel inbox
    [ "$status" -eq 0 ]
    has 'Nothing needs you.'
    lacks "$(printf '\033[?1049h')"
}

@test "piped, dumb or with --no-input it is the plain list" {
    keel do ada count=1 of=plain --detach
    wait_waiting 1
    run keel inbox
    has 'plain-1.txt'
    lacks "$(printf '\033')"
    run env TERM=dumb "$typist" -- keel inbox
    [ "$status" -eq 0 ]
    has 'plain-1.txt'
    lacks "$(printf '\033')"
    run env TERM=xterm "$typist" -- keel inbox --no-input
    [ "$status" -eq 0 ]
    has 'NEEDS'
}

@test "denied with a reason, why, and help over the screen" {
    keys=0
    view 80 24 'plain-1.txt'
    press w
    shows 'notes-ask'
    press q
    press '?'
    shows 'is never approved'
    press q
    press d
    shows 'Why not'
    type_in 'Not today'
    press Enter
    shows '1 denied.'
    press q
    usual_screen
    run screen
    has '1 denied, 0 left.'
    run keel logs --all
    has 'Not today'
}

@test "edited in the editor, read again, approved" {
    cat >"$BATS_FILE_TMPDIR/editor" <<'SH'
#!/bin/sh
sed -i 's/^Dear reader,$/Dear Ada,/' "$1"
SH
    chmod +x "$BATS_FILE_TMPDIR/editor"
    export EDITOR=$BATS_FILE_TMPDIR/editor
    keel do ben count=1 of=edited --detach
    wait_waiting 1
    keys=0
    view 80 24 'edited-1.txt'
    press e
    shows '+ Dear Ada,'
    shows 'Enter goes back'
    press Enter
    shows 'is changed'
    shows '│ Dear Ada,'
    sleep 0.4
    press A
    shows 'Passphrase of operator:'
    type_in 'wrong one'
    press Enter
    shows 'That is not the passphrase.'
    type_in "$secret"
    press Enter
    shows '1 approved.'
    press q
    usual_screen
    for _ in $(seq 100); do
        [ ! -s docs/edited-1.txt ] || break
        sleep 0.05
    done
    grep -q '^Dear Ada,$' docs/edited-1.txt
}

@test "what comes in meanwhile is announced, and stands at the end" {
    keel do ben count=2 of=early --detach
    wait_waiting 2
    keys=0
    view 80 24 '2 need you'
    keel do ben count=3 of=late --detach
    shows '3 came in meanwhile'
    run screen
    has 'early-1.txt'
    lacks 'late-1.txt'
    press Space
    shows 'A approve all 2'
    sleep 0.4
    press A
    shows 'To approve 2 of 2'
    press Escape
    shows 'Nothing was approved.'
    press q
    usual_screen
    run screen
    has 'nothing decided, 5 left.'
}

@test "any size will do, also while it is looked at" {
    keys=0
    view 120 40 'early-1.txt'
    for size in '40 12' '20 5' '200 60' '80 24'; do
        # shellcheck disable=SC2086
        set -- $size
        tm resize-window -t view -x "$1" -y "$2"
        shows '? help'
        [ "$(screen | wc -l)" -le "$2" ]
    done
    press q
    usual_screen
}

@test "stopped and gone on with, as any program" {
    tm -u new-session -d -s view -x 80 -y 24 'PS1="$ " bash --norc -i'
    tm set-option -g status off
    keys=0
    type_in 'keel inbox'
    press Enter
    shows '5 need you'
    press C-z
    shows 'Stopped'
    run screen
    lacks '5 need you'
    type_in 'stty -a'
    press Enter
    shows ' icanon'
    type_in 'fg'
    press Enter
    shows '5 need you'
    press q
    shows '5 left.'
}

@test "a kernel that is killed is said, and what is left waits" {
    keys=0
    view 100 60 'A approve all 5'
    kill -9 "$(sed -n 's/.*"pid":\([0-9]*\).*/\1/p' "$W/.status")"
    shows 'Keel is not running: nothing can be decided.'
    press A
    shows 'Passphrase of operator:'
    type_in "$secret"
    press Enter
    shows 'Keel is not running here.'
    start_kernel "$W"
    sleep 1.2
    press A
    shows '5 approved.'
    press q
    usual_screen
    run screen
    has '5 approved, 0 left.'
    has 'Keel is not running here.'
}

@test "SIGTERM, Ctrl-C and a crash give the terminal back" {
    keel do lou count=1 of=last --detach
    wait_waiting 1
    keys=0
    view 80 24 '1 needs you'
    kill "$(keel_of_view)"
    usual_screen
    shows 'ended 143'
    tm kill-server && sleep 0.5
    view 80 24 '1 needs you'
    press C-c
    usual_screen
    shows 'ended 130'
    tm kill-server && sleep 0.5
    view 80 24 '1 needs you'
    kill -SEGV "$(keel_of_view)"
    usual_screen
    shows 'ended 139'
}

@test "a passphrase that is changed while the view is open is the one that counts" {
    keys=0
    view 80 24 '1 needs you'
    "$typist" 'with (new): ' 'another pass phrase' 'again: ' 'another pass phrase' 'of operator: ' "$secret" \
        -- keel approver set
    sleep 0.4
    press A
    shows 'Passphrase of operator:'
    type_in 'another pass phrase'
    press Enter
    shows '1 approved.'
}
