# Ways by which an agent or a local script that does not know the passphrase might approve, or come to know
# it. Each ends in a refusal. What is out of reach: who may replace the program `keel` itself, or is root.

bats_require_minimum_version 1.5.0
load ../e2e/helper

here=$BATS_TEST_DIRNAME
other='another passphrase'

setup_file() {
    own_home
    export W=$BATS_FILE_TMPDIR/office
    make_office "$W"
    start_kernel "$W"
    "$typist" 'with (new): ' "$secret" 'again: ' "$secret" -- keel -C "$W" approver set >&2
    keel -C "$W" do writer count=6 --detach >&2
    for _ in $(seq 200); do
        [ "$(keel -C "$W" inbox --json | wc -l)" -lt 6 ] || break
        sleep 0.05
    done
}

teardown_file() {
    stop_kernel "$W"
}

setup() {
    own_home
    cd "$W"
}

# make_office FOLDER: an agent whose notes ask, and one that looks for a way.
make_office() {
    mkdir -p "$1/policies" "$1/docs" "$1/agents/writer" "$1/agents/thief"
    cat >"$1/keel.yaml" <<'YAML'
version: 1
connections:
  docs: { use: com.keel.files@0.1, config: { folder: docs } }
YAML
    cat >"$1/policies/desk.yaml" <<'YAML'
version: 1
rules:
  - { id: reads, on: docs.document.read, allow: {} }
  - { id: notes-ask, on: docs.document.write, ask: {}, approval: { expires: 24h, edit: [text] } }
YAML
    for name in writer thief; do
        printf 'id: com.example.%s\nname: %s\nkind: agent\nversion: 1.0.0\nentry: main.lua\n' \
            "$name" "$name" >"$1/agents/$name/manifest.yaml"
    done
    cat >"$1/agents/writer/main.lua" <<'LUA'
local keel = require "keel"

return keel.agent { run = function(ctx, input)
  local branches = {}
  for i = 1, input.count do
    branches[i] = function()
      return ctx.use("docs").write("document", { path = i .. ".txt", text = "note " .. i })
    end
  end
  ctx.all(branches)
  return {}
end }
LUA
    cat >"$1/agents/thief/main.lua" <<'LUA'
local keel = require "keel"

return keel.agent { run = function(ctx)
  local open = {}
  local ways = {
    io = function() return io.open(".keel/keel.sock") end,
    popen = function() return io.popen("keel approve 1") end,
    os = function() return os.execute("keel approve 1") end,
    getenv = function() return os.getenv("HOME") end,
    package = function() return package.loadlib("libc.so.6", "socket") end,
    debug = function() return debug.getregistry() end,
    load = function() return load("return 1")() end,
    dofile = function() return dofile("/proc/self/environ") end,
  }
  for name, way in pairs(ways) do
    if pcall(way) then open[#open + 1] = name end
  end
  for _, name in ipairs { "io", "os", "socket", "posix", "ffi" } do
    if pcall(require, name) then open[#open + 1] = "require " .. name end
  end
  local docs = ctx.use "docs"
  for _, path in ipairs { "../.keel/keel.sock", "../.keel/keel.db", "link", "link/keel.db",
      "approver.json", "/proc/self/environ" } do
    local r = docs.read("document", { path = path })
    if r then open[#open + 1] = "read " .. path end
  end
  return { open = keel.list(open) }
end }
LUA
}

# tell NAME ARGS: over the socket, as any program can.
tell() {
    run python3 "$here/sock.py" .keel/keel.sock "$1" "$2" "route-$BATS_TEST_NUMBER-$RANDOM$RANDOM"
    [ "$status" -eq 0 ]
}

first_open() {
    keel inbox --json | sed -n 's/.*"number":\([0-9]*\),.*/\1/p' | head -n 1
}

digest_of() {
    keel inbox "$1" --json | sed -n 's/.*"approval":"\([0-9a-f]*\)".*/\1/p'
}

waiting() {
    keel inbox --json | wc -l
}

nothing_was_approved() {
    [ "$(waiting)" -eq "$1" ]
    [ -z "$(ls "$W/docs" | grep -v '^[1x]' || true)" ]
}

# sign KEY TEXT: Ed25519, in hex.
sign() {
    printf '%s' "$2" >"$BATS_TEST_TMPDIR/text"
    openssl pkeyutl -sign -inkey "$1" -rawin -in "$BATS_TEST_TMPDIR/text" | od -An -v -tx1 | tr -d ' \n'
}

public_of() {
    openssl pkey -in "$1" -pubout -outform DER | tail -c 32 | od -An -v -tx1 | tr -d ' \n'
}

incarnation() {
    sqlite3 "file:.keel/keel.db?mode=ro" "SELECT value FROM meta WHERE key = 'incarnation'"
}

nonce=00112233445566778899aabbccddeeff

# ---- over the socket ----

@test "1. approving over the socket without a signature" {
    tell approve "{\"by\":\"operator\",\"items\":[{\"number\":1}]}"
    has '"error"'
    tell approve '{"by":"operator","items":[1]}'
    has '"error"'
    tell approve "{\"items\":[{\"approval\":\"$(digest_of 1)\",\"nonce\":\"$nonce\",\"number\":1,\"signature\":\"\"}]}"
    has '"error"'
    nothing_was_approved 6
}

@test "2. with a signature by a key of one's own" {
    openssl genpkey -algorithm ED25519 -out "$BATS_TEST_TMPDIR/key" 2>/dev/null
    d=$(digest_of 1)
    s=$(sign "$BATS_TEST_TMPDIR/key" "{\"approval\":\"$d\",\"incarnation\":\"$(incarnation)\",\"nonce\":\"$nonce\",\"number\":1,\"verdict\":\"approve\"}")
    [ "${#s}" -eq 128 ]
    tell approve "{\"by\":\"operator\",\"items\":[{\"approval\":\"$d\",\"nonce\":\"$nonce\",\"number\":1,\"signature\":\"$s\"}]}"
    has 'is not the one of approver operator'
    tell approve "{\"by\":\"eve\",\"items\":[{\"approval\":\"$d\",\"nonce\":\"$nonce\",\"number\":1,\"signature\":\"$s\"}]}"
    has 'there is no approver named eve'
    nothing_was_approved 6
}

@test "3. with the signature that another approval left in the journal" {
    as_approver keel approve 1 >&2
    given=$(sqlite3 "file:.keel/keel.db?mode=ro" "SELECT CAST(coalesce(j.body, p.bytes) AS TEXT) FROM journal j
        LEFT JOIN payload p ON p.digest = j.digest WHERE j.kind = (SELECT kind FROM journal WHERE
        CAST(body AS TEXT) LIKE '%\"signature\":\"%' LIMIT 1)")
    s=$(printf '%s' "$given" | sed -n 's/.*"signature":"\([0-9a-f]*\)".*/\1/p')
    n=$(printf '%s' "$given" | sed -n 's/.*"nonce":"\([0-9a-f]*\)".*/\1/p')
    d=$(printf '%s' "$given" | sed -n 's/.*"approval":"\([0-9a-f]*\)".*/\1/p')
    [ "${#s}" -eq 128 ]
    for item in "$(digest_of 2) $n 2" "$d $n 2" "$(digest_of 2) $nonce 2"; do
        # shellcheck disable=SC2086
        set -- $item
        tell approve "{\"by\":\"operator\",\"items\":[{\"approval\":\"$1\",\"nonce\":\"$2\",\"number\":$3,\"signature\":\"$s\"}]}"
        has '"error"'
    done
    tell approve "{\"by\":\"operator\",\"items\":[{\"approval\":\"$d\",\"nonce\":\"$n\",\"number\":1,\"signature\":\"$s\"}]}"
    has '"outcome":"gone"'
    nothing_was_approved 5
}

@test "4. making oneself an approver, or replacing the one there is" {
    openssl genpkey -algorithm ED25519 -out "$BATS_TEST_TMPDIR/key" 2>/dev/null
    k=$(public_of "$BATS_TEST_TMPDIR/key")
    s=$(sign "$BATS_TEST_TMPDIR/key" "{\"approver\":\"operator\",\"incarnation\":\"$(incarnation)\",\"public_key\":\"$k\"}")
    for args in "{\"name\":\"operator\",\"public_key\":\"$k\",\"salt\":\"$nonce\"}" \
        "{\"name\":\"operator\",\"proof\":\"$s\",\"public_key\":\"$k\",\"salt\":\"$nonce\"}" \
        "{\"name\":\"eve\",\"public_key\":\"$k\",\"salt\":\"$nonce\"}" \
        "{\"name\":\"eve\",\"proof\":\"$s\",\"public_key\":\"$k\",\"salt\":\"$nonce\"}"; do
        tell approver.set "$args"
        has '"error"'
    done
    run keel approver list --json
    [ "${#lines[@]}" -eq 1 ]
    lacks "$k"
}

@test "5. changing the passphrase without the old one" {
    run "$typist" 'with (new): ' "$other" 'again: ' "$other" 'of operator: ' wrong 'of operator: ' wrong \
        'of operator: ' wrong -- keel approver set
    [ "$status" -eq 4 ]
    run "$typist" 'with (new): ' "$other" 'again: ' "$other" 'of operator: ' "$other" 'of operator: ' "$other" \
        'of operator: ' "$other" -- keel approver set --name eve
    [ "$status" -eq 4 ]
    run keel approver set --no-input
    [ "$status" -eq 4 ]
}

# ---- the passphrase from elsewhere than a terminal ----

@test "6. the passphrase by a pipe, a here-document, a file or a flag" {
    run setsid sh -c "echo '$secret' | keel approve 2"
    [ "$status" -eq 4 ]
    has 'only read from a terminal'
    run setsid sh -c "keel approve 2 <<END
$secret
END"
    [ "$status" -eq 4 ]
    echo "$secret" >"$BATS_TEST_TMPDIR/secret"
    run setsid keel approve 2 <"$BATS_TEST_TMPDIR/secret"
    [ "$status" -eq 4 ]
    for flag in --passphrase --password --passphrase-file --key; do
        run keel approve 2 "$flag" "$secret"
        [ "$status" -eq 2 ]
    done
    run setsid keel approve 2 "$secret"
    [ "$status" -eq 2 ]
    run setsid keel approve 2 --yes --no-input
    [ "$status" -eq 4 ]
    nothing_was_approved 5
}

@test "7. the passphrase by the environment or a file of the workspace" {
    for name in KEEL_PASSPHRASE PASSPHRASE KEEL_APPROVER SUDO_ASKPASS SSH_ASKPASS; do
        run env "$name=$secret" setsid keel approve 2
        [ "$status" -eq 4 ]
    done
    echo "$secret" >.keel/passphrase
    echo "passphrase: $secret" >>keel.yaml
    run setsid keel approve 2
    [ "$status" -ne 0 ]
    sed -i '/^passphrase/d' keel.yaml
    rm .keel/passphrase
    nothing_was_approved 5
}

@test "8. what is typed ahead, before anybody was asked" {
    run python3 "$here/ahead.py" "$secret" keel approve 2
    has 'Passphrase of operator'
    has 'No passphrase was given'
    [ "$status" -eq 4 ]
    nothing_was_approved 5
}

# ---- the files ----

evil_row() {
    openssl genpkey -algorithm ED25519 -out "$BATS_FILE_TMPDIR/evil" 2>/dev/null
    evil=$(public_of "$BATS_FILE_TMPDIR/evil")
}

@test "9. another approver.json, while it runs and before it starts" {
    evil_row
    printf '{"name":"operator","public_key":"%s","salt":"%s"}' "$evil" "$nonce" >.keel/approver.json
    run keel approver list --json
    lacks "$evil"
    keel down
    run keel up --detach
    [ "$status" -eq 0 ]
    run keel approver list --json
    lacks "$evil"
    rm .keel/approver.json
    run as_approver keel approve 99
    [ "$status" -eq 6 ]
    nothing_was_approved 5
}

@test "10. another public key in the database, while it runs" {
    evil_row
    cp .keel/keel.db "$BATS_TEST_TMPDIR/whole"
    old=$(sqlite3 .keel/keel.db "SELECT hex(public_key) FROM approver")
    sqlite3 .keel/keel.db "UPDATE approver SET public_key = x'$evil'"
    d=$(digest_of 2)
    s=$(sign "$BATS_FILE_TMPDIR/evil" "{\"approval\":\"$d\",\"incarnation\":\"$(incarnation)\",\"nonce\":\"$nonce\",\"number\":2,\"verdict\":\"approve\"}")
    tell approve "{\"by\":\"operator\",\"items\":[{\"approval\":\"$d\",\"nonce\":\"$nonce\",\"number\":2,\"signature\":\"$s\"}]}"
    has 'is not the one of approver operator'
    sqlite3 .keel/keel.db "UPDATE approver SET public_key = x'$old'"
    nothing_was_approved 5
}

@test "11. another public key in the database, before it starts" {
    evil_row
    keel down
    old=$(sqlite3 .keel/keel.db "SELECT hex(public_key) FROM approver")
    row=$(sqlite3 .keel/keel.db "SELECT 'operator', quote(public_key), quote(salt), at_us FROM approver")
    for change in "UPDATE approver SET public_key = x'$evil'" \
        "INSERT INTO approver VALUES('eve', x'$evil', x'$nonce', 0)" \
        "INSERT INTO approver VALUES('eve', x'$evil', x'$nonce', 9000000000000000)"; do
        sqlite3 .keel/keel.db "$change"
        run keel up --detach
        [ "$status" -eq 1 ]
        has 'somebody has written into'
        # Nor by a command that works while it is down, and begins another life with it.
        run keel audit archive --before 1d --yes
        [ "$status" -ne 0 ]
        sqlite3 .keel/keel.db "DELETE FROM approver WHERE name = 'eve'; UPDATE approver SET public_key = x'$old'"
    done
    # Nobody at all, so that the next one is the first.
    printf '{"name":"operator","public_key":"%s","salt":"%s"}' "$evil" "$nonce" >.keel/approver.json
    sqlite3 .keel/keel.db "DELETE FROM approver"
    run keel up --detach
    [ "$status" -eq 1 ]
    has 'somebody has written into'
    rm .keel/approver.json
    IFS='|' read -r name key salt at <<<"$row"
    sqlite3 .keel/keel.db "INSERT INTO approver VALUES('$name', $key, $salt, $at)"
    run keel up --detach
    [ "$status" -eq 0 ]
    nothing_was_approved 5
}

@test "12. the passphrase that was in force before" {
    "$typist" 'with (new): ' "$other" 'again: ' "$other" 'of operator: ' "$secret" -- keel approver set >&2
    new=$(sqlite3 "file:.keel/keel.db?mode=ro" "SELECT quote(public_key) || ',' || quote(salt) || ',' || at_us FROM approver")
    run "$typist" 'operator: ' "$secret" 'operator: ' "$secret" 'operator: ' "$secret" -- keel approve 2
    [ "$status" -eq 4 ]
    "$typist" 'with (new): ' "$secret" 'again: ' "$secret" 'of operator: ' "$other" -- keel approver set >&2
    keel down
    was=$(sqlite3 .keel/keel.db "SELECT quote(public_key) || ',' || quote(salt) || ',' || at_us FROM approver")
    sqlite3 .keel/keel.db "DELETE FROM approver; INSERT INTO approver VALUES('operator', $new)"
    run keel up --detach # a row that the journal has, and has replaced since
    [ "$status" -eq 1 ]
    has 'somebody has written into'
    sqlite3 .keel/keel.db "DELETE FROM approver; INSERT INTO approver VALUES('operator', $was)"
    keel up --detach
    nothing_was_approved 5
}

# ---- the process that knows it ----

# As a user who is not root: root may read everything.
as_user() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all \
            env HOME="$place" XDG_STATE_HOME="$place/state" "$@"
    else
        "$@"
    fi
}

@test "13. the memory of the command that asks for it" {
    place=$(mktemp -d /tmp/keel-guard-XXXXXX)
    cp "$(command -v keel)" "$here/guard.py" "$place"
    mkdir -p "$place/w"
    mkdir -p "$place/mail/new" "$place/mail/cur" "$place/mail/tmp"
    chmod -R a+rwX "$place"
    run as_user python3 "$place/guard.py" "$secret" "$place/keel" init "$place/w/s" --from "$place/mail" \
        --own-domain studio.example --sender 'Ada <ada@studio.example>' --currency EUR --timezone Europe/Madrid
    rm -rf "$place"
    [ "$status" -eq 0 ]
    has 'open: its memory: yes'
    has 'open: seizing it: yes'
    lacks 'OPEN'
    [ "$(printf '%s\n' "$output" | grep -c '^guarded: .*: refused$')" -eq 6 ]
    has 'core: 0'
    lacks 'locked: 0'
}

@test "14. a tracer that was there first" {
    run python3 "$here/traced.py" keel approve 2
    [ "$status" -eq 4 ]
    has 'traces this one'
    lacks 'Passphrase of'
}

@test "15. trying many passphrases" {
    # Each try takes the memory and time of Argon2id, here and for whoever has taken the public key away.
    run python3 -c "
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print('kB', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
" "$typist" 'operator: ' wrong 'operator: ' wrong 'operator: ' wrong -- keel approve 2
    [ "$(printf '%s\n' "$output" | sed -n 's/^kB //p')" -ge 65536 ]
    nothing_was_approved 5
}

# ---- agents and connectors ----

@test "16. an agent that looks for the socket, a program, a file" {
    ln -s ../.keel docs/link
    run keel do thief
    [ "$status" -eq 0 ]
    has 'open'
    run keel run list --agent thief --json
    has '"state":"ended"'
    id=$(printf '%s\n' "$output" | sed -n 's/.*"run":\([0-9]*\).*/\1/p' | head -n 1)
    run keel run show "$id" --json
    has '"open":[]'
    rm docs/link
}

@test "17. a connection that is granted what governs it" {
    cp keel.yaml "$BATS_TEST_TMPDIR/keel.yaml"
    ln -s "$W/.keel" "$BATS_FILE_TMPDIR/innocent"
    ln -s "$W/policies" "$BATS_FILE_TMPDIR/papers"
    for folder in . .keel .keel/plugins .. / "$BATS_FILE_TMPDIR/innocent" policies "$BATS_FILE_TMPDIR/papers" \
        agents agents/writer; do
        printf 'version: 1\nconnections:\n  docs: { use: com.keel.files@0.1, config: { folder: "%s" } }\n' \
            "$folder" >keel.yaml
        keel policy reload >&2 || true
        run keel connection test docs
        [ "$status" -ne 0 ] || {
            echo "$folder: $output" >&2
            return 1
        }
    done
    cp "$BATS_TEST_TMPDIR/keel.yaml" keel.yaml
    keel policy reload
}

@test "18. an agent or script that edits what was shown" {
    n=$(first_open)
    shown=$(digest_of "$n")
    tell edit "{\"number\":$n,\"set\":{\"text\":\"something else\"}}"
    has '"approval"'
    [ "$(digest_of "$n")" != "$shown" ]
    run keel inbox "$n"
    has 'something else' # whoever approves now sees it
    nothing_was_approved 5
}

@test "19. a backup in which another passphrase was in force" {
    keel backup "$BATS_TEST_TMPDIR/old" >&2
    "$typist" 'with (new): ' "$other" 'again: ' "$other" 'of operator: ' "$secret" -- keel approver set >&2
    keel down
    run keel restore "$BATS_TEST_TMPDIR/old" --yes --no-input
    [ "$status" -eq 4 ]
    has 'another approver, or another passphrase'
    run setsid keel restore "$BATS_TEST_TMPDIR/old" --yes
    [ "$status" -eq 4 ]
    run "$typist" 'of operator: ' "$secret" 'of operator: ' "$secret" 'of operator: ' "$secret" -- \
        keel restore "$BATS_TEST_TMPDIR/old" --yes
    [ "$status" -eq 4 ]
    keel up --detach
    "$typist" 'with (new): ' "$secret" 'again: ' "$secret" 'of operator: ' "$other" -- keel approver set >&2
    keel backup "$BATS_TEST_TMPDIR/new" >&2
    keel down
    run keel restore "$BATS_TEST_TMPDIR/new" --yes --no-input
    [ "$status" -eq 0 ] # the same one: nobody is asked
    keel up --detach
    keel resume
}

@test "20. nobody approved anything meanwhile, and the right passphrase still does" {
    run keel audit verify
    [ "$status" -eq 0 ]
    run keel audit rebuild --check
    [ "$status" -eq 0 ]
    n=$(first_open)
    run as_approver keel approve "$n"
    [ "$status" -eq 0 ]
    has "$n  approved  "
}
