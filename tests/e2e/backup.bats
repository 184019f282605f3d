# Copies, and what can be gone back to: backup while work goes on, restore over a workspace and into an
# empty folder, erase, archive. What was sent is counted by the outside.

bats_require_minimum_version 1.5.0
export BATS_TEST_TIMEOUT=120
load helper

setup_file() {
    own_home
    export W=$BATS_FILE_TMPDIR/office WORLD=$BATS_FILE_TMPDIR/world B=$BATS_FILE_TMPDIR/copies
    mkdir -p "$W" "$WORLD" "$B"
    start_world || return 1
    make_workspace
    start_kernel "$W"
}

teardown_file() {
    stop_kernel "$W"
    stop_kernel "$BATS_FILE_TMPDIR/second"
    kill "$(cat "$WORLD/pid")" 2>/dev/null || true
}

setup() {
    own_home
    cd "$W"
}

start_world() {
    cat >"$WORLD/script.yaml" <<'YAML'
routes:
  - { method: POST, path: /notes, do: create, key: Idempotency-Key, window: 600s, keep: ref }
  - { method: GET, path: /notes, do: search, query: ref }
YAML
    "$(dirname "$(command -v keel)")/../libexec/keel/keel-fakeworld" "$WORLD/script.yaml" \
        --log "$WORLD/log" >"$WORLD/port" 2>"$WORLD/err" 3>&- 4>&- &
    echo $! >"$WORLD/pid"
    until_it test -s "$WORLD/port" || { cat "$WORLD/err" >&2; return 1; }
}

make_workspace() {
    mkdir -p "$W/connectors/notes" "$W/agents/clerk" "$W/agents/waiter" "$W/policies"
    cat >"$W/connectors/notes/service.yaml" <<'YAML'
resources:
  note:
    write: { post: /notes, body: { text: "{text}" }, headers: { Idempotency-Key: "{key}" } }
YAML
    cat >"$W/connectors/notes/manifest.yaml" <<'YAML'
id: com.example.notes
kind: connector
version: 1.0.0
entry: service.yaml
needs: [ "http:{config.base}" ]
resources:
  note: { write: { class: once } }
YAML
    cat >"$W/keel.yaml" <<YAML
version: 1
connections:
  notes: { use: com.example.notes@1, config: { base: "http://127.0.0.1:$(cat "$WORLD/port")" }, private: true }
YAML
    cat >"$W/policies/office.yaml" <<'YAML'
version: 1
rules:
  - { id: notes, on: notes.note.write, allow: {} }
YAML
    agent clerk <<'LUA'
  for i = 1, 20 do
    ctx.step("part " .. i, function() return string.rep(input.text, 40) end)
  end
  return { text = input.text }
LUA
    agent waiter <<'LUA'
  ctx.receive("go", {})
  local done, err = ctx.use("notes").write("note", { text = input.text })
  return { done = done ~= nil, why = err and err.why }
LUA
}

agent() {
    printf 'id: com.example.%s\nname: %s\nkind: agent\nversion: 1.0.0\nentry: %s.lua\n' \
        "$1" "$1" "$1" >"$W/agents/$1/manifest.yaml"
    {
        printf 'local keel = require "keel"\nreturn keel.agent { run = function(ctx, input)\n'
        cat
        printf 'end }\n'
    } >"$W/agents/$1/$1.lua"
}

# What the outside has done.
written() {
    grep -c '"applied":true' "$WORLD/log" || true
}

written_is() {
    [ "$(written)" -eq "$1" ]
}

has_ended() {
    keel --json run show "$1" | grep -q '"state":"ended"'
}

# anywhere TEXT FOLDER: the files that hold it.
anywhere() {
    grep -rlaF "$1" "$2" || true
}

verified() {
    run keel audit verify
    [ "$status" -eq 0 ] || { printf '%s\n' "$output" >&2; return 1; }
    run keel audit rebuild --check
    [ "$status" -eq 0 ] || { printf '%s\n' "$output" >&2; return 1; }
}

# ---- backup ----

@test "copies in a row while runs are at work are each whole" {
    for n in $(seq 30); do
        keel do clerk text="load $n" >/dev/null 2>&1 || echo failed >>"$B/load"
    done 3>&- 4>&- &
    load=$!
    for n in 1 2 3 4 5 6; do
        run keel backup "$B/$n"
        [ "$status" -eq 0 ] || { printf '%s\n' "$output" >&2; return 1; }
        has "backup: $B/$n holds"
        has 'Signed with'
    done
    wait "$load"
    [ ! -e "$B/load" ]
    for n in 1 2 3 4 5 6; do
        run keel backup verify "$B/$n"
        [ "$status" -eq 0 ] || { printf '%s\n' "$output" >&2; return 1; }
        has 'records verified, as of'
        has 'Its list is signed'
        [ -z "$(ls -d "$B/$n".part* 2>/dev/null)" ]
    done
    verified
}

@test "a copy holds what a workspace is, and no secret and no key" {
    keel secret set token <<<'a-secret-that-stays' >/dev/null 2>&1
    run keel --json backup "$B/whole"
    [ "$status" -eq 0 ]
    has '"signed":true'
    for f in keel.db keel.yaml policies/office.yaml agents/clerk/clerk.lua \
        connectors/notes/service.yaml backup.json backup.sig anchor; do
        [ -f "$B/whole/$f" ] || { echo "no $f" >&2; return 1; }
    done
    [ -z "$(anywhere a-secret-that-stays "$B/whole")" ]
    [ -z "$(find "$B/whole" -name 'secrets*' -o -name '*.key' -o -name 'approver*')" ]
    seed=$(cat "$XDG_STATE_HOME"/keel/office-*/*.key)
    [ -n "$seed" ]
    [ -z "$(anywhere "$seed" "$B/whole")" ]
    [ "$(find "$B/whole" -perm /077 | wc -l)" -eq 0 ]
}

@test "a copy can be made while Keel is down" {
    keel down
    run keel backup "$B/down"
    [ "$status" -eq 0 ]
    run keel backup verify "$B/down"
    [ "$status" -eq 0 ]
    start_kernel "$W"
}

@test "backup writes over nothing, and says what it needs" {
    run keel backup "$B/whole"
    [ "$status" -eq 1 ]
    has 'is there already'
    run keel backup
    [ "$status" -eq 2 ]
    run keel backup verify
    [ "$status" -eq 2 ]
    has "needs the backup's folder"
    run keel backup verify "$W"
    [ "$status" -eq 2 ]
    has 'it has no backup.json'
    mkdir -p "$BATS_TEST_TMPDIR/none"
    run keel -C "$BATS_TEST_TMPDIR/none" backup "$B/none"
    [ "$status" -ne 0 ]
    [ ! -e "$B/none" ] && [ -z "$(ls -d "$B"/none.part* 2>/dev/null)" ]
    run keel backup ''
    [ "$status" -eq 2 ]
    has 'is no name of a folder'
}

@test "what is somebody's own stays, though it is called like a part; two at once do not mix" {
    mkdir -p "$B/own.part"
    echo mine >"$B/own.part/file"
    run keel backup "$B/own/"
    [ "$status" -eq 0 ]
    [ "$(cat "$B/own.part/file")" = mine ]
    keel backup verify "$B/own"
    keel backup "$B/twice" >"$BATS_TEST_TMPDIR/one" 2>&1 3>&- &
    one=$!
    keel backup "$B/twice" >"$BATS_TEST_TMPDIR/two" 2>&1 || true
    wait "$one" || true
    [ "$(cat "$BATS_TEST_TMPDIR"/one "$BATS_TEST_TMPDIR"/two | grep -c '^backup: ')" -eq 1 ]
    keel backup verify "$B/twice"
    [ -z "$(ls -d "$B"/twice.part* 2>/dev/null)" ]
}

# broken NAME COMMAND...: a copy of the backup in which COMMAND was done, verified.
broken() {
    rm -rf "$BATS_TEST_TMPDIR/b"
    cp -a "$B/whole" "$BATS_TEST_TMPDIR/b"
    (cd "$BATS_TEST_TMPDIR/b" && eval "$1")
    run keel backup verify "$BATS_TEST_TMPDIR/b"
    [ "$status" -ne 0 ] || { echo "not found: $1" >&2; return 1; }
    has "$2"
}

@test "whatever is wrong with a copy is named" {
    broken 'echo x >>policies/office.yaml' 'policies/office.yaml has another size'
    broken 'sed -i s/notes/nodes/ policies/office.yaml' 'policies/office.yaml was changed'
    broken 'rm agents/clerk/clerk.lua' 'agents/clerk/clerk.lua is missing'
    broken 'echo x >policies/more.yaml' 'policies/more.yaml is no part of this backup'
    broken 'yes | head -c 64 | dd of=keel.db bs=1 seek=5000 conv=notrunc status=none' 'keel.db was changed'
    broken 'echo "{}" >backup.json' 'its backup.json was changed'
    broken 'sed -i "s/\"version\":\"/&9/" backup.json' 'does not hold for backup.json'
    broken 'printf %0128d 0 >backup.sig; echo >>backup.sig' 'does not hold for backup.json'
}

# ---- restore ----

@test "restore needs Keel to be down, and a yes" {
    run keel restore "$B/whole" </dev/null
    [ "$status" -eq 2 ]
    has '--yes'
    run keel restore "$B/whole" --yes
    [ "$status" -eq 1 ]
    has 'already running'
    has 'keel down'
    run keel restore "$B/whole" --dry-run
    [ "$status" -eq 0 ]
    has 'is moved aside'
}

@test "what was sent behind a backup is not sent again" {
    run keel --json do waiter text=precious --detach
    [ "$status" -eq 0 ]
    id=$(printf '%s\n' "$output" | sed -n 's/.*"run":\([0-9]*\).*/\1/p' | head -n 1)
    keel backup "$B/before"
    keel run send "$id" go
    until_it written_is 1
    keel down
    run keel restore "$B/before" --yes
    [ "$status" -eq 0 ] || { printf '%s\n' "$output" >&2; return 1; }
    has 'restored: '
    has 'before-restore-'
    [ -f "$W"/.keel/before-restore-*/keel.db ]
    [ ! -e "$W/.keel/restore.part" ]
    verified
    start_kernel "$W"
    run keel
    has 'halted'
    has 'restored from a backup of'
    keel run send "$id" go
    run keel resume
    [ "$status" -eq 0 ]
    until_it sh -c 'keel inbox | grep -q notes.note.write'
    [ "$(written)" -eq 1 ]
    run keel --json unknown list
    n=$(printf '%s\n' "$output" | sed -n 's/.*"number":\([0-9]*\).*/\1/p' | head -n 1)
    run keel unknown show "$n"
    has 'it may have been sent after the backup was taken'
    keel unknown verdict "$n" done --why 'seen in the notes'
    until_it has_ended "$id"
    run keel run show "$id"
    has ': ended'
    run keel logs
    has 'restored from a backup'
    lacks 'effect.rechecked'
    [ "$(written)" -eq 1 ]
    verified
}

@test "the file that was replaced is no newer one: put back, it is refused" {
    keel down
    cp -a .keel/keel.db "$BATS_TEST_TMPDIR/now"
    rm -f .keel/keel.db-wal .keel/keel.db-shm
    cp "$(ls -d .keel/before-restore-* | head -n 1)/keel.db" .keel/keel.db
    run keel up --detach
    [ "$status" -ne 0 ]
    has 'anchor has seen'
    rm -f .keel/keel.db-wal .keel/keel.db-shm
    cp -a "$BATS_TEST_TMPDIR/now" .keel/keel.db
    start_kernel "$W"
}

@test "an older backup was the wrong one, and a newer one is gone back to" {
    keel do clerk text=first
    keel backup "$B/wrong"
    keel do clerk text=second
    keel backup "$B/right"
    for copy in wrong right; do
        keel down
        keel restore "$B/$copy" --yes
        start_kernel "$W"
        keel resume
        keel do clerk text="after $copy"
        verified
    done
    keel backup "$B/after"
    keel backup verify "$B/after"
}

@test "what was sent behind an older copy that is accepted is not sent again" {
    id=$(keel --json do waiter text=accepted --detach | sed -n 's/.*"run":\([0-9]*\).*/\1/p')
    until_it keel run show "$id"
    keel down
    cp .keel/keel.db "$BATS_TEST_TMPDIR/older.db"
    start_kernel "$W"
    before=$(written)
    keel run send "$id" go
    until_it written_is $((before + 1))
    keel down
    cp "$BATS_TEST_TMPDIR/older.db" .keel/keel.db
    rm -f .keel/keel.db-*
    keel up --detach --accept-rollback
    run keel
    has 'halted: an older database was accepted'
    keel run send "$id" go
    keel resume
    until_it eval 'keel unknown list --json | grep -q "\"run\":$id\|$id/"'
    [ "$(written)" -eq $((before + 1)) ]
    verified
    n=$(keel inbox --json | sed -n 's/.*"number":\([0-9]*\).*/\1/p' | tail -n 1)
    keel unknown verdict "$n" done --why 'it is there'
}

@test "an older copy of the file, or one without its log, is refused by name" {
    keel do clerk text=one >/dev/null 2>&1
    cp .keel/keel.db "$BATS_TEST_TMPDIR/without-log"
    keel do clerk text=two >/dev/null 2>&1
    keel down
    cp -a .keel/keel.db "$BATS_TEST_TMPDIR/now"
    cp "$BATS_TEST_TMPDIR/without-log" .keel/keel.db
    run keel up --detach
    [ "$status" -ne 0 ]
    has 'but its anchor has seen record'
    rm -f .keel/keel.db-wal .keel/keel.db-shm
    cp -a "$BATS_TEST_TMPDIR/now" .keel/keel.db
    start_kernel "$W"
    verified
}

@test "into an empty folder, on a machine that has neither key nor anchor" {
    second=$BATS_FILE_TMPDIR/second
    mkdir "$second"
    echo x >"$second/there"
    run keel restore "$B/whole" "$second"
    [ "$status" -eq 1 ]
    has 'is not empty'
    rm "$second/there"
    export XDG_STATE_HOME=$BATS_FILE_TMPDIR/other-machine
    run keel restore "$B/whole" "$second"
    [ "$status" -eq 0 ] || { printf '%s\n' "$output" >&2; return 1; }
    [ -f "$second/policies/office.yaml" ] && [ -f "$second/.keel/keel.db" ]
    start_kernel "$second"
    run keel -C "$second" audit verify
    [ "$status" -eq 0 ] || { printf '%s\n' "$output" >&2; return 1; }
    keel -C "$second" resume
    run keel -C "$second" do clerk text=again
    [ "$status" -eq 0 ]
    keel -C "$second" down
    run keel -C "$second" audit rebuild --check
    [ "$status" -eq 0 ]
}

@test "a backup of another workspace does not take this one's place" {
    mkdir -p "$BATS_TEST_TMPDIR/third"
    printf 'version: 1\n' >"$BATS_TEST_TMPDIR/third/keel.yaml"
    start_kernel "$BATS_TEST_TMPDIR/third"
    keel -C "$BATS_TEST_TMPDIR/third" down
    run keel -C "$BATS_TEST_TMPDIR/third" restore "$B/whole" --yes
    [ "$status" -eq 1 ]
    has 'is of another workspace'
}

# What a restore does, cut off behind each of its moves; and a log whose file is gone.
@test "a restore that was cut off anywhere can be said again" {
    own=$BATS_TEST_TMPDIR/own
    mkdir -p "$own"
    printf 'version: 1\n' >"$own/keel.yaml"
    start_kernel "$own"
    keel -C "$own" backup "$BATS_TEST_TMPDIR/copy"
    keel -C "$own" halt --why 'behind the backup'
    kill -9 "$(sed -n 's/.*"pid":\([0-9]*\).*/\1/p' "$own/.status")"
    [ -s "$own/.keel/keel.db-wal" ]
    mv "$own/.keel" "$BATS_TEST_TMPDIR/killed"
    for gone in '' keel.db-wal 'keel.db-wal keel.db-shm' 'keel.db-wal keel.db-shm keel.db' keel.db; do
        rm -rf "$own/.keel"
        cp -a "$BATS_TEST_TMPDIR/killed" "$own/.keel"
        for f in $gone; do
            rm "$own/.keel/$f"
        done
        mkdir -p "$own/.keel/archive" "$own/.keel/restore.part"
        echo x >"$own/.keel/archive/half"
        echo x >"$own/.keel/restore.part/keel.db"
        run keel -C "$own" restore "$BATS_TEST_TMPDIR/copy" --yes
        [ "$status" -eq 0 ] || { printf 'without %s: %s\n' "$gone" "$output" >&2; return 1; }
        [ ! -e "$own/.keel/keel.db-wal" ] && [ ! -e "$own/.keel/archive/half" ]
        for check in verify 'rebuild --check'; do
            # shellcheck disable=SC2086
            run keel -C "$own" audit $check
            [ "$status" -eq 0 ] || { printf 'without %s: %s\n' "$gone" "$output" >&2; return 1; }
        done
        start_kernel "$own"
        run keel -C "$own"
        has 'restored from a backup of'
        lacks 'behind the backup'
        keel -C "$own" down
    done
}

@test "a backup that is not whole is not restored" {
    rm -rf "$BATS_TEST_TMPDIR/b"
    cp -a "$B/whole" "$BATS_TEST_TMPDIR/b"
    echo x >>"$BATS_TEST_TMPDIR/b/policies/office.yaml"
    run keel restore "$BATS_TEST_TMPDIR/b" "$BATS_TEST_TMPDIR/into"
    [ "$status" -eq 1 ]
    has 'policies/office.yaml has another size'
    [ ! -e "$BATS_TEST_TMPDIR/into" ]
}

# ---- erase ----

@test "what was erased stands in no file any more" {
    run keel --json do clerk text='Mallory Quint'
    [ "$status" -eq 0 ]
    id=$(sqlite3 .keel/keel.db "SELECT max(id) FROM run")
    [ -n "$(anywhere 'Mallory Quint' .keel)" ]
    run keel audit erase --run "$id" --why 'asked for' --yes
    [ "$status" -eq 1 ]
    has 'keel down'
    keel down
    run keel audit erase --run "$id" --why 'asked for' --dry-run
    [ "$status" -eq 0 ]
    has 'What goes for ever: the words of 22 records'
    has '20 step'
    [ -n "$(anywhere 'Mallory Quint' .keel)" ]
    run keel audit erase --run "$id" --why 'asked for' --yes
    [ "$status" -eq 0 ] || { printf '%s\n' "$output" >&2; return 1; }
    has 'erased: 22 records'
    [ -z "$(anywhere 'Mallory Quint' .keel)" ]
    run keel audit verify
    [ "$status" -eq 0 ]
    has '22 bodies erased on request'
    run keel audit rebuild --check
    [ "$status" -eq 0 ]
    run keel run show "$id"
    [ "$status" -eq 0 ]
    has 'erased'
    run keel logs --run "$id"
    [ "$status" -eq 0 ]
    has '(erased)'
    run keel audit erase --run "$id" --why 'asked for' --yes
    [ "$status" -eq 0 ]
    has 'nothing left to erase'
    start_kernel "$W"
    run keel do clerk text=after
    [ "$status" -eq 0 ]
    verified
}

@test "erase says what it needs" {
    run keel audit erase --run 1
    [ "$status" -eq 2 ]
    has 'An erasure says why'
    run keel audit erase --run 1 --why '' --yes
    [ "$status" -eq 2 ]
    has 'An erasure says why'
    run keel audit erase --run 1 --path 77 --why x --yes
    [ "$status" -eq 6 ]
    has 'Run 1 has no call at 77, so nothing was erased.'
    run keel audit erase --why x
    [ "$status" -eq 2 ]
    has 'Say what: --run RUN'
    run keel audit erase --run 999 --why x --yes
    [ "$status" -eq 6 ]
    run keel audit erase --run 1 --why x </dev/null
    [ "$status" -eq 2 ]
    has 'has to be confirmed'
    run keel audit erase --record 1 --why x --yes
    [ "$status" -ne 0 ]
    keel do waiter text=open --detach >/dev/null 2>&1
    id=$(sqlite3 .keel/keel.db "SELECT max(id) FROM run")
    run keel audit erase --run "$id" --why x --yes
    [ "$status" -eq 1 ]
    has 'is still open'
    has "keel run cancel $id"
    keel run cancel "$id"
}

@test "an erased one asks for the approver's passphrase where there is one" {
    "$typist" 'with (new): ' "$secret" 'again: ' "$secret" -- keel approver set || true
    keel down
    run as_approver keel audit erase --run 1 --why 'asked for'
    [ "$status" -eq 0 ] || { printf '%s\n' "$output" >&2; return 1; }
    has 'erased: '
    start_kernel "$W"
    verified
}

# ---- archive ----

@test "the oldest records move into a file, and are found there" {
    run keel audit archive --before 50
    [ "$status" -eq 1 ]
    has 'keel down'
    keel down
    run keel audit archive --before 2020-01-01
    [ "$status" -eq 6 ]
    run keel audit archive --before soon
    [ "$status" -eq 2 ]
    has 'neither a date nor the number of a record'
    run keel audit archive
    [ "$status" -eq 2 ]
    run keel audit archive --before 1 # there is none before it
    [ "$status" -eq 6 ]
    start_kernel "$W"
}

# Runs follow from commands, whose answers are kept at hand for 30 days: what is older than the first of
# them moves now. tests/unit/store_archive.c has the rest.
@test "what is archived is read wherever records are read" {
    keel down
    first=$(sqlite3 .keel/keel.db 'SELECT min(seq) FROM journal WHERE kind = 3')
    last=$((first - 1))
    [ "$last" -gt 3 ]
    run keel audit archive --before 100000 --dry-run
    [ "$status" -eq 0 ]
    has "archive: records 1 to $last would move into .keel/archive/001.keel"
    run keel audit archive --before 100000
    [ "$status" -eq 0 ] || { printf '%s\n' "$output" >&2; return 1; }
    has "archive: records 1 to $last moved into .keel/archive/001.keel"
    has "Not further: a command of the last 30 days, whose answer would be given again needs record $first"
    [ "$(sqlite3 .keel/keel.db 'SELECT min(seq) FROM journal')" -eq "$first" ]
    verified
    run keel audit archive --before 100000
    [ "$status" -eq 1 ]
    has 'Nothing can be archived: a command of the last 30 days'
    run keel backup "$B/archived"
    [ "$status" -eq 0 ]
    [ -f "$B/archived/archive/001.keel" ]
    run keel backup verify "$B/archived"
    [ "$status" -eq 0 ] || { printf '%s\n' "$output" >&2; return 1; }
    start_kernel "$W"
    run keel do clerk text=later
    [ "$status" -eq 0 ]
    keel down
    run keel restore "$B/archived" --yes
    [ "$status" -eq 0 ] || { printf '%s\n' "$output" >&2; return 1; }
    [ -f .keel/archive/001.keel ]
    verified
    mv .keel/archive/001.keel "$BATS_TEST_TMPDIR/away"
    run keel audit verify
    [ "$status" -eq 1 ]
    has "archive/001.keel, with the records 1 to $last, is missing"
    run keel up --detach
    [ "$status" -ne 0 ]
    has 'archive/001.keel'
    mv "$BATS_TEST_TMPDIR/away" .keel/archive/001.keel
    start_kernel "$W"
    keel resume
    run keel do clerk text=on
    [ "$status" -eq 0 ]
    verified
}
