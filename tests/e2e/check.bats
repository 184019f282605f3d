# keel connector check. What proves the kit: connectors that keep all promises pass it, and each that
# breaks one promise is caught by the check of that promise.

bats_require_minimum_version 1.5.0
load helper
load pages

kits=$BATS_TEST_DIRNAME/../check

setup_file() {
    own_home
}

setup() {
    own_home
    cd "$BATS_TEST_TMPDIR"
}

# caught CHECK GOOD: the good connector with its script replaced by what stands on stdin, where `v` are
# the good verbs, is caught by CHECK. $manifest: a sed script for its manifest.
caught() {
    cp -r "$kits/$2" it
    resource=memo
    [ "$2" = memos ] || resource=note
    {
        echo 'local keel = require "keel"'
        echo 'local v = require "verbs"'
        cat
        echo "return keel.connector { $resource = v }"
    } >"it/$2.lua"
    [ -z "${manifest:-}" ] || sed -i "$manifest" it/manifest.yaml
    run keel connector check it --only "$1"
    if [ "$status" -ne 1 ] || ! printf '%s\n' "$output" | grep -q "^not ok [0-9]* - $1[ :]"; then
        printf 'not caught by %s (%s):\n%s\n' "$1" "$status" "$output" >&2
        return 1
    fi
}

# ---- those that keep their promises ----

@test "a connector of files passes" {
    run keel connector check "$kits/memos"
    [ "$status" -eq 0 ]
    has '1..25'
    lacks 'not ok'
    has 'killed at each of its 6 steps'
}

@test "a connector of a service passes, against the scripted outside and the real egress" {
    run keel connector check "$kits/notes"
    [ "$status" -eq 0 ]
    lacks 'not ok'
    for c in lost timeout cancel 429 5xx huge malformed late key_expiry kill.requests; do
        has " - $c of note"
        printf '%s\n' "$output" | grep " - $c of note" | grep -vq SKIP
    done
}

@test "the shipped mailbox, in C, keeps its promises" {
    cp -r "$(dirname "$(command -v keel)")/../share/keel/plugins/mailbox" it
    mkdir -p it/seed/outbox
    for n in 1 2 3 4 5; do mail it/seed/source "$n" "Question $n"; done
    cat >it/check.yaml <<'YAML'
config: { source: "{folder}/source", outbox: "{folder}/outbox", from: "Ada <ada@studio.example>" }
seed: seed
cases:
  - resource: message
    write: { to: [ "bea@client.example" ], subject: hello, body: hi }
    read: { limit: 2 }
YAML
    run keel connector check it
    [ "$status" -eq 0 ]
    has 'read.cursor of message: `next` leads on, and no item comes twice'
    lacks 'read.cursor of message: `next` leads on, and no item comes twice # SKIP'
    printf '%s\n' "$output" | grep -q 'killed at each of its [2-9][0-9] steps'
}

# printed HEADING: the files that the guide for authors prints under that heading.
printed() {
    parts=$(mktemp -d "$BATS_TEST_TMPDIR/XXXXXX")
    page_parts "$page_root/sdk/README.md" "$1" "$parts"
    for part in "$parts"/*.file; do
        page_part "$part"
    done
}

@test "the connectors of the guide for authors, in Lua and in C, keep their promises" {
    printed 'A first connector, in Lua'
    printed 'The same connector in C'
    pkgs=$(echo "$(dirname "$(command -v keel)")"/../lib/*/pkgconfig)
    # shellcheck disable=SC2046
    cc -shared -fPIC -fvisibility=hidden -o connectors/notes/notes.so connectors/notes/notes.c \
        $(PKG_CONFIG_PATH=$pkgs pkg-config --cflags --libs keel)
    for name in memos notes; do
        printf 'cases:\n  - { resource: memo, write: { text: hello } }\n' >connectors/$name/check.yaml
        run keel connector check connectors/$name
        [ "$status" -eq 0 ]
        lacks 'not ok'
        has 'killed at each of its'
    done
}

@test "without check.yaml it does what it can, and says what to add" {
    cp -r "$kits/memos" it
    rm it/check.yaml
    run keel connector check it
    [ "$status" -eq 0 ]
    has 'ok 2 - loads'
    has '# SKIP check.yaml has no case with `write:` for it'
}

@test "as JSON, an object a line" {
    run --separate-stderr keel connector check "$kits/memos" --only read --json
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 5 ]
    for line in "${lines[@]}"; do
        case $line in '{"check":"'*'","verdict":"passed",'*) ;; *) false ;; esac
    done
}

@test "in a workspace it leaves a receipt, for exactly these bytes" {
    mkdir -p w/connectors
    printf 'version: 1\n' >w/keel.yaml
    cp -r "$kits/memos" w/connectors/
    run keel connector check w/connectors/memos
    [ "$status" -eq 0 ]
    has 'Remembered in'
    [ "${lines[-1]##*: }" = 'keel policy reload' ]
    [ "$(find w/.keel/checks -name '*.json' | wc -l)" -eq 1 ]
    grep -q '"failed":0,"id":"com.example.memos"' w/.keel/checks/*.json
    echo '-- another byte' >>w/connectors/memos/verbs.lua
    run keel connector check w/connectors/memos
    [ "$(find w/.keel/checks -name '*.json' | wc -l)" -eq 2 ]
}

@test "a part of the checks leaves no receipt, and neither does a failure" {
    mkdir -p w
    printf 'version: 1\n' >w/keel.yaml
    cp -r "$kits/memos" w/memos
    run keel connector check w/memos --only read
    [ "$status" -eq 0 ]
    [ ! -e w/.keel/checks ]
    sed -i 's/local page = 2/local page = 2\nerror("no")/' w/memos/verbs.lua
    run keel connector check w/memos
    [ "$status" -eq 1 ]
    has 'not ok 2 - loads'
    [ ! -e w/.keel/checks ]
}

@test "after a run that is not remembered it says whether an earlier pass of these bytes stands" {
    mkdir -p w
    printf 'version: 1\n' >w/keel.yaml
    cp -r "$kits/memos" w/memos
    run keel connector check w/memos --only read
    [ "$status" -eq 0 ]
    has 'A part of the checks changes nothing in what is remembered.'
    has 'No pass of these bytes is remembered: its writes are sent once only, until all of them pass.'
    keel connector check w/memos -q
    run keel connector check w/memos --only read
    has 'An earlier pass of these bytes still stands in'
    # check.yaml does not belong to the bytes
    echo '    expect: { id: "memo.txt" }' >>w/memos/check.yaml
    run keel connector check w/memos
    [ "$status" -eq 1 ]
    has 'An earlier pass of these bytes still stands in'
    ${lines[-1]##*To have that forgotten: }
    run keel connector check w/memos
    [ "$status" -eq 1 ]
    has 'No pass of these bytes is remembered: its writes are sent once only, until it passes.'
}

@test "a pass that left out the lost answers is not remembered, and says what to add" {
    mkdir -p w
    printf 'version: 1\n' >w/keel.yaml
    cp -r "$kits/notes" w/notes
    printf 'config: { base: "http://127.0.0.1:1" }\n' >w/notes/check.yaml
    run keel connector check w/notes
    [ "$status" -eq 0 ]
    has 'Not remembered: a lost answer was not tried on the writes of note, for kill.steps was left out: check.yaml has no case with `write:` for it.'
    has 'Add a `world:` to check.yaml'
    has 'its writes are sent once only, until then.'
    [ ! -e w/.keel/checks ]
    cp -r "$kits/memos" w/memos
    rm w/memos/check.yaml
    run keel connector check w/memos
    [ "$status" -eq 0 ]
    has 'Not remembered: a lost answer was not tried on the writes of memo'
    lacks 'Add a `world:`'
    [ ! -e w/.keel/checks ]
    sed -i 's/class: checkable, undo/class: once, undo/' w/memos/manifest.yaml
    run keel connector check w/memos
    [ "$status" -eq 0 ]
    has 'Remembered in'
}

@test "a write that may be repeated and was never seen at work is not remembered either" {
    mkdir -p w
    printf 'version: 1\n' >w/keel.yaml
    cp -r "$kits/memos" w/memos
    sed -i 's/class: checkable, undo/class: repeatable, undo/' w/memos/manifest.yaml
    rm w/memos/check.yaml
    run keel connector check w/memos
    [ "$status" -eq 0 ]
    has 'for write.works was left out: check.yaml has no case with `write:` for it.'
    [ ! -e w/.keel/checks ]
}

# own_service: the good connector of a service as `it`, with a service that is no script of the kit: it
# keeps what it has, and keys, from check to check and from run to run. Its process is $pid.
own_service() {
    world=$(dirname "$(command -v keel)")/../libexec/keel/keel-fakeworld
    cp -r "$kits/notes" it
    sed -n '/^world:/,/^cases:/p' it/check.yaml | sed '1d;$d;s/^  //' >script.yaml
    "$world" script.yaml --log world.log --end-with-parent >port 3>&- &
    pid=$!
    until_it test -s port
    at=http://127.0.0.1:$(cat port)
    printf 'config: { base: "%s" }\nstate: [ curl, -s, "%s/_fakeworld/store" ]\n' "$at" "$at" >it/check.yaml
    printf 'cases:\n  - { resource: note, write: { text: hello }, read: {} }\n' >>it/check.yaml
}

@test "caught: with a service of one's own, killed on the way, it says what is not so" {
    own_service
    for says in 'keel.absent()' 'keel.applied { id = "1" }'; do
        printf 'local keel, v = require "keel", require "verbs"\nv.reconcile = function() return %s end\n' \
            "$says" >it/notes.lua
        echo 'return keel.connector { note = v }' >>it/notes.lua
        run keel connector check it --only kill.steps
        [ "$status" -eq 1 ] || break
    done
    kill "$pid"
    [ "$status" -eq 1 ]
    has 'nothing was applied, and reconcile says applied'
}

@test "each run has keys of its own, for a service that remembers them" {
    own_service
    for run in first second; do
        run keel connector check it --only write
        echo "$run: $output"
        [ "$status" -eq 0 ] || break
    done
    [ "$status" -eq 0 ] && [ "$run" = second ] || { kill "$pid"; false; }
    has 'write.shows of note: what was written is there'
    lacks SKIP
    # Killed at each step it was, and no answer was ever lost.
    mkdir w
    printf 'version: 1\n' >w/keel.yaml
    mv it w/notes
    run keel connector check w/notes
    kill "$pid"
    [ "$status" -eq 0 ]
    has 'killed at each of its'
    has 'Not remembered: a lost answer was not tried on the writes of note, for lost was left out: check.yaml has no `world:`'
    has 'Add a `world:` to check.yaml'
    [ ! -e w/.keel/checks ]
}

@test "a check.yaml that is wrong is told with its place" {
    cp -r "$kits/memos" it
    printf 'cases:\n  - { resource: memory, write: {} }\n' >it/check.yaml
    run keel connector check it
    [ "$status" -eq 2 ]
    has 'check.yaml:2:'
    has 'The manifest has memo.'
    printf 'confg: {}\n' >it/check.yaml
    run keel connector check it
    [ "$status" -eq 2 ]
    has 'config'
}

@test "a folder without a plugin, and a folder that is not there" {
    mkdir empty
    run keel connector check empty
    [ "$status" -eq 1 ]
    has 'not ok 1 - manifest'
    run keel connector check nowhere
    [ "$status" -eq 6 ]
    has 'nowhere cannot be read as a plugin'
}

@test "nothing is left behind: no process, no folder" {
    mkdir tmp
    TMPDIR=$PWD/tmp run keel connector check "$kits/notes" --only kill
    [ "$status" -eq 0 ]
    [ -z "$(ls tmp)" ]
}

# ---- those that break one ----

@test "caught: a manifest that is none" {
    cp -r "$kits/memos" it
    sed -i 's/class: checkable, undo/class: perhaps, undo/' it/manifest.yaml
    run keel connector check it
    [ "$status" -eq 1 ]
    has 'not ok 1 - manifest'
    has 'manifest.yaml:9:26: "perhaps" is no class'
}

@test "caught: a script that does not load" {
    caught loads memos <<<'this is no Lua'
}

@test "caught: a wrong config ends the process" {
    caught config memos <<'LUA'
local write = v.write
v.write = function(c, q)
  local t = "x"
  while type(c.config.folder) ~= "string" do t = t .. t end
  return write(c, q)
end
LUA
}

@test "caught: a read without a list of items" {
    caught read.shape memos <<'LUA'
local read = v.read
v.read = function(c, q) return { memos = read(c, q).items } end
LUA
}

@test "caught: items without ids" {
    caught read.shape memos <<'LUA'
v.read = function() return { items = { { name = "a" } } } end
LUA
}

@test "caught: a read that writes" {
    caught read.pure memos <<'LUA'
local read = v.read
v.read = function(c, q)
  c.fs.write(c.config.folder, "last-read.txt", "now")
  return read(c, q)
end
LUA
}

@test "caught: an id that is not looked at, and one that gives another item" {
    caught read.id memos <<'LUA'
local read = v.read
v.read = function(c, q) q.body.id = nil; return read(c, q) end
LUA
    rm -r it
    caught read.id memos <<'LUA'
local read = v.read
v.read = function(c, q)
  local one = q.body.id
  q.body.id = nil
  local all, err = read(c, q)
  return all and { items = one and { all.items[1] } or all.items, next = all.next }, err
end
LUA
    rm -r it
    caught read.id memos <<'LUA'
local read = v.read
v.read = function(c, q)
  if q.body.id then return nil, keel.fail("not_found", "there is none") end
  return read(c, q)
end
LUA
}

@test "a connector that has no read of one says so, and that is no fault" {
    cp -r "$kits/memos" it
    cat >it/memos.lua <<'LUA'
local keel = require "keel"
local v = require "verbs"
local read = v.read
v.read = function(c, q)
  if q.body.id then return nil, keel.fail("invalid", "only all can be read") end
  return read(c, q)
end
return keel.connector { memo = v }
LUA
    run keel connector check it --only read.id
    [ "$status" -eq 0 ]
    has '# SKIP {id} is no query of it: it failed with invalid (only all can be read)'
}

@test "caught: a cursor that leads nowhere" {
    caught read.cursor memos <<'LUA'
local read, n = v.read, 0
v.read = function(c, q)
  q.body.cursor, n = nil, n + 1
  return { items = read(c, q).items, next = "page" .. n }
end
LUA
}

@test "caught: a write that fails" {
    caught write.works memos <<'LUA'
v.write = function(c, q) return nil, keel.fail("invalid", "not today") end
LUA
}

@test "caught: what a model used is not reported as the manifest declares it" {
    manifest='s/class: checkable, undo/tokens: { input: 9, output: 9 }, class: checkable, undo/'
    caught write.works memos </dev/null
    has 'the answer does not say what was used'
    rm -r it
    manifest=
    caught write.works memos <<'LUA'
local write = v.write
v.write = function(c, q) return write(c, q), keel.usage { model = "big", input = 9 } end
LUA
    has 'the manifest declares no `tokens` for write'
    rm -r it
    caught read.shape memos <<'LUA'
local read = v.read
v.read = function(c, q) return read(c, q), keel.usage { model = "big", input = 9 } end
LUA
    has 'the manifest declares no `tokens` for read'
}

@test "a connector that reports what a model used passes" {
    cp -r "$kits/memos" it
    sed -i 's/class: checkable, undo/tokens: { input: 9, output: 9 }, class: checkable, undo/' it/manifest.yaml
    cat >it/memos.lua <<'LUA'
local keel = require "keel"
local v = require "verbs"
local write = v.write
v.write = function(c, q)
  local result, why = write(c, q)
  return result, why or keel.usage { model = "big", input = 9, output = 3, cache_read = 4 }
end
return keel.connector { memo = v }
LUA
    run keel connector check it --only write
    [ "$status" -eq 0 ]
    lacks 'not ok'
}

@test "caught: a result that is not the expected one" {
    cp -r "$kits/memos" it
    echo '    expect: { id: "memo.txt" }' >>it/check.yaml
    run keel connector check it --only write
    [ "$status" -eq 1 ]
    has 'check.yaml expects "memo.txt"'
}

@test "caught: a write that writes nothing" {
    caught write.shows memos <<'LUA'
v.write = function(c, q) return { id = q.key .. ".txt" } end
LUA
}

@test "caught: a dry run that writes" {
    caught dry_run memos <<'LUA'
local write = v.write
v.write = function(c, q) q.dry_run = false; return write(c, q) end
LUA
}

@test "caught: reconcile does not find what was written" {
    caught same_key memos <<'LUA'
v.reconcile = function() return keel.absent() end
LUA
}

@test "caught: reconcile refers to something else" {
    caught same_key memos <<'LUA'
v.reconcile = function() return keel.applied { id = "another.txt" } end
LUA
}

@test "caught: a keyed write that ignores the key" {
    manifest='s/class: checkable, undo/class: keyed, window: 1h, undo/' caught same_key memos <<'LUA'
local n = 0
v.write = function(c, q)
  n = n + 1
  c.fs.write(c.config.folder, "memo" .. n .. ".txt", q.body.text)
  return { id = "memo.txt" }
end
LUA
}

@test "caught: a keyed write whose repeat answers something else" {
    manifest='s/class: checkable, undo/class: keyed, window: 1h, undo/' caught same_key memos <<'LUA'
local write, n = v.write, 0
v.write = function(c, q) n = n + 1; write(c, q); return { id = n } end
LUA
}

@test "caught: reconcile says applied of what was never written" {
    caught reconcile memos <<'LUA'
v.reconcile = function(c, q) return keel.applied { id = q.key .. ".txt" } end
LUA
}

@test "caught: reconcile answers a fifth state" {
    caught reconcile memos <<'LUA'
v.reconcile = function() return { state = "perhaps" } end
LUA
}

@test "caught: reconcile that writes" {
    caught reconcile memos <<'LUA'
v.reconcile = function(c, q)
  c.fs.write(c.config.folder, "asked.txt", q.key)
  return keel.absent()
end
LUA
}

@test "caught: checkable without reconcile" {
    caught reconcile memos <<<'v.reconcile = nil'
}

@test "caught: compensate that leaves it" {
    caught compensate memos <<'LUA'
v.compensate = function(c, q) return { id = q.outcome.id } end
LUA
}

@test "caught: memory that grows with each verb" {
    caught leaks memos <<'LUA'
local write, kept = v.write, {}
v.write = function(c, q)
  kept[#kept + 1] = ("x"):rep(100000) .. #kept
  return write(c, q)
end
LUA
}

@test "caught: killed on the way, it says absent of what is there" {
    caught kill.steps memos <<'LUA'
v.reconcile = function() return keel.absent() end
LUA
}

@test "caught: killed on the way, it says applied of what is not there" {
    caught kill.steps memos <<'LUA'
v.reconcile = function(c, q) return keel.applied { id = q.key .. ".txt" } end
LUA
}

@test "caught: killed between two files, it says applied of one" {
    caught kill.steps memos <<'LUA'
local write = v.write
v.write = function(c, q)
  local done, err = write(c, q)
  c.fs.write(c.config.folder, q.key .. ".index", q.body.text)
  return done, err
end
LUA
}

@test "caught: killed, then sent again, it writes under another name" {
    caught kill.steps memos <<'LUA'
v.write = function(c, q)
  local n = #c.fs.list(c.config.folder, "") + 1
  c.fs.write(c.config.folder, "memo" .. n .. ".txt", q.body.text)
  return { id = "memo" .. n .. ".txt" }
end
v.reconcile = function(c, q) return keel.absent() end
LUA
}

# ---- services ----

@test "caught: a service's key that is not sent" {
    for check in same_key kill.requests; do
        rm -rf it
        caught $check notes <<'LUA'
v.write = function(c, q)
  local r, err = c.http.post("/notes", { json = q.body })
  if not r then return nil, err end
  return { id = r:json().id }, keel.status(r)
end
LUA
    done
}

@test "caught: killed under a request, it says applied of what was not" {
    caught kill.requests notes <<'LUA'
v.reconcile = function() return keel.applied { id = "1" } end
LUA
}

@test "caught: killed after a request, it says absent of what was applied" {
    caught kill.requests notes <<'LUA'
v.reconcile = function() return keel.absent() end
LUA
}

@test "caught: a lost answer is called retry" {
    caught lost notes <<'LUA'
local write = v.write
v.write = function(c, q)
  local done, err = write(c, q)
  return done, err and keel.fail("retry", "try again")
end
LUA
}

@test "caught: no answer in time is called done" {
    caught timeout notes <<'LUA'
local write = v.write
v.write = function(c, q) return write(c, q) or { id = "surely" } end
LUA
}

@test "caught: it goes on after it was stopped" {
    caught cancel notes <<'LUA'
local write = v.write
v.write = function(c, q)
  local done, err
  repeat done, err = write(c, q) until done
  return done
end
LUA
}

@test "caught: too many requests are called invalid" {
    caught 429 notes <<'LUA'
v.write = function(c, q)
  local r, err = c.http.post("/notes", { json = q.body, key = q.key })
  if not r then return nil, err end
  return r.status == 201 and { id = r:json().id } or nil, keel.fail("invalid", "it says " .. r.status)
end
LUA
}

@test "caught: a server's error is called invalid" {
    caught 5xx notes <<'LUA'
v.write = function(c, q)
  local r, err = c.http.post("/notes", { json = q.body, key = q.key })
  if not r then return nil, err end
  return r.status == 201 and { id = r:json().id } or nil, keel.fail("invalid", "it says " .. r.status)
end
LUA
}

@test "caught: a huge answer is called nothing to read" {
    caught huge notes <<'LUA'
local read = v.read
v.read = function(c, q) return read(c, q) or { items = keel.list {} } end
LUA
}

@test "caught: a broken answer is called nothing to read" {
    caught malformed notes <<'LUA'
v.read = function(c, q)
  local r, err = c.http.get("/notes")
  if not r then return nil, err end
  local found = r:json() or {}
  return { items = found.items or keel.list {} }
end
LUA
}

@test "caught: checkable over a service without settle" {
    manifest='s/class: keyed, window: 24h, undo/class: checkable, undo/' caught late notes </dev/null
}

@test "caught: a forgotten key makes it absent" {
    caught key_expiry notes <<'LUA'
v.reconcile = function() return keel.absent() end
LUA
}
