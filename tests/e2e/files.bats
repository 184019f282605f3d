# Documents in a folder, through a real kernel: an agent writes, reads, lists and is told of conflicts; the
# kernel is killed in the middle; what a person has written stays.

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
    cat >"$W/policies/clerk.yaml" <<'YAML'
version: 1
rules:
  - { id: clerk-writes, on: docs.document.write, agents: [clerk], allow: {} }
YAML
    cat >"$W/agents/clerk/manifest.yaml" <<'YAML'
id: com.example.clerk
name: clerk
kind: agent
version: 1.0.0
entry: clerk.lua
YAML
    cat >"$W/agents/clerk/clerk.lua" <<'LUA'
local keel = require "keel"

local function write(docs, args)
  local done, err = docs.write("document", args)
  return done or { refused = err.code, why = err.why }
end

local tasks = {}

function tasks.write(docs, input)
  return write(docs, { path = input.path, text = input.text, expect = input.expect })
end

function tasks.remove(docs, input)
  return write(docs, { path = input.path, remove = true, expect = input.expect })
end

function tasks.read(docs, input)
  local found, err = docs.read("document", { path = input.path })
  return found and found.items[1] or { refused = err.code }
end

function tasks.bytes(docs)
  local all = {}
  for i = 0, 255 do
    all[#all + 1] = string.char(i)
  end
  local text = table.concat(all):rep(64)
  write(docs, { path = "bytes", text = text })
  return { same = docs.read("document", { path = "bytes" }).items[1].text == text, size = #text }
end

function tasks.list(docs, input)
  local ids, cursor, pages = keel.list {}, nil, 0
  repeat
    local page = docs.read("document", { under = input.under, limit = 2, cursor = cursor })
    for _, item in ipairs(page.items) do
      ids[#ids + 1] = item.id
    end
    cursor, pages = page.next, pages + 1
  until not cursor
  return { ids = ids, pages = pages }
end

-- Adds its line to what is there, whoever else has written in between, twenty times.
function tasks.diary(docs)
  local conflicts, i = 0, 1
  while i <= 20 do
    local now = docs.read("document", { path = "diary.txt" })
    local item = now and now.items[1] or { text = "" }
    local done = docs.write("document",
      { path = "diary.txt", text = item.text .. "clerk " .. i .. "\n", expect = item.etag or "absent" })
    if done then
      i = i + 1
    else
      conflicts = conflicts + 1
    end
  end
  return { conflicts = conflicts }
end

return keel.agent {
  run = function(ctx, input)
    return tasks[input.task](ctx.use("docs"), input)
  end,
}
LUA
    cd "$W"
    kit="$BATS_FILE_TMPDIR/files"
    cp -r "$(dirname "$(command -v keel)")/../share/keel/plugins/files" "$kit"
    mkdir -p "$kit/seed/below"
    for n in 1 2 3; do echo "$n" >"$kit/seed/below/$n"; done
    echo 'seed: seed' >>"$kit/check.yaml"
    keel connector check "$kit" >"$BATS_FILE_TMPDIR/check"
    start_kernel "$W"
}

teardown_file() {
    stop_kernel "$W"
}

setup() {
    own_home
    cd "$W"
}

# gives TASK NAME=VALUE... : runs the clerk; its result is in $output.
gives() {
    run keel do clerk "task=$1" "${@:2}"
    [ "$status" -eq 0 ] || { printf '%s\n' "$output" >&2; return 1; }
    n=$(printf '%s\n' "$output" | sed -n 's/^Run \([0-9]*\) has ended.*/\1/p')
    run keel --json run show "$n"
}

kernel_pid() {
    sed -n 's/.*"pid":\([0-9]*\).*/\1/p' "$W/.status"
}

@test "it keeps its promises, in the conformance kit" {
    run ! grep '^not ok' "$BATS_FILE_TMPDIR/check"
    grep -q 'kill.steps of document: ' "$BATS_FILE_TMPDIR/check"
    run ! grep ' \(kill.steps\|read.cursor\|compensate\|same_key\) of document.*SKIP' "$BATS_FILE_TMPDIR/check"
}

@test "a document is written whole, read with its etag, and replaced only as expected" {
    gives write path=offers/a.txt text=one
    [ "$(cat docs/offers/a.txt)" = one ]
    gives read path=offers/a.txt
    has '"text":"one"'
    etag=$(printf '%s\n' "$output" | grep -o '"etag":"[0-9a-f]*"' | head -n 1 | cut -d'"' -f4)
    [ ${#etag} -eq 64 ]
    gives write path=offers/a.txt text=two expect="$etag"
    has "\"before\":\"$etag\""
    [ "$(cat docs/offers/a.txt)" = two ]
    gives write path=offers/a.txt text=three expect="$etag"
    has '"refused":"conflict"'
    [ "$(cat docs/offers/a.txt)" = two ]
    [ "$(cat docs/.before/* | sort | tr -d '\n')" = one ]
}

@test "what a person has changed is a conflict, and not lost" {
    gives write path=price.txt text="100 EUR"
    gives read path=price.txt
    etag=$(printf '%s\n' "$output" | grep -o '"etag":"[0-9a-f]*"' | head -n 1 | cut -d'"' -f4)
    printf 'a person: 120' >docs/price.txt
    gives write path=price.txt text="110 EUR" expect="$etag"
    has '"refused":"conflict"'
    has 'has changed since'
    gives remove path=price.txt expect="$etag"
    has '"refused":"conflict"'
    [ "$(cat docs/price.txt)" = 'a person: 120' ]
    gives remove path=price.txt
    [ ! -e docs/price.txt ]
    grep -rq 'a person: 120' docs/.before
}

@test "any bytes come back as they were" {
    gives bytes
    has '"same":true'
    has '"size":16384'
    [ "$(stat -c %s docs/bytes)" -eq 16384 ]
}

@test "documents are listed page by page, and what was replaced is not among them" {
    mkdir -p docs/many/deep
    for n in 1 2 3 4; do echo "$n" >"docs/many/$n"; done
    echo 5 >docs/many/deep/5
    gives list under=many
    has '"ids":["many/1","many/2","many/3","many/4","many/deep/5"]'
    has '"pages":3'
    gives list
    lacks .before
}

@test "nothing outside of the folder is read or written" {
    echo secret >outside.txt
    ln -s "$W/outside.txt" docs/link
    ln -s "$W" docs/up
    for path in ../outside.txt link up/outside.txt "$W/outside.txt" a/../../outside.txt; do
        gives read path="$path"
        has '"refused"'
        lacks secret
        gives write path="$path" text=changed
        has '"refused"'
    done
    [ "$(cat outside.txt)" = secret ]
    rm docs/link docs/up
}

@test "killed in the middle, again and again: each line once, none lost" {
    keel do clerk task=diary --detach
    for _ in 1 2 3 4 5; do
        sleep 0.2
        pid=$(kernel_pid)
        kill -9 "$pid"
        while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
        start_kernel "$W"
    done
    for _ in $(seq 200); do
        if grep -qs '^clerk 20$' docs/diary.txt; then break; fi
        sleep 0.1
    done
    for i in $(seq 20); do echo "clerk $i"; done | diff - docs/diary.txt
    run keel audit verify
    [ "$status" -eq 0 ]
    run keel inbox
    lacks diary
}
