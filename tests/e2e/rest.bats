# Services in YAML alone, through a real kernel and the real egress: against a scripted service that loses
# answers, nginx's WebDAV and Radicale. The scripted service and the servers are counted on, not the kernel.

bats_require_minimum_version 1.5.0
load helper
load pages
. "$BATS_TEST_DIRNAME/../rigs/common.sh"
. "$BATS_TEST_DIRNAME/../rigs/dav.sh"

setup_file() {
    own_home
    export W=$BATS_FILE_TMPDIR/office WORLD=$BATS_FILE_TMPDIR/world
    mkdir -p "$W" "$WORLD"
    echo "$W" >"$BATS_FILE_TMPDIR/place"
    rig_begin "$PPID" && rig_dav_start && start_world || return 1
    make_workspace
}

teardown_file() {
    stop_kernel "$W"
    rig_end
    kill "$(cat "$WORLD/pid")" 2>/dev/null || true
}

setup() {
    own_home
    rig_load
    port=$(cat "$WORLD/port")
    cd "$W"
}

start_world() {
    cat >"$WORLD/script.yaml" <<'YAML'
routes:
  - { method: POST, path: /notes, do: create, key: Idempotency-Key, window: 60s, keep: ref }
  - { method: GET, path: /notes, do: search, query: ref }
  - { method: GET, path: /notes, do: list, size: 2 }
  - { method: GET, path: "/notes/{id}", do: get }
  - { method: DELETE, path: "/notes/{id}", do: delete }
YAML
    "$(dirname "$(command -v keel)")/../libexec/keel/keel-fakeworld" "$WORLD/script.yaml" \
        --log "$WORLD/log" >"$WORLD/port" 2>"$WORLD/err" 3>&- 4>&- &
    echo $! >"$WORLD/pid"
    rig_until 50 test -s "$WORLD/port" || { cat "$WORLD/err" >&2; return 1; }
    port=$(cat "$WORLD/port")
}

# service NAME CLASS: a connector of documents whose description stands on stdin.
service() {
    mkdir -p "$W/connectors/$1"
    cat >"$W/connectors/$1/service.yaml"
    cat >"$W/connectors/$1/manifest.yaml" <<YAML
id: com.example.$1
kind: connector
version: 1.0.0
entry: service.yaml
needs: [ "http:{config.base}" ]
resources:
  document:
    read: { returns: untrusted }
    write: { class: $2 }
YAML
}

make_workspace() {
    mkdir -p "$W/agents/clerk" "$W/policies"
    service dav repeatable <<'YAML'
resources:
  document:
    read: { get: "/{id}", list: /, as: text, id: name }
    write:
      - { when: remove, delete: "/{id}" }
      - { put: "/{id}", text: "{text}", result: { id: "{id}" } }
YAML
    service cal checkable <<'YAML'
resources:
  document:
    read: { get: "/me/cal/{id}", as: text }
    write: { put: "/me/cal/{id}", text: "{text}", headers: { If-Match: "{etag?}", If-None-Match: "{new?}", Content-Type: text/calendar }, result: { id: "{id}", etag: "{header.etag?}" } }
    reconcile: { get: "/me/cal/{id}", same: "{text}" }
YAML
    cat >"$W/keel.yaml" <<YAML
version: 1
connections:
  notes: { use: com.example.notes@1, config: { base: "http://127.0.0.1:$port" }, private: true }
  dav: { use: com.example.dav@1, config: { base: "http://127.0.0.1:$dav/" }, private: true, auth: { kind: basic, user: me, password: { secret: dav } } }
  cal: { use: com.example.cal@1, config: { base: "http://127.0.0.1:$radicale" }, private: true, auth: { kind: basic, user: me, password: { secret: dav } } }
YAML
    cat >"$W/policies/clerk.yaml" <<'YAML'
version: 1
rules:
  - { id: clerk-notes, on: notes.note.write, agents: [clerk], allow: {} }
  - { id: clerk-dav, on: dav.document.write, agents: [clerk], allow: {} }
  - { id: clerk-cal, on: cal.document.write, agents: [clerk], allow: {} }
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

local function list(of, resource)
  local items, cursor, pages = keel.list {}, nil, 0
  repeat
    local page = assert(of.read(resource, { cursor = cursor }))
    for _, item in ipairs(page.items) do
      items[#items + 1] = item
    end
    cursor, pages = page.next, pages + 1
  until not cursor
  return { items = items, pages = pages }
end

return keel.agent { run = function(ctx, input)
  local of = ctx.use(input.of)
  if input.verb == "list" then
    return list(of, input.resource)
  end
  local done, err = of[input.verb](input.resource, keel.json.decode(input.args))
  return done or { refused = err.code, why = err.why }
end }
LUA
}

# gives CONNECTION VERB RESOURCE JSON: its result is in $output.
gives() {
    run keel do clerk of="$1" verb="$2" resource="$3" args="${4-}"
    [ "$status" -eq 0 ] || { printf '%s\n' "$output" >&2; return 1; }
    n=$(printf '%s\n' "$output" | sed -n 's/^Run \([0-9]*\) has ended.*/\1/p')
    run keel --json run show "$n"
}

# world METHOD PATH [BODY]: asks the scripted service's control.
world() {
    exec 9<>"/dev/tcp/127.0.0.1/$port"
    printf '%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s' "$1" \
        "/_fakeworld/$2" "${#3}" "${3-}" >&9
    cat <&9
    exec 9>&-
}

applied() {
    grep -c '"applied":true' "$WORLD/log" || true
}

@test "a service without code is less than 25 lines, and is checked before anything runs" {
    follow plugins/rest/README.md 'A service without code'
    [ "$(cat connectors/notes/manifest.yaml connectors/notes/service.yaml | wc -l)" -lt 25 ]
    sed 's/{outcome.id}/{outcome.id/' connectors/notes/service.yaml >broken.yaml
    mkdir -p broken
    cp connectors/notes/manifest.yaml broken/
    mv broken.yaml broken/service.yaml
    run keel plugin inspect broken
    [ "$status" -eq 2 ]
    has 'broken/service.yaml:11:27: a brace is not closed'
    keel secret set dav <<<"$secret"
    start_kernel "$W"
}

@test "a keyed write whose answer is lost is applied once" {
    world POST faults '[{"fault":"lost","method":"POST"}]' | grep -q '^HTTP/1.1 2'
    before=$(applied)
    gives notes write note '{"text":"lost"}'
    has '"id":'
    [ $(($(applied) - before)) -eq 1 ]
    [ "$(world GET store | grep -o '"text":"lost"' | wc -l)" -eq 1 ]
}

@test "an error after it was applied is not believed, and it is applied once" {
    world POST faults '[{"fault":"error_after","method":"POST"}]' >/dev/null
    before=$(applied)
    gives notes write note '{"text":"500"}'
    has '"id":'
    [ $(($(applied) - before)) -eq 1 ]
}

@test "what is to come later is tried later" {
    world POST faults '[{"fault":"status","status":429,"method":"POST","times":2}]' >/dev/null
    before=$(applied)
    gives notes write note '{"text":"429"}'
    has '"id":'
    [ $(($(applied) - before)) -eq 1 ]
    [ "$(grep -c '"status":429' "$WORLD/log")" -eq 2 ]
}

@test "a list of three pages, and one of it" {
    world POST faults '[]' >/dev/null
    gives notes write note '{"text":"four"}'
    gives notes write note '{"text":"five"}'
    gives notes list note
    has '"pages":3'
    [ "$(printf '%s\n' "$output" | grep -o '"pages":3.*\|.*"pages":3' | grep -o '"text":"[a-z0-9]*"' | sort -u | wc -l)" -eq 5 ]
    gives notes read note '{"id":"1"}'
    has '"text":"lost"'
    gives notes read note '{"id":"../notes/1"}' # egress takes no such address either
    has '"refused":"invalid"'
}

@test "documents in nginx's WebDAV, with a login that the connector never sees" {
    gives dav write document '{"id":"a b.txt","text":"one"}'
    has '"id":"a b.txt"'
    [ "$(cat "$RIG_DIR/dav/a b.txt")" = one ]
    gives dav read document '{"id":"a b.txt"}'
    has '"text":"one"'
    gives dav list document
    has '"id":"a b.txt"'
    gives dav write document '{"id":"../../escaped","text":"x"}'
    gives dav write document '{"id":"..","text":"x"}'
    has '"refused":"invalid"'
    [ "$(find "$RIG_DIR" -name '*escaped*' -not -path "$RIG_DIR/dav/*" | wc -l)" -eq 0 ]
    gives dav write document '{"id":"a b.txt","remove":true}'
    [ ! -e "$RIG_DIR/dav/a b.txt" ]
    gives dav read document '{"id":"a b.txt"}'
    has '"refused":"not_found"'
    grep -q ' me .*"PUT /a%20b.txt' "$RIG_DIR/nginx/access"
    run ! grep -rq --exclude-dir=secrets "$secret" "$W"
}

@test "an entry of a calendar that has changed since is a conflict" {
    rig_radicale_has || skip 'Radicale is not installed'
    # The collection is made as a calendar program makes it.
    for request in 'PROPFIND /me/' 'MKCALENDAR /me/cal/'; do
        exec 9<>"/dev/tcp/127.0.0.1/$radicale"
        printf '%s HTTP/1.0\r\nAuthorization: Basic %s\r\nContent-Length: 0\r\n\r\n' "$request" \
            "$(printf 'me:%s' "$secret" | base64 -w 0)" >&9
        head -n 1 <&9 | grep -q ' 20[17] '
        exec 9>&-
    done
    event='BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:u1\r\nDTSTAMP:20261101T100000Z\r\nDTSTART:20261102T100000Z\r\nSUMMARY:NAME\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n'
    gives cal write document "{\"id\":\"u1.ics\",\"new\":\"*\",\"text\":\"${event/NAME/One}\"}"
    has '"etag":'
    etag=$(printf '%s\n' "$output" | grep -o '"etag":"\\"[0-9a-f]*\\""' | head -n 1 | sed 's/^"etag"://')
    [ ${#etag} -gt 10 ]
    gives cal write document "{\"id\":\"u1.ics\",\"etag\":$etag,\"text\":\"${event/NAME/Two}\"}"
    has '"id":"u1.ics"'
    lacks refused
    gives cal write document "{\"id\":\"u1.ics\",\"etag\":$etag,\"text\":\"${event/NAME/Three}\"}"
    has '"refused":"conflict"'
    gives cal read document '{"id":"u1.ics"}'
    has 'SUMMARY:Two'
}

@test "it is all in the record" {
    run keel audit verify
    [ "$status" -eq 0 ]
}
