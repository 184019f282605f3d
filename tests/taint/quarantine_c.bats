# The clerk of quarantine.bats in C: out of a child in quarantine come the same closed values, a rule endorses
# them or nobody does, and what is no quarantine is refused.

bats_require_minimum_version 1.5.0
load helper

setup_file() {
    own_home
    export W=$BATS_FILE_TMPDIR/office
    office "$W"
    c_clerk "$W"
    start_kernel "$W"
}

teardown_file() {
    stop_kernel "$W"
}

setup() {
    own_home
    cd "$W"
}

# c_clerk FOLDER: the clerk as a shared object. Its input: {"how", "loose", "open"}, as the one in Lua.
c_clerk() {
    rm "$1/agents/clerk/clerk.lua"
    printf 'id: com.example.clerk\nname: clerk\nkind: agent\nversion: 1.0.0\nabi: 0.2\nentry: clerk.so\n' \
        >"$1/agents/clerk/manifest.yaml"
    cat >"$1/agents/clerk/clerk.c" <<'C'
#include <keel/json.h>
#include <keel/spawn.h>
#include <stdio.h>
#include <string.h>

static const keel_host *host;
static const keel_effect *e;
static const keel_spawn *q;

static keel_status create(const keel_host *h, keel_span config, void **self) {
    (void)config;
    host = h;
    e = h->get_service(h->ctx, KEEL_EFFECT_SERVICE);
    q = h->get_service(h->ctx, KEEL_SPAWN_SERVICE);
    *self = NULL;
    return e && q ? KEEL_OK : h->fail(h->ctx, NULL, KEEL_E_INTERNAL, "no keel.spawn/1");
}

static keel_span text(const char *s) {
    return (keel_span){s, strlen(s)};
}

static const char closed[] = "{\"kind\": {\"enum\": [\"lead\", \"invoice\"]}, \"urgent\": \"bool\","
                             " \"sum\": {\"number\": [0, 1000], \"decimals\": 2, \"optional\": true}}";

static keel_status run(void *self, keel_call *call, const keel_run_request *r) {
    keel_json input = keel_json_view(r->input.data, r->input.len);
    keel_json how = keel_json_get(input, "how");
    bool open = keel_json_true(keel_json_get(input, "open"));
    bool loose = keel_json_true(keel_json_get(input, "loose"));
    char what[100], kind[40] = "", out[700];
    keel_outcome child = {.size = sizeof child}, end = {.size = sizeof end}, sent = {.size = sizeof sent};
    keel_spawn_options o = {.size = sizeof o, .quarantine = 1,
                            .returns = text(open ? "{\"name\": \"string\"}" : loose ? "" : closed)};
    (void)self;
    snprintf(what, sizeof what, "{\"how\":%.*s}", how.len ? (int)how.len : 4, how.len ? how.data : "null");
    keel_status s = q->spawn(q->ctx, call, "sorter", text(what), &o, &child);
    if (s == KEEL_OK && child.code.data) {
        snprintf(out, sizeof out, "{\"why\":\"%s\"}", child.why.data);
        return host->reply(host->ctx, call, text(out));
    }
    s = s < 0 ? s : e->wait(e->ctx, call, child.run, &end);
    if (s < 0) {
        return s;
    }
    keel_json_copy(keel_json_get(keel_json_view(end.ok.data, end.ok.len), "kind"), kind, sizeof kind);
    if (end.ok.data) {
        snprintf(what, sizeof what, "{\"kind\":\"%s\",\"to\":\"a client\"}", kind);
        s = e->write(e->ctx, call, "post", "letter", text(what), NULL, &sent);
    }
    if (s < 0) {
        return s;
    }
    snprintf(out, sizeof out, "{\"code\":\"%s\",\"kind\":\"%s\",\"sent\":%s}",
             end.code.data ? end.code.data : "", kind, sent.ok.data ? "true" : "false");
    return host->reply(host->ctx, call, text(out));
}

KEEL_AGENT("com.example.clerk", "1.0.0", .create = create, .run = run)
C
    PKG_CONFIG_PATH=$(echo "$(dirname "$(command -v keel)")"/../lib/*/pkgconfig)
    export PKG_CONFIG_PATH
    # shellcheck disable=SC2046
    cc -Wall -Wextra -Werror -shared -fPIC -fvisibility=hidden -o "$1/agents/clerk/clerk.so" \
        "$1/agents/clerk/clerk.c" $(pkg-config --cflags --libs keel)
}

# the_rules RULES: in force.
the_rules() {
    printf 'version: 1\nrules:\n%s\n' "$1" >policies/office.yaml
    keel policy reload
}

THIRD='  - { id: two-of-three, on: "*.*.write", when: { tainted: true, sensitivity: { gte: confidential },
      sink: external }, ask: {} }'
WRITES='  - { id: letters, on: post.letter.write, allow: {} }'
SPAWNS='  - { id: sorting, on: run.spawn, allow: {} }'
ENDORSES='  - id: sorting
    on: run.spawn
    allow: { agent: { in: [sorter] } }
    endorse: { kind: { enum: [lead, invoice] }, urgent: bool, sum: { number: [0, 1000], decimals: 2, optional: true } }'

newest() {
    keel run list --json | grep "\"agent\":\"$1\"" | tail -1 | sed 's/.*"run":\([0-9]*\).*/\1/'
}

own_records() {
    keel run show "$1" --json | grep "\"run\":$1,\"seq\""
}

@test "what comes out of a quarantine taints an agent in C, and so it asks" {
    the_rules "$WRITES
$SPAWNS
$THIRD"
    run keel do clerk
    [ "$status" -eq 3 ]
    run keel run show "$(newest clerk)"
    has 'untrusted'
}

@test "a rule that endorses the schema lets it through, word for word as in Lua" {
    the_rules "$WRITES
$ENDORSES
$THIRD"
    run keel do clerk
    [ "$status" -eq 0 ]
    has lead
    run own_records "$(newest clerk)"
    has '"endorsed":"sorting"'
    lacks evil
    [ "$(sqlite3 "file:.keel/keel.db?mode=ro" \
        "SELECT count(*) FROM run WHERE agent = 'sorter' AND quarantine LIKE '%\"rule\":\"sorting\"%'")" = 1 ]
    run keel run show "$(newest clerk)"
    lacks untrusted
    has 'has read confidential text'
}

@test "no word of the child comes out" {
    the_rules "$WRITES
$ENDORSES
$THIRD"
    for how in text error digits extra; do
        run keel do clerk how="$how"
        [ "$status" -eq 0 ]
        has 'quarantine'
        run own_records "$(newest clerk)"
        has '"kind":"woken"'
        lacks evil
    done
}

@test "an open type is refused at the spawn, and a quarantine without a schema is none" {
    run keel do clerk open=true
    has 'returns/name: a text is open'
    before=$(keel run list --json | grep -c '"agent":"sorter"')
    run keel do clerk loose=true
    [ "$status" -ne 0 ]
    has 'quarantine needs returns'
    [ "$(keel run list --json | grep -c '"agent":"sorter"')" -eq "$before" ]
}
