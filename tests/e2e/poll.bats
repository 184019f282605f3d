# What is new in a folder that is polled reaches an agent that waits for it, through a real kernel, the
# connector that ships, and restarts.

bats_require_minimum_version 1.5.0
load helper

setup_file() {
    own_home
    export W=$BATS_FILE_TMPDIR/office
    mkdir -p "$W/offers" "$W/agents/clerk" "$W/policies"
    configured 'poll: { document: 1s }'
    printf 'id: com.example.clerk\nname: clerk\nkind: agent\nversion: 1.0.0\nentry: clerk.lua\n' \
        >"$W/agents/clerk/manifest.yaml"
    cat >"$W/agents/clerk/clerk.lua" <<'LUA'
local keel = require "keel"
return keel.agent { run = function(ctx, input)
  local came, err = ctx.receive(input.name or "offers.document", { timeout = "7d" })
  return came and { path = came.body.id, from = came.name } or { refused = err.code, why = err.why }
end }
LUA
    make_box
    printf 'version: 1\nrules: []\n' >"$W/policies/none.yaml"
    printf 'old' >"$W/offers/old.txt"
    start_kernel "$W"
}

teardown_file() {
    stop_kernel "$W"
}

setup() {
    own_home
    cd "$W"
}

# A connector that is down while a file says so.
make_box() {
    mkdir -p "$W/connectors/box" "$W/box"
    printf 'id: com.example.box\nkind: connector\nversion: 1.0.0\nentry: box.lua\n%s\n%s\n' \
        'needs: [ "file:ro:{config.folder}" ]' 'resources: { thing: { read: {} } }' >"$W/connectors/box/manifest.yaml"
    cat >"$W/connectors/box/box.lua" <<'LUA'
local keel = require "keel"
return keel.connector { thing = { read = function(c)
  if c.fs.read(c.config.folder, "down") then
    return nil, keel.fail("retry", "the box is shut")
  end
  return { items = keel.list {} }
end } }
LUA
}

# configured LINE: keel.yaml with it.
configured() {
    printf 'version: 1\nconnections:\n  offers: { use: com.keel.files@0.1, config: { folder: offers }, %s }\n' \
        "$1" >"$W/keel.yaml"
    printf '  box: { use: com.example.box@1, config: { folder: box }, poll: { thing: 1s } }\n' >>"$W/keel.yaml"
}

known() {
    keel connection show offers | grep -q 'offers.document is polled every 1 s; last 2'
}

# While it is being polled nothing says when it is next.
timed() {
    keel connection show offers | grep -q 'offers.document is polled every 1 s; last 2.*, next 2'
}

begin() {
    keel do clerk "$@" --detach --json | sed -n 's/.*"run":\([0-9]*\).*/\1/p'
}

has_ended() {
    keel --json run show "$1" | grep -q '"state":"ended"'
}

@test "a new document wakes the run that waits for it; one that was there before does not" {
    until_it known
    id=$(begin)
    printf 'new' >offers/bakery.txt
    until_it has_ended "$id"
    run keel run show "$id"
    has 'bakery.txt'
    has 'woken  receive  offers.document  event '
    run keel --json run show "$id"
    has '"path":"bakery.txt"'
}

@test "what comes while Keel is down is found when it is up again, once" {
    id=$(begin)
    keel down
    printf 'more' >offers/garden.txt
    start_kernel "$W"
    until_it has_ended "$id"
    run keel --json run show "$id"
    has '"path":"garden.txt"'
    run keel logs --all
    [ "$(grep -c 'polled  offers' <<<"$output")" -eq 3 ] # the first time, and two documents
}

@test "the list of connections says what is polled" {
    run keel connection list
    has 'POLLED'
    has 'document 1 s'
    run keel --json connection list
    has '"polled":"document 1 s"'
    until_it timed
}

@test "what fails is said once, and shown until it works again" {
    touch box/down
    until_it grep -q 'box.thing cannot be polled: the box is shut' .keel/keel.log
    run keel connection list
    has 'warning: box.thing is polled every 1 s; last 2'
    has 'it failed: the box is shut'
    sleep 2.5
    [ "$(grep -c 'box.thing cannot be polled' .keel/keel.log)" -eq 1 ]
    rm box/down
    until_it grep -q 'box.thing is polled again' .keel/keel.log
    run keel connection list
    lacks 'it failed: '
}

@test "what is not polled cannot be waited for, and the error says what to do" {
    configured 'private: false'
    keel policy reload
    run keel do clerk
    has 'offers.document is not polled: add `poll: { document: 60s }` to its connection in keel.yaml'
    run keel do clerk name=offers.letter
    has 'offers reads nothing of that name'
    configured 'poll: { document: 1s }'
    keel policy reload
}

@test "policy decides who may receive, as it decides who may read" {
    printf 'version: 1\nrules:\n  - { id: closed, on: offers.*.read, deny: {} }\n' >policies/none.yaml
    keel policy reload
    run keel do clerk
    has 'denied'
    printf 'version: 1\nrules: []\n' >policies/none.yaml
    keel policy reload
}

@test "what cannot be polled is refused at its place" {
    while IFS='|' read -r line place what; do
        configured "$line"
        run keel policy reload
        [ "$status" -ne 0 ]
        has "keel.yaml:3:$place"
        has "$what"
    done <<'TABLE'
poll: { letter: 1s }|74|com.keel.files has no such resource
poll: { document: 1ms }|84|a duration between 1s and 1d
poll: 1s|72|a map from resources
TABLE
    configured 'poll: { document: 1s }'
    keel policy reload
}

@test "an erasure names the other records that hold the same words, and each can be erased" {
    one=$(begin)
    two=$(begin)
    printf 'private' >offers/widow.txt
    until_it has_ended "$one"
    until_it has_ended "$two"
    run keel audit erase --run "$one" --why 'asked for' --dry-run
    has 'Not erased with it, and the same words: record '
    has '(what was polled)'
    has " of run $two. \`keel audit erase --record SEQ\` erases one."
    polled=$(sed -n 's/.*same words: record \([0-9]*\) (what was polled).*/\1/p' <<<"$output")
    woken=$(sed -n 's/.*, \([0-9]*\) of run [0-9]*\. .*/\1/p' <<<"$output")
    keel down
    keel audit erase --run "$one" --why 'asked for' --yes
    run keel audit erase --record "$polled" --why 'asked for' --dry-run
    has 'the words of 1 record'
    lacks 'of run 0'
    has "same words: record $woken of run $two."
    keel audit erase --record "$polled" --why 'asked for' --yes
    run keel audit erase --record "$woken" --why 'asked for' --dry-run
    lacks 'the same words'
    keel audit erase --run "$two" --why 'asked for' --yes
    run keel audit erase --record "$polled" --why 'asked for' --dry-run
    has 'they are gone already'
    lacks 'the same words'
    start_kernel "$W"
}

@test "the tables follow from the journal" {
    keel down
    run keel audit rebuild --check
    [ "$status" -eq 0 ]
    keel audit verify
    start_kernel "$W"
}
