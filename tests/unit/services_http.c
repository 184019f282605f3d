/* keel.http/1 of a connector in C, in a real executor, against a simulator of egress. */
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

/* ---- HTTP ---- */

static const services_row answers[] = {
    {"http", GET("/status/200"),
     "ok {|\"status\":200|\"headers\":5|\"first\":\"content-type=text/plain\"|said "
     "200|\"url\":\"" SIM "/status/200\"",
     0, NULL, "http 101 GET " SIM "/status/200"},
    {"http", POST("/status/404"), "ok {|\"status\":404", 0, NULL, "http 102 POST"},
    {"http", GET("/body/"), "\"body\":\"\",|\"length\":0"},
    {"http", POST("/echo"),
     "\\\"body\\\":\\\"hello\\\"|\\\"follow\\\":false|\\\"headers\\\":[]|\\\"limit\\\":15728640|"
     "\\\"method\\\":\\\"POST\\\""},
    {"http",
     "{\"flags\":1,\"headers\":2,\"limit\":77,\"method\":\"GET\",\"name\":\"X-A\",\"url\":\"" SIM
     "/echo\",\"value\":\"v ü\"}",
     "\\\"follow\\\":true|[[\\\"X-A\\\",\\\"v ü\\\"],[\\\"X-A\\\",\\\"v ü\\\"]]|\\\"limit\\\":77"},
    {"http", "{\"limit\":99999999,\"method\":\"GET\",\"url\":\"" SIM "/echo\"}",
     "\\\"limit\\\":15728640"},
    {"http_short", "{}",
     "ok {\"body\":\"\",\"follow\":false,\"headers\":[],\"limit\":15728640,\"method\":\"PUT\""},
    {"http", GET("/slowly/700"), "\"length\":700"},
    {"misuse", "{}", "ok \"refused\""},
};

static const services_row failures[] = {
    {"http", POST("/failed/invalid"), "invalid: the simulator says invalid"},
    {"http", POST("/failed/denied"), "denied: the simulator says denied"},
    {"http", POST("/failed/not_found"), "not_found: "},
    {"http", POST("/failed/conflict"), "conflict: "},
    {"http", POST("/failed/retry"), "retry: "},
    {"http", POST("/failed/unknown"), "unknown: "},
    {"http", POST("/failed/deadline"), "deadline: "},
    {"http", POST("/failed/cancelled"), "cancelled: "},
    {"http", POST("/failed/internal"), "internal: "},
    {"http", POST("/failed/no_memory"), "no_memory: "},
    {"http", POST("/failed/not_implemented"), "not_implemented: "},
    {"http", POST("/failed/nonsense"), "internal: the simulator says nonsense"},
    {"http", POST("/stale"), "ok |\"body\":\"right\""},
    {"http", GET("/status/200"), "ok |\"status\":200"},
};

/* The verb's deadline: egress is told, and its word is taken if it comes soon. */
static const services_row late[] = {
    {"http", POST("/late/retry"), "retry: the simulator says", 50 * MS, NULL, "POST|cancel"},
    {"http", POST("/late/unknown"), "unknown: the simulator says", 50 * MS, NULL, "POST|cancel"},
    {"http", POST("/late/deadline"), "deadline: the simulator", 50 * MS, NULL, "POST|cancel"},
    {"http", POST("/late/done"), "ok |\"status\":201|\"body\":\"late\"", 50 * MS, NULL, "cancel"},
    {"http", POST("/never"), "unknown: no answer came in time", 50 * MS, NULL, "POST|cancel"},
    {"http", GET("/never"), "deadline: no answer came in time", 50 * MS, NULL, "GET|cancel"},
    {"http", "{\"method\":\"HEAD\",\"url\":\"" SIM "/never\"}", "deadline: ", 50 * MS},
    {"http", "{\"method\":\"DELETE\",\"url\":\"" SIM "/never\"}", "unknown: ", 50 * MS},
    {"http", "{\"method\":\"get\",\"url\":\"" SIM "/never\"}", "unknown: ", 50 * MS},
    {"http", "{\"method\":\"GET\",\"timeout_us\":40000,\"url\":\"" SIM "/never\"}",
     "deadline: no answer came in time", 0, NULL, "GET|cancel"},
    {"http", "{\"method\":\"GET\",\"timeout_us\":9000000,\"url\":\"" SIM "/never\"}",
     "deadline: ", 40 * MS},
    {"http", GET("/status/200"), "ok |\"status\":200", 5000 * MS},
};

static const services_row malformed[] = {
    {"http", "{\"url\":\"" SIM "/\"}", "invalid: the request has no method"},
    {"http", "{\"method\":\"G T\",\"url\":\"" SIM "/\"}", "invalid: the request has no method"},
    {"http", "{\"method\":\"GET\"}", "invalid: |not absolute"},
    {"http", "{\"method\":\"GET\",\"url\":\"/path\"}", "invalid: |not absolute"},
    {"http", "{\"method\":\"GET\",\"url\":\"ftp://sim.example/\"}", "invalid: |not absolute"},
    {"http", "{\"method\":\"GET\",\"url\":\"" SIM "/a b\"}", "invalid: |percent-encoded"},
    {"http", "{\"method\":\"GET\",\"url\":\"" SIM "/\xc3\xbc\"}", "invalid: |percent-encoded"},
    {"http", "{\"method\":\"GET\",\"url\":\"" SIM "/\\r\\nX: y\"}", "invalid: |percent-encoded"},
    {"http",
     "{\"headers\":1,\"method\":\"GET\",\"name\":\"X\",\"url\":\"" SIM
     "/\",\"value\":\"a\\r\\nHost: b\"}",
     "invalid: header 1|malformed"},
    {"http", "{\"headers\":1,\"method\":\"GET\",\"name\":\"X:\",\"url\":\"" SIM "/\"}",
     "invalid: header 1"},
    {"http", "{\"headers\":1,\"method\":\"GET\",\"name\":\"\",\"url\":\"" SIM "/\"}",
     "invalid: header 1"},
    {"http", "{\"headers\":129,\"method\":\"GET\",\"name\":\"X\",\"url\":\"" SIM "/\"}",
     "invalid: |at most 128 headers"},
    {"http", "{\"method\":\"PUT\",\"size\":15728641,\"url\":\"" SIM "/length\"}",
     "invalid: |larger than 15 MiB"},
    {"http", GET("/status/204"), "ok |\"status\":204"},
};

static void http_answers(void **state) {
    (void)state;
    WORLD_ROWS(NULL, NULL, NEEDS_HTTP | NEEDS_STREAM, answers);
}

static void http_failures(void **state) {
    (void)state;
    WORLD_ROWS(NULL, NULL, NEEDS_HTTP, failures);
}

static void http_late(void **state) {
    (void)state;
    uint64_t took = UINT64_MAX;
    for (int i = 0; i < 3 && took >= 6000; i++) { /* the machine, too, may make it wait */
        uint64_t before = world_now_ms();
        WORLD_ROWS(NULL, NULL, NEEDS_HTTP, late);
        took = world_now_ms() - before;
    }
    assert_true(took < 6000); /* none waits longer than its deadline and 200 ms */
}

static void http_malformed(void **state) {
    (void)state;
    WORLD_ROWS(NULL, NULL, NEEDS_HTTP, malformed);
}

/* 15 MiB either way, in pieces with a window. */
static void http_large(void **state) {
    (void)state;
    const size_t len = 15u << 20;
    char *body = malloc(len), expected[100];
    sim_pattern(body, 0, len);
    uint32_t sum = sim_sum(0, body, len);
    free(body);
    services_world *w = world_of(NULL, NULL, NEEDS_HTTP, true);
    snprintf(expected, sizeof expected, "ok |\"body\":\"%zu %u\"", len, sum);
    world_row(w, &(services_row){
                     "http", "{\"method\":\"PUT\",\"size\":15728640,\"url\":\"" SIM "/length\"}",
                     expected});
    snprintf(expected, sizeof expected, "ok |\"length\":%zu|\"sum\":%u", len, sum);
    world_row(w, &(services_row){"http", GET("/large/15728640"), expected});
    world_row(w, &(services_row){"http", GET("/large/65537"), "ok |\"length\":65537"});
    world_end(w);
}

/* Each ends the connection: an unsafe request that was handed over is unknown then, a safe one
 * retry; and whatever comes later is retry. */
static const struct {
    const char *path, *why;
} ends[] = {
    {"/close", "egress has ended; it is started again"},
    {"/cut", "egress has ended; it is started again"},
    {"/wrong/type", "egress broke the protocol (a frame of a type that is not known)"},
    {"/wrong/kind", "an answer of the wrong kind"},
    {"/wrong/empty", "an answer that is none"},
    {"/wrong/no-json", "an answer that is none"},
    {"/wrong/failed-empty", "a failure without its code"},
    {"/wrong/failed-ok", "a failure without its code"},
    {"/wrong/failed-json", "a failure without its code"},
    {"/wrong/status", "an answer that is none"},
    {"/wrong/no-status", "an answer that is none"},
    {"/wrong/no-url", "an answer that is none"},
    {"/wrong/header", "an answer that is none"},
    {"/wrong/header-type", "an answer that is none"},
    {"/wrong/headers", "an answer that is none"},
    {"/wrong/future", "an answer to what was not asked"},
    {"/wrong/data", "bytes of a stream that was not asked for"},
    {"/wrong/junk", "a length over the limit"},
};

static void http_ends(void **state) {
    (void)state;
    for (size_t i = 0; i < 2 * (sizeof ends / sizeof *ends); i++) {
        char body[200], expected[300];
        const char *method = i % 2 ? "GET" : "POST";
        snprintf(body, sizeof body, "{\"method\":\"%s\",\"url\":\"" SIM "%s\"}", method,
                 ends[i / 2].path);
        snprintf(expected, sizeof expected, "%s: |%s", i % 2 ? "retry" : "unknown",
                 ends[i / 2].why);
        services_world *w = world_of(NULL, NULL, NEEDS_HTTP | NEEDS_STREAM, true);
        world_row(w, &(services_row){"http", body, expected});
        world_row(w, &(services_row){"http", POST("/status/200"), "retry: |it is started again"});
        world_row(w, &(services_row){"stream", "{\"address\":\"tls://echo:1\"}",
                                     "retry: |it is started again"});
        world_row(w, &(services_row){"kv_put", "{\"json\":\"1\",\"key\":\"a\"}", "ok 1"});
        world_end(w);
    }
}

/* Nothing was handed over to an egress that had ended before. */
static void http_ended_before(void **state) {
    (void)state;
    services_world *w = world_of(NULL, NULL, NEEDS_HTTP, true);
    sim_end(w->sim);
    w->sim = NULL;
    world_row(w, &(services_row){"http", POST("/status/200"), "retry: egress has ended"});
    world_end(w);
    w = world_of(NULL, NULL, NEEDS_HTTP, false); /* /dev/null */
    world_row(w, &(services_row){"http", POST("/status/200"), "retry: egress has ended"});
    world_end(w);
}

#define LARGE_PUT "{\"method\":\"PUT\",\"size\":15000000,\"url\":\"" SIM "/length\"}"

/* An egress that takes nothing: what it has not whole, it has not sent; but what waits for it may
 * still reach it, so that a request that is given up is unknown. */
static void http_deaf(void **state) {
    (void)state;
    static const services_row table[] = {
        {"http", GET("/deaf"), "ok |\"status\":200"},
        {"http", LARGE_PUT, "unknown: no answer came in time", 50 * MS},
        {"http", POST("/echo"), "retry: the verb's deadline came before egress took it", 50 * MS},
        {"stream", "{\"address\":\"tls://echo:1\"}", "retry: the verb's deadline came", 50 * MS},
    };
    services_world *w = world_of(NULL, NULL, NEEDS_HTTP | NEEDS_STREAM, true);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        world_row(w, &table[i]);
    }
    world_end(w);
    w = world_of(NULL, NULL, NEEDS_HTTP, true);
    world_row(w, &table[0]);
    world_verb(w, "write", "http", LARGE_PUT, 0, NULL);
    sim_end(w->sim);
    w->sim = NULL;
    keel_json body;
    assert_int_equal(child_next(w->c, 20000, &body), X_FAIL);
    assert_true(keel_json_is(keel_json_get(body, "code"), "retry"));
    world_end(w);
}

/* Whatever egress says, the verb ends with an answer, and the executor lives. */
static void http_random(void **state) {
    (void)state;
    for (int seed = 0; seed < 40; seed++) {
        char body[120];
        keel_json answer;
        services_world *w = world_of(NULL, NULL, NEEDS_HTTP | NEEDS_STREAM, true);
        world_row(w, &(services_row){"keep", "{\"address\":\"tls://silent:1\"}", "ok"});
        snprintf(body, sizeof body, "{\"method\":\"POST\",\"url\":\"" SIM "/random/%d\"}", seed);
        int type = world_ask(w, "write", "http", body, 2000 * MS, NULL, &answer);
        assert_true(type == X_REPLY || type == X_FAIL);
        world_row(w, &(services_row){"has", "{}", "ok {"});
        world_end(w);
    }
}

static void kernel_goes(void **state) {
    (void)state;
    services_world *w = world_of(NULL, NULL, NEEDS_HTTP, true);
    keel_json body;
    world_verb(w, "write", "http", POST("/never"), 0, NULL);
    assert_true(sim_saw(w->sim, "http 101 POST"));
    shutdown(w->c->socket, SHUT_WR);
    int type = child_next(w->c, 20000, &body);
    assert_int_equal(type, X_FAIL);
    assert_true(keel_json_is(keel_json_get(body, "code"), "cancelled"));
    assert_true(sim_saw(w->sim, "cancel"));
    world_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_answers),      cmocka_unit_test(http_failures),
        cmocka_unit_test(http_late),         cmocka_unit_test(http_malformed),
        cmocka_unit_test(http_large),        cmocka_unit_test(http_ends),
        cmocka_unit_test(http_ended_before), cmocka_unit_test(http_deaf),
        cmocka_unit_test(http_random),       cmocka_unit_test(kernel_goes),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
