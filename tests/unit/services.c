/* keel.stream/1, kv, clock and json of a connector in C, in a real executor, against a simulator of
 * egress. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "services_world.h"

#define GET(path)  "{\"method\":\"GET\",\"url\":\"" SIM path "\"}"
#define POST(path) "{\"body\":\"hello\",\"method\":\"POST\",\"url\":\"" SIM path "\"}"
#define MS         1000u

/* ---- streams ---- */

static const services_row streams[] = {
    {"stream", "{\"address\":\"tls://echo:1\",\"text\":\"hello\"}",
     "ok {\"got\":\"hello\",\"length\":5", 0, NULL, "open 101 tls://echo:1\ndata 101\nclose\n"},
    {"stream", "{\"address\":\"tls://denied:1\"}", "denied: the simulator says denied"},
    {"stream", "{\"address\":\"tls://never:1\"}", "retry: the stream was not open in time", 50 * MS,
     NULL, "cancel"},
    {"stream", "{\"address\":\"tls://late:1\"}", "retry: the stream was not open in time", 50 * MS,
     NULL, "cancel\nclose\n"},
    {"stream", "{\"address\":\"\"}", "invalid: a stream is opened by an address"},
    {"stream", "{\"address\":\"tls://a b\"}", "invalid: a stream is opened by an address"},
    {"stream", "{\"address\":\"tls://silent:1\"}", "deadline: |before the other side said",
     50 * MS},
    {"stream", "{\"address\":\"tls://ends:1\",\"text\":\"x\"}", "ok {\"got\":\"\",\"length\":0"},
    {"stream", "{\"address\":\"tls://breaks:1\",\"text\":\"x\"}",
     "unknown: the simulator says retry"},
    {"stream", "{\"address\":\"tls://lines:1\",\"all\":1}", "ok |\"length\":38"},
    {"use", "{\"off\":1}", "not_found: there is no such stream"},
};

static void stream_table(void **state) {
    (void)state;
    WORLD_ROWS(NULL, NULL, NEEDS_STREAM, streams);
}

static void stream_large(void **state) {
    (void)state;
    const size_t len = 7u << 20;
    char *bytes = malloc(len + 1), expected[100];
    sim_pattern(bytes, 0, len);
    bytes[len] = '.';
    services_world *w = world_of(NULL, NULL, NEEDS_STREAM, true);
    snprintf(expected, sizeof expected, "ok |\"length\":%zu,\"sum\":%u", len,
             sim_sum(0, bytes, len));
    world_row(w, &(services_row){"stream", "{\"address\":\"tls://flow:7\",\"all\":1}", expected, 0,
                                 NULL, "taken "});
    snprintf(expected, sizeof expected, "ok {\"got\":\"%zu %u\"", len + 1,
             sim_sum(0, bytes, len + 1));
    world_row(w, &(services_row){"stream",
                                 "{\"address\":\"tls://sink:1\",\"size\":7340032,\"text\":\".\"}",
                                 expected});
    char *log = sim_log(w->sim);
    assert_null(strstr(log, "taken more"));
    free(log);
    free(bytes);
    world_end(w);
}

/* A stream of one verb is used by the next, by its number alone; another's number is none. */
static void stream_kept(void **state) {
    (void)state;
    services_world *w = world_of(NULL, NULL, NEEDS_STREAM, true);
    services_world *other = world_of(NULL, NULL, NEEDS_STREAM, true);
    world_row(w, &(services_row){"keep", "{\"address\":\"tls://echo:1\"}", "ok \"kept\""});
    world_row(w, &(services_row){"use", "{\"text\":\"abc\"}", "ok \"abc\"", 0, NULL, "data 102"});
    world_row(w, &(services_row){"use", "{\"off\":65536,\"text\":\"abc\"}", "not_found: "});
    world_row(other, &(services_row){"keep", "{\"address\":\"tls://denied:1\"}", "denied: "});
    world_row(other, &(services_row){"use", "{\"text\":\"abc\"}", "not_found: "});
    char *log = sim_log(w->sim);
    assert_string_equal(log, "");
    free(log);
    world_end(other);
    world_end(w);
}

static void stream_many(void **state) {
    (void)state;
    services_world *w = world_of(NULL, NULL, NEEDS_STREAM, true);
    world_row(w, &(services_row){"many", "{\"address\":\"tls://silent:1\",\"count\":16}", "ok"});
    world_row(w, &(services_row){"many", "{\"address\":\"tls://silent:1\",\"count\":1}",
                                 "invalid: 16 streams are open"});
    world_end(w);
}

/* What the end of egress means for a verb depends on whether its bytes were among what was lost. */
static void stream_ends(void **state) {
    (void)state;
    static const services_row table[] = {
        {"stream", "{\"address\":\"tls://close:1\"}", "retry: egress has ended"},
        {"stream", "{\"address\":\"tls://dies:1\",\"text\":\"x\"}", "unknown: egress has ended"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        services_world *w = world_of(NULL, NULL, NEEDS_STREAM, true);
        world_row(w, &table[i]);
        world_end(w);
    }
    services_world *w = world_of(NULL, NULL, NEEDS_STREAM, true);
    world_row(w, &(services_row){"keep", "{\"address\":\"tls://dies:1\"}", "ok"});
    world_row(w, &(services_row){"use", "{\"text\":\"x\"}", "unknown: egress has ended"});
    world_row(w, &(services_row){"use", "{\"text\":\"x\"}", "retry: egress has ended"});
    world_end(w);
    w = world_of(NULL, NULL, NEEDS_STREAM, true);
    world_row(w, &(services_row){"keep", "{\"address\":\"tls://over:1\"}", "ok"});
    world_row(w,
              &(services_row){"stream", "{\"address\":\"tls://sink:1\",\"text\":\"x\"}",
                              "egress broke the protocol (bytes of a stream beyond its window)"});
    world_end(w);
}

static void stream_stuck(void **state) {
    (void)state;
    static const services_row table[] = {
        {"keep", "{\"address\":\"tls://echo:1\"}", "ok"},
        {"http", "{\"method\":\"GET\",\"url\":\"" SIM "/deaf\"}", "ok"},
        {"flood", "{\"size\":4000000}", "deadline: the verb's deadline came before all bytes were",
         50 * MS},
    };
    WORLD_ROWS(NULL, NULL, NEEDS_HTTP | NEEDS_STREAM, table);
}

/* ---- kv ---- */

#define KV "{\"cursor\":17,\"etag\":\"x\"}"

static const services_row kvs[] = {
    {"kv_get", "{\"key\":\"cursor\"}", "ok 17", 0, KV},
    {"kv_get", "{\"key\":\"none\"}", "not_found: kv has no value of that key", 0, KV},
    {"kv_get", "{\"key\":\"cursor\"}", "not_found: "},
    {"kv_get", "{\"key\":\"\"}", "invalid: a key of kv is"},
    {"kv_put", "{\"json\":\" { \\\"b\\\" : 1, \\\"a\\\" : [ ] } \",\"key\":\"new\"}",
     "ok {\"a\":[],\"b\":1} kv {\"new\":{\"a\":[],\"b\":1}}", 0, KV},
    {"kv_put", "{\"json\":\"18\",\"key\":\"cursor\"}", "ok 18 kv {\"cursor\":18}", 0, KV},
    {"kv_put", "{\"json\":\"\",\"key\":\"cursor\"}", "ok \"removed\" kv {\"cursor\":null}", 0, KV},
    {"kv_put", "{\"json\":\"{\",\"key\":\"a\"}", "invalid: a value of kv is JSON, and this is not"},
    {"kv_many", "{\"count\":3,\"size\":4}",
     "ok 3 kv {\"key-001\":\"ho\",\"key-002\":\"ho\",\"key-003\":\"ho\"}"},
    {"kv_many", "{\"count\":64,\"size\":4}", "ok 64 kv {\"key-001\""},
    {"kv_many", "{\"count\":65,\"size\":4}", "ok 64 kv {\"key-002\""},
    {"kv_many", "{\"count\":64,\"size\":4}", "ok 62 kv ", 0, KV},
    {"kv_many", "{\"count\":1,\"size\":4096}", "ok 1 kv "},
    {"kv_many", "{\"count\":1,\"size\":4097}", "ok 0"},
    {"kv_many", "{\"count\":8,\"size\":4089}", "ok 8 kv "},
    {"kv_many", "{\"count\":8,\"size\":4090}", "ok 7 kv "},
    {"kv_fails", "{}", "conflict: not now"},
};

static void kv_table(void **state) {
    (void)state;
    WORLD_ROWS(NULL, NULL, 0, kvs);
}

/* A reply without puts has no "kv"; nor has a failure, whatever was put before. */
static void kv_only_with_puts(void **state) {
    (void)state;
    keel_json answer;
    services_world *w = world_of(NULL, NULL, 0, true);
    assert_int_equal(world_ask(w, "read", "kv_get", "{\"key\":\"etag\"}", 0, KV, &answer), X_REPLY);
    assert_null(keel_json_get(answer, "kv").data);
    assert_int_equal(world_ask(w, "read", "kv_fails", "{}", 0, KV, &answer), X_FAIL);
    assert_null(keel_json_get(answer, "kv").data);
    world_end(w);
}

/* ---- clock, JSON, what is there ---- */

static const services_row others[] = {
    {"sleep", "{\"us\":30000}", "ok {\"slept\":true,\"wall\":true}"},
    {"sleep", "{\"us\":0}", "ok {\"slept\":true,\"wall\":true}"},
    {"sleep", "{\"us\":90000000}", "deadline: the verb's deadline came", 50 * MS},
    {"json", "{\"do\":\"canonical\",\"in\":\" {\\\"b\\\":1.0, \\\"a\\\":\\\"\\\\u00fc\\\"}\"}",
     "ok \"{\\\"a\\\":\\\"ü\\\",\\\"b\\\":1}\""},
    {"json", "{\"do\":\"canonical\",\"in\":\"{\\\"a\\\":}\"}",
     "invalid: that is no JSON, at byte 5"},
    {"json", "{\"do\":\"canonical\",\"in\":\"\"}", "invalid: that is no JSON"},
    {"json",
     "{\"do\":\"get\",\"in\":\"{\\\"items\\\":[{\\\"id\\\":7},[3]]}\",\"path\":\"items.0.id\"}",
     "ok \"7\""},
    {"json",
     "{\"do\":\"get\",\"in\":\"{\\\"items\\\":[{\\\"id\\\":7},[3]]}\",\"path\":\"items.1\"}",
     "ok \"[3]\""},
    {"json", "{\"do\":\"get\",\"in\":\"[1]\",\"path\":\"1\"}",
     "not_found: there is no 1 in the JSON"},
    {"json", "{\"do\":\"get\",\"in\":\"[1]\",\"path\":\"x\"}", "not_found: "},
    {"json", "{\"do\":\"get\",\"in\":\"[1]\",\"path\":\"4294967296\"}", "not_found: "},
    {"json", "{\"do\":\"get\",\"in\":\"1\",\"path\":\"\"}", "ok \"1\""},
    {"json", "{\"do\":\"get\",\"in\":\"[1, 2]\",\"path\":\"0\"}",
     "invalid: that is no canonical JSON"},
    {"json", "{\"do\":\"text\",\"in\":\"{\\\"a\\\":\\\"x\\\\\\\\y\\\"}\",\"path\":\"a\"}",
     "ok \"x\\\\y\""},
    {"json", "{\"do\":\"text\",\"in\":\"[1]\",\"path\":\"0\"}", "invalid: |not a text"},
    {"json", "{\"do\":\"quote\"}", "invalid: the bytes are no UTF-8"},
    {"has", "{}", "ok {\"clock\":1,\"http\":0,\"json\":1,\"kv\":1,\"other\":0,\"stream\":0}"},
};

static void other_services(void **state) {
    (void)state;
    WORLD_ROWS(NULL, NULL, 0, others);
    static const services_row all[] = {
        {"has", "{}", "ok {\"clock\":1,\"http\":1,\"json\":1,\"kv\":1,\"other\":0,\"stream\":0}"}};
    WORLD_ROWS(NULL, NULL, NEEDS_HTTP, all);
}

static void sleep_ends_with_the_kernel(void **state) {
    (void)state;
    services_world *w = world_of(NULL, NULL, 0, false);
    keel_json body;
    world_verb(w, "write", "sleep", "{\"us\":60000000}", 0, NULL);
    shutdown(w->c->socket, SHUT_WR);
    assert_int_equal(child_next(w->c, 20000, &body), X_FAIL);
    assert_true(keel_json_is(keel_json_get(body, "code"), "cancelled"));
    world_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stream_table),   cmocka_unit_test(stream_large),
        cmocka_unit_test(stream_kept),    cmocka_unit_test(stream_many),
        cmocka_unit_test(stream_ends),    cmocka_unit_test(stream_stuck),
        cmocka_unit_test(kv_table),       cmocka_unit_test(kv_only_with_puts),
        cmocka_unit_test(other_services), cmocka_unit_test(sleep_ends_with_the_kernel),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
