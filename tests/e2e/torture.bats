# keel torture on somebody's own workspace: the original is not touched, what breaks its word is found,
# and each violation says how to see it again.

load helper

setup_file() {
    own_home
    export site=$BATS_FILE_TMPDIR/site
    mkdir -p "$site/agents/hello/scenes" "$site/connectors/memos" "$site/policies"
    cat >"$site/keel.yaml" <<'YAML'
version: 1
name: mine
connections:
  memos: { use: com.example.memos@1, config: { base: "https://memos.example" }, auth: { kind: bearer, token: { secret: memos } } }
  box: { use: com.keel.mailbox@0.1, config: { source: mail, outbox: outbox, from: me@studio.example } }
YAML
    cat >"$site/policies/mine.yaml" <<'YAML'
version: 1
rules:
  - { id: memos, on: memos.memo.write, agents: [hello], allow: {} }
  - { id: mails, on: box.message.write, agents: [hello], allow: {} }
  - { id: letters, on: memos.letter.write, agents: [hello], ask: {} }
YAML
    cat >"$site/connectors/memos/manifest.yaml" <<'YAML'
id: com.example.memos
kind: connector
version: 1.0.0
entry: memos.lua
needs: [ "http:{config.base}" ]
resources:
  memo: { read: {}, write: { class: checkable } }
  letter: { write: { class: once } }
YAML
    cat >"$site/connectors/memos/memos.lua" <<'LUA'
local keel = require "keel"
local function no() return nil, keel.fail("denied", "this code is not run") end
return keel.connector {
  memo = { read = no, write = no, reconcile = function() return keel.cannot_tell("no") end },
  letter = { write = no },
}
LUA
    cat >"$site/agents/hello/manifest.yaml" <<'YAML'
id: com.example.hello
name: hello
kind: agent
version: 1.0.0
entry: hello.lua
YAML
    cat >"$site/agents/hello/hello.lua" <<'LUA'
local keel = require "keel"
return keel.agent { run = function(ctx, input)
  local memos = ctx.use("memos")
  local seen = assert(memos.read("memo", {}))
  assert(seen.items[1].id == "m7", "the scene's answer did not come")
  assert(memos.write("memo", { text = "Hello " .. input.name }))
  memos.write("letter", { text = "Dear " .. input.name })
  ctx.use("box").write("message", { to = { "ada@studio.example" }, subject = "Hello", body = "Hello" })
  return { seen = #seen.items }
end }
LUA
    cat >"$site/agents/hello/scenes/ada.scene" <<'YAML'
input: { name: Ada }
calls:
  - use: memos.memo.read
    ok: { items: [ { id: m7 } ] }
  - use: memos.memo.write
    ok: { id: m8 }
  - use: memos.letter.write
    ok: { id: l1 }
  - use: box.message.write
    ok: { message_id: m1 }
end: { seen: 1 }
YAML
}

setup() {
    own_home
    cd "$BATS_TEST_TMPDIR"
}

# liar TEXT BY: the stand-in with one line exchanged.
liar() {
    grep -qF "$1" "$standin"
    awk -v text="$1" -v by="$2" 'index($0, text) { print by; next } { print }' "$standin" >liar.lua
    export KEEL_TORTURE_STANDIN=$PWD/liar.lua
}
standin=${KEEL_BUILD%/}/root/share/keel/torture/standin.lua

@test "a workspace is visited, and nothing of it is touched" {
    (cd "$site" && find . -type f -exec cksum {} + | sort) >before
    run keel torture "$site" --quick
    echo "$output"
    [ "$status" -eq 0 ]
    (cd "$site" && find . -type f -exec cksum {} + | sort) >after
    cmp before after
    printf '%s\n' "${lines[-1]}" | grep -Eq '^[1-9][0-9]* of [1-9][0-9]* points, 0 violations$'
    for area in journal power answers fleet; do
        printf '%s\n' "$output" | grep -Eq "^$area  *[0-9]+  *[0-9,]+  *[1-9][0-9]*  *0\$"
    done
}

@test "an area alone is visited whole, also by --json" {
    run keel --json -q torture "$site" --only answers
    echo "$output"
    [ "$status" -eq 0 ]
    printf '%s\n' "$output" | grep -Eq '"planned":(1[2-9]|[2-9][0-9]),.*"violations":\[\],"visited":'
}

@test "the points are listed without a visit" {
    run keel torture "$site" --list
    [ "$status" -eq 0 ]
    has 'journal.effect.done.after_commit'
    has 'answers.memos.letter.write.silent'
    has 'power.torn'
}

@test "an outside that says done and applies nothing is found" {
    liar 'append(c, "applied", q.key' '      local _ = digest'
    run keel torture "$site" --quick
    [ "$status" -eq 1 ]
    has 'It fails without any fault'
    has 'I1: memos'
}

@test "an outside that applies twice is found" {
    liar 'append(c, "applied", q.key' \
        '      for _ = 1, 2 do append(c, "applied", q.key .. " " .. verb .. " " .. digest) end'
    run keel torture "$site" --quick
    [ "$status" -eq 1 ]
    has 'happened 2 times'
}

@test "an outside that applies other bytes than were intended is found" {
    liar 'local digest = name == "write"' '      local digest = keel.digest("another")'
    run keel torture "$site" --quick
    [ "$status" -eq 1 ]
    has 'I4: the outside has'
}

@test "an outside that finds nothing of what it lost is found, and the command shows it again" {
    liar 'if not applied(c, q.key) then' '    if true then'
    run keel torture "$site" --only answers.box.message.write.dies
    echo "$output"
    [ "$status" -eq 1 ]
    has 'VIOLATION  hello:answers.box.message.write.dies@1'
    has 'I2: box.message.write (checkable) happened 2 times'
    again=$(printf '%s\n' "$output" | sed -n 's/^  again  //p' | head -n 1)
    case $again in "keel torture $site --only "*) ;; *) false ;; esac
    run sh -c "$again"
    [ "$status" -eq 1 ]
    has 'happened 2 times'
}

@test "an agent that remembers something besides its record is found" {
    PKG_CONFIG_PATH=$(echo "$(dirname "$(command -v keel)")"/../lib/*/pkgconfig)
    export PKG_CONFIG_PATH
    cp -R "$site" own
    cp own/agents/hello/scenes/ada.scene own/agents/hello/scenes/bea.scene
    cat >own/agents/hello/manifest.yaml <<'YAML'
id: com.example.hello
name: hello
kind: agent
version: 1.0.0
abi: 0.2
entry: hello.so
YAML
    cat >hello.c <<'C'
#include <keel/effect.h>
#include <keel/json.h>
#include <stdio.h>

static int runs;           /* lives as long as the executor: gone after a restart */
static uint64_t last_run;

static const keel_host *keel;
static const keel_effect *effect;

static keel_status create(const keel_host *host, keel_span config, void **self) {
    (void)config;
    keel = host;
    *self = host->alloc(host->ctx, 1);
    effect = host->get_service(host->ctx, KEEL_EFFECT_SERVICE);
    return KEEL_OK;
}

static keel_status run(void *self, keel_call *call, const keel_run_request *r) {
    char memo[60];
    keel_outcome out = {.size = sizeof out};
    (void)self;
    if (r->run != last_run) {
        last_run = r->run;
        runs++;
    }
    snprintf(memo, sizeof memo, "{\"text\":\"letter %d\"}", runs);
    keel_status s = effect->write(effect->ctx, call, "memos", "letter",
                                  (keel_span){memo, __builtin_strlen(memo)}, NULL, &out);
    return s < 0 ? s : keel->reply(keel->ctx, call, out.ok);
}

KEEL_AGENT("com.example.hello", "1.0.0", .create = create, .run = run)
C
    # shellcheck disable=SC2046
    cc -shared -fPIC -fvisibility=hidden -o own/agents/hello/hello.so hello.c \
        $(pkg-config --cflags --libs keel)
    run keel torture own --only hello:journal.effect
    echo "$output"
    [ "$status" -eq 1 ]
    has 'I10: paused: hello (run 2)'
}

@test "two deaths in a row are found again by their name" {
    keel torture "$site" --tap --only pairs >pairs.tap
    pair=$(sed -n 's/^ok [0-9]* - //p' pairs.tap | grep -v '# SKIP' | head -1)
    run keel torture "$site" --tap --only "$pair"
    echo "$output"
    [ "$status" -eq 0 ]
    has "ok 1 - $pair"
    has '1..1'
}

@test "what cannot be tortured is said" {
    run keel torture "$BATS_TEST_TMPDIR"
    [ "$status" -ne 0 ]
    has 'keel init'
    run keel torture "$site" --only journal.nothing
    [ "$status" -ne 0 ]
    has 'No point is called journal.nothing'
    run keel torture "$site" --jobs none
    [ "$status" -eq 2 ]
    has '--jobs takes a number'
}
