# The corpus of hostile payloads through the real command: an agent asks for all of them, and what every
# surface prints is held to what must be seen.

bats_require_minimum_version 1.5.0
load ../e2e/helper

setup_file() {
    own_home
    export W=$BATS_FILE_TMPDIR/office OUT=$BATS_FILE_TMPDIR/out PAYLOADS=$BATS_TEST_DIRNAME/payloads
    export NUMBERS=$OUT/inbox.json
    mkdir -p "$W/policies" "$W/docs" "$W/agents/hostile" "$OUT"
    echo 'mail of ann@client.example' >"$W/docs/mail.txt"
    cat >"$W/keel.yaml" <<'YAML'
version: 1
connections:
  docs: { use: com.keel.files@0.1, config: { folder: docs } }
YAML
    cat >"$W/policies/desk.yaml" <<'YAML'
version: 1
lists:
  own_domains: [studio.example]
  partners: [amazon.example]
rules:
  - id: reads
    on: docs.document.read
    allow: {}
  - id: notes-ask
    on: docs.document.write
    when: { path: { not_in: $partners } }
    ask: { path: { not_in: $own_domains } }
    approval: { by: [operator], expires: 24h, on_expiry: deny, edit: [subject, body], batch: { max: 25 } }
YAML
    printf 'id: com.example.hostile\nname: hostile\nkind: agent\nversion: 1.0.0\nentry: main.lua\n' \
        >"$W/agents/hostile/manifest.yaml"
    cat >"$W/agents/hostile/main.lua" <<'LUA'
local keel = require "keel"

return keel.agent { run = function(ctx, input)
  local docs = ctx.use "docs"
  docs.read("document", { path = "mail.txt" })
  local branches = {}
  for _, args in ipairs(keel.json.decode(input.payloads)) do
    branches[#branches + 1] = function() return docs.write("document", args) end
  end
  ctx.all(branches)
  return {}
end }
LUA
    python3 - "$PAYLOADS" >"$OUT/payloads.json" <<'PY'
import json, os, sys
folder = sys.argv[1]
print(json.dumps([json.load(open(os.path.join(folder, n)))["args"] for n in sorted(os.listdir(folder))]))
PY
    start_kernel "$W"
    "$typist" 'with (new): ' "$secret" 'again: ' "$secret" -- keel -C "$W" approver set >&2
    keel -C "$W" do hostile "payloads=@$OUT/payloads.json" --detach >&2
    for _ in $(seq 300); do
        keel -C "$W" inbox --json >"$NUMBERS"
        [ "$(wc -l <"$NUMBERS")" -lt "$(find "$PAYLOADS" -name '*.json' | wc -l)" ] || break
        sleep 0.1
    done
}

teardown_file() {
    stop_kernel "$W"
}

setup() {
    own_home
    cd "$W"
}

seen() {
    run python3 "$BATS_TEST_DIRNAME/seen.py" "$@"
    [ "$status" -eq 0 ] || {
        printf '%s\n' "$output" >&2
        return 1
    }
}

all() {
    sed -n 's/.*"number":\([0-9]*\),.*/\1/p' "$NUMBERS"
}

# number_of NAME: the item of a payload.
number_of() {
    python3 - "$PAYLOADS/$1.json" "$NUMBERS" <<'PY'
import json, sys
args = json.load(open(sys.argv[1]))["args"]
print(next(i["number"] for i in map(json.loads, open(sys.argv[2])) if i["args"] == args))
PY
}

@test "every payload waits for a person" {
    [ "$(wc -l <"$NUMBERS")" -eq "$(find "$PAYLOADS" -name '*.json' | wc -l)" ]
    [ "$(wc -l <"$NUMBERS")" -ge 40 ]
}

@test "keel inbox N..." {
    all | xargs keel inbox >"$OUT/cards"
    seen cards "$OUT/cards"
    has 'payloads seen'
}

@test "keel approve N..., before the passphrase" {
    all | xargs keel approve --dry-run >"$OUT/approve"
    seen cards "$OUT/approve"
    all | xargs "$typist" 'Passphrase of operator: ' '' -- keel approve >"$OUT/asked" || true
    sed -i -e '/^Passphrase of operator: *$/d' -e 's/\r$//' "$OUT/asked"
    seen cards "$OUT/asked"
}

@test "keel approve N... --yes says what it does not show" {
    all | xargs keel approve --yes --dry-run >"$OUT/brief"
    seen clean "$OUT/brief"
    [ "$(wc -l <"$OUT/brief")" -eq "$(wc -l <"$NUMBERS")" ]
    run grep -c 'fields; all .* bytes of it: keel inbox' "$OUT/brief"
    [ "$output" -gt 80 ]
    run grep -c 'look closely' "$OUT/brief"
    [ "$output" -gt 10 ]
}

@test "keel inbox, as a list" {
    keel inbox >"$OUT/list"
    seen clean "$OUT/list"
    "$typist" -- keel inbox --no-input >"$OUT/list.tty"
    tr -d '\r' <"$OUT/list.tty" >"$OUT/list.tty.text"
    seen clean "$OUT/list.tty.text"
}

@test "as JSON it is what will be sent, and nothing hidden is printed" {
    seen same "$NUMBERS"
    all | xargs keel inbox --json >"$OUT/cards.json"
    seen same "$OUT/cards.json"
}

@test "keel why and keel run show" {
    for n in $(all | head -n 40); do
        keel why "$n"
        keel why "$n" --json
    done >"$OUT/why"
    seen clean "$OUT/why"
    keel run show 1 >"$OUT/run"
    keel run show 1 --json >>"$OUT/run"
    keel logs --all >>"$OUT/run"
    seen clean "$OUT/run"
}

@test "the full screen sends the terminal nothing of theirs" {
    python3 "$BATS_TEST_DIRNAME/view.py" "$OUT/screen" keel inbox
    [ "$(wc -c <"$OUT/screen")" -gt 100000 ]
    # What is ours: cursor, colour, modes. No OSC, DCS or APC, no reset, no title.
    python3 - "$OUT/screen" "$OUT/screen.text" <<'PY'
import re, sys
raw = open(sys.argv[1], "rb").read()
text = re.sub(rb"\x1b\[\??[0-9;]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>78]|\r|\x0f", b"\n", raw)
open(sys.argv[2], "wb").write(text)
PY
    seen clean "$OUT/screen.text"
    grep -q 'it only looks like it' "$OUT/screen.text"
    grep -q 'the very last' "$OUT/screen.text"
}

@test "an edit: the file holds the fields, the difference is clean, the rest stays as it is" {
    cat >"$BATS_TEST_TMPDIR/editor" <<SH
#!/bin/sh
cp "\$1" "$OUT/edited"
printf 'a quote\n' >"\$1.new"
awk '/^--- keel: subject/ { print; print "Your other quote"; skip = 1; next }
    /^--- keel: / { skip = 0 } !skip' "\$1" >"\$1.new" && mv "\$1.new" "\$1"
SH
    chmod +x "$BATS_TEST_TMPDIR/editor"
    export EDITOR=$BATS_TEST_TMPDIR/editor
    for name in bidi_override osc_title fake_card header_injection combining_flood; do
        n=$(number_of "$name")
        keel approve "$n" --edit --dry-run >"$OUT/difference"
        grep -q '+ Your other quote' "$OUT/difference"
        seen clean "$OUT/difference"
    done
    run keel approve "$(number_of known_is_not_marked)" --dry-run --set to=ann@evil.test
    [ "$status" -eq 0 ] # policy has the last word, and says no
    run as_approver keel approve "$(number_of known_is_not_marked)" --set to=ann@evil.test
    [ "$status" -eq 5 ]
}

@test "an edit that brings a look-alike says so before the passphrase" {
    n=$(number_of known_is_not_marked)
    run keel approve "$n" --dry-run --set 'body=write to ann@cliеnt.example'
    [ "$status" -eq 0 ]
    has 'is not client.example'
}

@test "what the connector does not send is named before the signature, and refused at the sending" {
    n=$(number_of known_is_not_marked)
    run keel approve "$n" --dry-run
    has 'It cannot be sent as it is: edit or deny it.'
    has '! subject is no field that its connector sends'
    run keel inbox "$n" --json
    has 'to is no field that its connector sends\n'
    run as_approver keel approve "$n"
    has "$n  approved"
    for _ in $(seq 100); do
        run keel why "$n"
        case $output in *'a document has no '*) break ;; esac
        sleep 0.1
    done
    has 'a document has no '
    [ "$(ls "$W/docs")" = mail.txt ]
}

@test "a denial and its reason" {
    n=$(number_of bidi_isolates)
    keel deny "$n" --why "$(printf 'no\033[2J \342\200\256')" >"$OUT/deny"
    keel why "$n" >>"$OUT/deny"
    seen clean "$OUT/deny"
    grep -q 'no\\u{1b}\[2J \\u{202e}' "$OUT/deny"
}

@test "bytes that are no text come as bytes, and are named" {
    mkdir -p agents/bytes
    sed 's/hostile/bytes/' agents/hostile/manifest.yaml >agents/bytes/manifest.yaml
    cat >agents/bytes/main.lua <<'LUA'
local keel = require "keel"

return keel.agent { run = function(ctx)
  return ctx.use("docs").write("document", { path = "x.txt", text = "a\xff\xfe\27[2J" })
end }
LUA
    keel policy reload
    run keel do bytes
    [ "$status" -eq 3 ] || [ "$status" -eq 1 ]
    lacks "$(printf '\033')"
    lacks "$(printf '\377')"
    keel inbox --no-input >"$OUT/bytes"
    seen clean "$OUT/bytes"
}
