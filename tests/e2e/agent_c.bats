# An agent in C under a real kernel that is killed in mid-run: what it had recorded stands, nothing is
# done twice, and it ends with the result that it would have had.

load helper

setup_file() {
    own_home
    export W=$BATS_FILE_TMPDIR/clerk
    make_clerk "$W"
}

teardown_file() {
    stop_kernel "$W"
}

setup() {
    own_home
}

# A round is a sleep, a step and, every fifth time, a memo. Its result is the number that it drew at
# the start, the sum of its steps, and the body of the event that it waits for at the end.
make_clerk() {
    mkdir -p "$1/agents/clerk" "$1/connectors" "$1/policies" "$1/memos"
    cat >"$1/agents/clerk/manifest.yaml" <<'YAML'
id: com.example.clerk
kind: agent
version: 1.0.0
name: clerk
abi: 0.2
entry: clerk.so
YAML
    cat >"$1/agents/clerk/clerk.c" <<'C'
#include <keel/effect.h>
#include <keel/json.h>
#include <stdio.h>

static const keel_host *host;
static const keel_effect *e;

static keel_status create(const keel_host *h, keel_span config, void **self) {
    (void)config;
    host = h;
    e = h->get_service(h->ctx, KEEL_EFFECT_SERVICE);
    *self = NULL;
    return e ? KEEL_OK : KEEL_E_INTERNAL;
}

static keel_status round_of(keel_call *call, int64_t i, int64_t *sum) {
    char text[60];
    keel_span v;
    keel_outcome o = {.size = sizeof o};
    int64_t n = 0;
    keel_status s = e->sleep(e->ctx, call, 20000);
    s = s < 0 ? s : e->step(e->ctx, call, "count", &v);
    if (s == KEEL_OK && !v.data) {
        int len = snprintf(text, sizeof text, "%lld", (long long)i);
        s = e->step_done(e->ctx, call, (keel_span){text, (size_t)len}, &v);
    }
    if (s == KEEL_OK && i % 5 == 0) {
        int len = snprintf(text, sizeof text, "{\"text\":\"memo %lld\"}", (long long)i);
        s = e->write(e->ctx, call, "memos", "memo", (keel_span){text, (size_t)len}, NULL, &o);
    }
    if (s == KEEL_OK) {
        keel_json_int(keel_json_view(v.data, v.len), &n);
        *sum += n;
    }
    return s;
}

static keel_status run(void *self, keel_call *call, const keel_run_request *r) {
    int64_t rounds = 0, sum = 0;
    uint64_t bits;
    char text[200];
    keel_span name, body;
    (void)self;
    keel_json_int(keel_json_get(keel_json_view(r->input.data, r->input.len), "rounds"), &rounds);
    keel_status s = e->random(e->ctx, call, &bits);
    for (int64_t i = 1; i <= rounds && s == KEEL_OK; i++) {
        s = round_of(call, i, &sum);
    }
    s = s < 0 ? s : e->receive(e->ctx, call, "go", -1, &name, &body);
    if (s < 0) {
        return s;
    }
    int len = snprintf(text, sizeof text, "{\"bits\":\"%016llx\",\"sum\":%lld,\"go\":%.*s}",
                       (unsigned long long)bits, (long long)sum, (int)body.len, body.data);
    return host->reply(host->ctx, call, (keel_span){text, (size_t)len});
}

KEEL_AGENT("com.example.clerk", "1.0.0", .create = create, .run = run)
C
    PKG_CONFIG_PATH=$(echo "$(dirname "$(command -v keel)")"/../lib/*/pkgconfig)
    export PKG_CONFIG_PATH
    # shellcheck disable=SC2046
    cc -Wall -Wextra -Werror -shared -fPIC -fvisibility=hidden -o "$1/agents/clerk/clerk.so" \
        "$1/agents/clerk/clerk.c" $(pkg-config --cflags --libs keel)
    memos_connector "$1"
    cat >"$1/policies/clerk.yaml" <<'YAML'
version: 1
rules:
  - { id: clerk-writes, on: memos.memo.write, agents: [clerk], allow: {} }
YAML
    printf 'version: 1\nconnections:\n  memos: { use: com.example.memos@1, config: { folder: memos } }\n' \
        >"$1/keel.yaml"
}

memos_connector() {
    mkdir -p "$1/connectors/memos"
    cat >"$1/connectors/memos/manifest.yaml" <<'YAML'
id: com.example.memos
kind: connector
version: 1.0.0
entry: memos.lua
needs: [ "file:rw:{config.folder}" ]
resources:
  memo:
    write: { class: checkable }
YAML
    cat >"$1/connectors/memos/memos.lua" <<'LUA'
local keel = require "keel"
return keel.connector { memo = {
  write = function(c, q)
    local ok, err = c.fs.write(c.config.folder, q.key, q.body.text)
    return ok and { id = q.key }, err
  end,
  reconcile = function(c, q)
    local found, err = c.fs.stat(c.config.folder, q.key)
    if found then return keel.applied { id = q.key } end
    return err.code == "not_found" and keel.absent() or keel.cannot_tell(err.message)
  end,
} }
LUA
}

# The kernel of $W, killed as a power cut would; between two writes, for one that is cut off is a person's
# to judge (its class is once), and that is another test.
kill_kernel() {
    pid=$(sed -n 's/.*"pid":\([0-9]*\).*/\1/p' "$W/.status")
    for _ in $(seq 1 100); do
        kill -STOP "$pid"
        sleep 0.05 # until all its threads have
        [ "$(sqlite3 "file:$W/.keel/keel.db?mode=ro" \
            "SELECT count(*) FROM effect WHERE state = 'intended'")" != 0 ] || break
        kill -CONT "$pid"
        sleep 0.01
    done
    kill -9 "$pid"
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.02
    done
}

# until_record TEXT: waits until run 1's record has it.
until_record() {
    for _ in $(seq 1 600); do
        keel -C "$W" run show 1 >"$BATS_TEST_TMPDIR/shown" 2>&1 || true
        if grep -q "$1" "$BATS_TEST_TMPDIR/shown"; then
            return 0
        fi
        sleep 0.05
    done
    cat "$BATS_TEST_TMPDIR/shown" >&2
    return 1
}

@test "killed three times in mid-run, it goes on where it was" {
    cd "$W"
    start_kernel "$W"
    run keel do clerk rounds=40 --detach
    [ "$status" -eq 0 ]
    until_record ' done '
    kill_kernel
    keel --json run show 1 >"$BATS_FILE_TMPDIR/before"
    run keel run show 1
    has 'open'
    lacks ' ended '
    for pause in 0.3 0.4; do
        start_kernel "$W"
        sleep "$pause"
        kill_kernel
    done
    start_kernel "$W"
    until_record 'waits for an event'
    sleep 0.5 # suspended for longer than a call waits
    keel run send 1 go '{"n":7}'
    until_record ' ended '
}

@test "the result is the one of its record, and every memo is there once" {
    cd "$W"
    run keel --json run show 1
    [ "$status" -eq 0 ]
    echo "$output" >"$BATS_FILE_TMPDIR/after"
    has '"sum":820'
    has '"go":{"n":7}'
    [ "$(find memos -type f | wc -l)" -eq 8 ]
    [ "$(cat memos/* | tr -d '\n' | sed 's/memo/\nmemo/g' | sort -u | grep -c memo)" -eq 8 ]
    # What it drew before it was killed is what it has in the end.
    bits=$(sed -n 's/.*"hex":"\([0-9a-f]\{16\}\)".*/\1/p' "$BATS_FILE_TMPDIR/before")
    [ -n "$bits" ]
    grep -q "\"bits\":\"$bits\"" "$BATS_FILE_TMPDIR/after"
}

@test "the record is whole" {
    cd "$W"
    run keel audit verify
    [ "$status" -eq 0 ]
    has 'records verified'
}

@test "an agent that crashes costs its run, at the third strike, and no other" {
    cd "$W"
    mkdir -p agents/faller
    sed -e 's/clerk/faller/g' -e 's/^version: .*/version: 1.0.0/' agents/clerk/manifest.yaml >agents/faller/manifest.yaml
    cat >agents/faller/faller.c <<'C'
#include <keel/effect.h>
#include <keel/json.h>

static const keel_host *host;
static const keel_effect *e;
static volatile int *volatile nowhere;

static keel_status create(const keel_host *h, keel_span config, void **self) {
    (void)config;
    host = h;
    e = h->get_service(h->ctx, KEEL_EFFECT_SERVICE);
    *self = NULL;
    return KEEL_OK;
}

static keel_status run(void *self, keel_call *call, const keel_run_request *r) {
    int64_t us;
    keel_span name, body;
    (void)self;
    keel_status s = e->now(e->ctx, call, &us);
    if (s == KEEL_OK && keel_json_true(keel_json_get(keel_json_view(r->input.data, r->input.len), "fall"))) {
        *nowhere = 1;
    }
    s = s < 0 ? s : e->receive(e->ctx, call, "go", -1, &name, &body);
    return s < 0 ? s : host->reply(host->ctx, call, (keel_span){"\"stood\"", 7});
}

KEEL_AGENT("com.example.faller", "1.0.0", .create = create, .run = run)
C
    PKG_CONFIG_PATH=$(echo "$(dirname "$(command -v keel)")"/../lib/*/pkgconfig)
    export PKG_CONFIG_PATH
    # shellcheck disable=SC2046
    cc -shared -fPIC -fvisibility=hidden -o agents/faller/faller.so agents/faller/faller.c \
        $(pkg-config --cflags --libs keel)
    keel policy reload
    run keel do faller --detach
    [ "$status" -eq 0 ]
    stands=$(echo "$output" | grep -o '[0-9]\+' | head -n 1)
    run keel do faller fall=true
    [ "$status" -eq 1 ]
    has 'failed'
    run keel run send "$stands" go
    [ "$status" -eq 0 ]
    for _ in $(seq 1 100); do
        run keel run show "$stands"
        case $output in *stood*) break ;; esac
        sleep 0.05
    done
    has 'stood'
}
