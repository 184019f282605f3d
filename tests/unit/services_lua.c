/* c.http, c.stream, c.kv and c.clock of a connector in Lua, in a real executor, against a simulator
 * of egress. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "services_world.h"

#define BASE "{\"base\":\"" SIM "/v1/\"}"
#define BOTH (NEEDS_HTTP | NEEDS_STREAM)
#define MS   1000u

#define ASK(method, url)        "{\"method\":\"" method "\",\"url\":\"" url "\"}"
#define WITH(method, url, more) "{\"method\":\"" method "\",\"url\":\"" url "\"," more "}"

/* ---- URLs ---- */

static const services_row joined[] = {
    {"http", ASK("get", "/echo"), "ok {", 0, NULL, "GET " SIM "/v1/echo\n"},
    {"http", ASK("get", "//echo"), "ok {", 0, NULL, "GET " SIM "/v1/echo\n"},
    {"http", ASK("get", "/"), "deadline", 30 * MS, NULL, "GET " SIM "/v1/\n"},
    {"http", ASK("delete", SIM "/echo"), "ok {", 0, NULL, "DELETE " SIM "/echo\n"},
    {"http", WITH("get", "/echo", "\"query\":{\"b\":\"x y&z\",\"a\":1,\"c\":[true,\"ü\",0.5]}"),
     "ok {", 0, NULL, "GET " SIM "/v1/echo?a=1&b=x%20y%26z&c=true&c=%C3%BC&c=0.5\n"},
    {"http", WITH("get", "/echo?z=1", "\"query\":{\"a\":\"\"}"), "ok {", 0, NULL,
     "GET " SIM "/v1/echo?z=1&a=\n"},
    {"http", WITH("get", "/echo#part", "\"query\":{\"a\":2}"), "ok {", 0, NULL,
     "GET " SIM "/v1/echo?a=2\n"},
    {"http", WITH("get", "/echo", "\"query\":{}"), "ok {", 0, NULL, "GET " SIM "/v1/echo\n"},
    {"http", ASK("put", "/echo"), "ok {", 0, NULL, "PUT "},
    {"http", ASK("patch", "/echo"), "ok {", 0, NULL, "PATCH "},
    {"http", ASK("head", "/echo"), "ok {", 0, NULL, "HEAD "},
    {"request", "{\"url\":\"/echo\"}", "ok ", 0, NULL, "GET " SIM "/v1/echo\n"},
    {"request", "{\"method\":\"PROPFIND\",\"url\":\"/echo\"}", "ok ", 0, NULL, "PROPFIND "},
    {"http", ASK("get", "ftp://x"), "invalid: |not absolute"},
    {"http", ASK("get", "/a b"), "invalid: |percent-encoded"},
};

static void urls(void **state) {
    (void)state;
    WORLD_ROWS("ask.lua", BASE, NEEDS_HTTP, joined);
    static const services_row none[] = {
        {"thrown", "{\"url\":\"/x\"}",
         "ok \"error: |c.http.get: the path /x is joined to c.config.base, which is not there"},
    };
    WORLD_ROWS("ask.lua", "{}", NEEDS_HTTP, none);
    static const services_row plain[] = {
        {"http", ASK("get", "/echo"), "ok {", 0, NULL, "GET " SIM "/echo\n"}};
    WORLD_ROWS("ask.lua", "{\"base\":\"" SIM "\"}", NEEDS_HTTP, plain);
}

/* ---- options and answers ---- */

static const services_row options[] = {
    {"http", WITH("post", "/echo", "\"json\":{\"b\":1,\"a\":[]}"),
     "\\\"body\\\":\\\"{\\\\\\\"a\\\\\\\":[],\\\\\\\"b\\\\\\\":1}|[[\\\"Content-Type\\\","
     "\\\"application/json\\\"]]"},
    {"http", WITH("post", "/echo", "\"headers\":{\"content-type\":\"application/x\"},\"json\":1"),
     "[[\\\"content-type\\\",\\\"application/x\\\"]]"},
    {"http",
     WITH("post", "/echo",
          "\"body\":\"raw\",\"headers\":{\"X-B\":[1,\"two\"],\"X-A\":true},\"key\":\"k-9\""),
     "\\\"body\\\":\\\"raw\\\"|[[\\\"X-A\\\",\\\"true\\\"],[\\\"X-B\\\",\\\"1\\\"],[\\\"X-B\\\","
     "\\\"two\\\"],"
     "[\\\"Idempotency-Key\\\",\\\"k-9\\\"]]"},
    {"http", WITH("get", "/echo", "\"follow\":true,\"limit\":50,\"timeout\":\"5s\""),
     "\\\"follow\\\":true|\\\"limit\\\":50|\\\"timeout_us\\\":49"},
    {"http", WITH("get", SIM "/never", "\"timeout\":0.05"), "deadline: no answer came in time"},
    {"http", WITH("post", SIM "/never", "\"timeout\":0.05"), "unknown: no answer came in time"},
    {"http", ASK("get", SIM "/status/200"),
     "ok {\"body\":\"{\\\"message\\\":\\\"said "
     "200\\\"}\",\"headers\":{\"content-type\":\"text/plain\","
     "\"set-cookie\":[\"a=1, x\",\"b=2\"],\"x-two\":\"1, "
     "2\"},\"ok\":true,\"status\":200,\"url\":\"" SIM "/status/200\"}"},
    {"http", ASK("get", SIM "/status/302"), "\"ok\":false,\"status\":302"},
    {"http", ASK("get", SIM "/failed/denied"), "denied: the simulator says denied"},
    {"http", ASK("post", SIM "/failed/unknown"), "unknown: the simulator says unknown"},
    {"http", ASK("get", SIM "/large/300000"), "ok {"},
    {"answer", "{\"url\":\"" SIM "/status/200\"}",
     "\"json\":{\"message\":\"said 200\"}|\"none\":true|\"type\":\"text/plain\"|\"two\":\"1, "
     "2\"|\"cookies\":[\"a=1, x\",\"b=2\"]|\"null\":false"},
    {"answer", "{\"url\":\"" SIM "/body/%7b%22a%22:[1,null]%20%7d\"}", "\"json\":{\"a\":[1,null]}"},
    {"answer", "{\"url\":\"" SIM "/body/%20oops\"}",
     "\"err\":\"unknown: the answer is no JSON, at line 1, column 2"},
    {"answer", "{\"url\":\"" SIM "/body/\"}", "\"err\":\"none\"|\"null\":true"},
    {"answer", "{\"url\":\"" SIM "/body/null\"}", "\"err\":\"none\"|\"null\":true"},
    {"careless", "{\"url\":\"" SIM "/failed/retry\"}",
     "internal: |attempt to index a nil value|(before that, a call to the network gave retry: the "
     "simulator says retry)"},
};

static void answers(void **state) {
    (void)state;
    WORLD_ROWS("ask.lua", BASE, NEEDS_HTTP, options);
}

#define THROWN(opts) "{\"opts\":" opts ",\"url\":\"/echo\"}"

static const services_row wrongs[] = {
    {"thrown", THROWN("{\"bodi\":\"x\"}"),
     "c.http.get: there is no option 'bodi' (see the c table"},
    {"thrown", THROWN("{\"body\":\"x\",\"json\":1}"), "c.http.get: give json or body, not both"},
    {"thrown", THROWN("{\"body\":7}"), "c.http.get: body must be a text"},
    {"thrown", THROWN("{\"key\":7}"), "c.http.get: key must be a text"},
    {"thrown", THROWN("{\"limit\":0}"), "c.http.get: limit is a number of bytes"},
    {"thrown", THROWN("{\"follow\":1}"), "c.http.get: follow must be true or false"},
    {"thrown", THROWN("{\"timeout\":\"soon\"}"), "c.http.get: a duration is"},
    {"thrown", THROWN("{\"headers\":[1]}"), "c.http.get is a table of names and values"},
    {"thrown", THROWN("{\"headers\":7}"), "c.http.get is a table of names and values"},
    {"thrown", THROWN("{\"headers\":{\"a\":{\"b\":1}}}"), "ok: "},
    {"thrown", THROWN("{\"query\":{\"a\":{\"b\":1}}}"), "ok: "},
    {"thrown", THROWN("{\"query\":{\"a\":[[1]]}}"), "c.http.get: a text, a number or a boolean is"},
    {"thrown", "{\"opts\":{\"url\":\"x\"},\"url\":\"/echo\"}", "there is no option 'url'"},
    {"odd", "\"no_table\"", "c.http.get: argument 2 must be a table of options"},
    {"odd", "\"json_function\"", "c.http.post: json: a value that is a function"},
    {"odd", "\"nul\"", "a URL cannot hold a NUL byte"},
    {"odd", "\"set\"", "cannot set 'get' in c.http: libraries cannot be changed"},
    {"odd", "\"request_text\"", "table expected"},
    {"odd", "\"request_url\"", "c.http.request: url must be a text, and is nothing"},
    {"odd", "\"stream_nothing\"", "string expected"},
    {"keep", "\"tls://echo:1\"", "ok \"kept\""},
    {"odd", "\"stream_method\"", "keel.stream expected, got table"},
    {"odd", "\"stream_field\"", "error: |attempt to index"},
    {"odd", "\"read_minus\"", "a length is 0 to 16 MiB"},
    {"odd", "\"status\"", "keel.status: its argument is an answer of c.http, and is a string"},
    {"odd", "\"kv_key\"", "a key cannot hold a NUL byte"},
    {"odd", "\"kv_value\"", "c.kv.put: value: a value that is a function"},
    {"odd", "\"sleep\"", "c.clock.sleep: a duration is"},
    {"odd", "\"encode\"", "keel.json.encode: value.f: a value that is a function"},
    {"odd", "\"json_set\"", "cannot set 'x' in keel.json"},
    {"odd", "\"url\"", "keel.url.encode: a text, a number or a boolean is needed"},
    {"odd", "\"answer\"", "error: |attempt to index a string value"},
    {"odd", "\"c_meta\"", "ok: c\""},
};

static void wrong_arguments(void **state) {
    (void)state;
    WORLD_ROWS("ask.lua", "{\"base\":\"" SIM "\"}", BOTH, wrongs);
}

/* ---- keel.status ---- */

#define URL(path)          "{\"url\":\"" SIM path "\"}"
#define CODES(path, codes) "{\"codes\":" codes ",\"url\":\"" SIM path "\"}"

static const services_row meanings[] = {
    {"status", URL("/status/200"), "ok \"nothing\""},
    {"status", URL("/status/204"), "ok \"nothing\""},
    {"status", URL("/status/302"), "ok \"nothing\""},
    {"status", URL("/status/400"), "ok \"invalid: the answer was 400: said 400\""},
    {"status", URL("/status/401"), "ok \"denied: the answer was 401: said 401\""},
    {"status", URL("/status/403"), "ok \"denied: "},
    {"status", URL("/status/404"), "ok \"not_found: "},
    {"status", URL("/status/410"), "ok \"not_found: "},
    {"status", URL("/status/408"), "ok \"unknown: "},
    {"status", URL("/status/409"), "ok \"conflict: "},
    {"status", URL("/status/412"), "ok \"conflict: "},
    {"status", URL("/status/418"), "ok \"invalid: "},
    {"status", URL("/status/422"), "ok \"invalid: "},
    {"status", URL("/status/429"), "ok \"retry: "},
    {"status", URL("/status/500"), "ok \"unknown: the answer was 500: said 500\""},
    {"status", URL("/status/503"), "ok \"unknown: "},
    {"status", URL("/status/100"), "ok \"unknown: "},
    {"status", URL("/status/600"), "ok \"unknown: "},
    {"status", URL("/refused/"), "ok \"invalid: the answer was 422\""},
    {"status", URL("/refused/too%20long"), "ok \"invalid: the answer was 422: too long\""},
    {"status", URL("/refused/%7b%22error%22:%22no%20such%20list%22%7d"), "422: no such list\""},
    {"status", URL("/refused/%7b%22error%22:%7b%22message%22:%22deep%22%7d%7d"), "422: deep\""},
    {"status", URL("/refused/%7b%22detail%22:%22d%22,%22title%22:%22t%22%7d"), "422: d\""},
    {"status", URL("/refused/%7b%22title%22:%22t%22%7d"), "422: t\""},
    {"status", URL("/refused/%7b%22other%22:1%7d"), "422: {\\\"other\\\":1}\""},
    {"status", URL("/refused/[1]"), "422: [1]\""},
    {"status", CODES("/status/404", "{\"404\":\"ok\"}"),
     "ok \"not_found: "}, /* a text is no number */
    {"both", URL("/status/200"), "ok \"fine\""},
    {"both", URL("/status/404"), "not_found: the answer was 404: said 404"},
    {"both", URL("/status/500"), "unknown: the answer was 500"},
    {"passes", URL("/failed/denied"), "denied: the simulator says denied"},
    {"passes", URL("/status/429"), "retry: the answer was 429"},
};

static void statuses(void **state) {
    (void)state;
    WORLD_ROWS("ask.lua", NULL, NEEDS_HTTP, meanings);
}

/* A text is cut at 200 bytes, and not inside of a character. */
static void status_cut(void **state) {
    (void)state;
    char body[1200] = "{\"url\":\"" SIM "/refused/", expected[800] = "the answer was 422: ";
    for (int i = 0; i < 99; i++) {
        strcat(body, "%c3%bc");
        strcat(expected, "ü");
    }
    strcat(body, "x%c3%bcyyyy\"}");
    strcat(expected, "x\"");
    services_world *w = world_of("ask.lua", NULL, NEEDS_HTTP, true);
    world_row(w, &(services_row){"status", body, expected});
    world_end(w);
}

/* ---- the connector of the design's page ---- */

static const services_row note_rows[] = {
    {"note", "{\"id\":7}", "ok {\"body\":\"\",|\"method\":\"GET\"", 0, NULL,
     "GET " SIM "/v1/notes/7\n", "read"},
    {"note", "{\"text\":\"hello\"}",
     "ok "
     "{\"body\":\"{\\\"text\\\":\\\"hello\\\"}\"|[\"Content-Type\",\"application/"
     "json\"],[\"Idempotency-"
     "Key\",\"k-1\"]",
     0, NULL, "POST " SIM "/v1/notes\n"},
    {"note", "{}", "ok |\"method\":\"DELETE\"", 0, NULL, "DELETE " SIM "/v1/notes/7\n",
     "compensate"},
    {"note", "{}", "ok {\"state\":\"absent\"}", 0, NULL, "GET " SIM "/v1/notes?ref=k-1\n",
     "reconcile"},
};

static void notes(void **state) {
    (void)state;
    services_world *w = world_of("notes.lua", BASE, NEEDS_HTTP, true);
    for (size_t i = 0; i < sizeof note_rows / sizeof *note_rows; i++) {
        world_row(w, &note_rows[i]);
    }
    world_end(w);
}

/* What its reconcile says while the service answers otherwise than by a list. */
static void notes_in_trouble(void **state) {
    (void)state;
    static const struct {
        const char *base, *verb, *expected;
    } table[] = {
        {SIM "/status/404?", "write", "not_found: the answer was 404: said 404"},
        {SIM "/status/500?", "write", "unknown: the answer was 500: said 500"},
        {SIM "/body/?", "compensate", "ok null"},
        {SIM "/body/oops?", "write", "internal: write returned neither a value nor a reason"},
        {SIM "/status/404?", "reconcile", "ok {\"state\":\"absent\"}"},
        {SIM "/status/500?", "reconcile", "ok {\"state\":\"cannot_tell\""},
        {SIM "/status/403?", "reconcile", "ok {\"state\":\"cannot_tell\""},
        {SIM "/failed/retry?", "reconcile", "internal: "},
        {SIM "/body/[%7b%22id%22:5%7d]?", "reconcile", "ok {\"ref\":5,\"state\":\"applied\"}"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char config[200];
        snprintf(config, sizeof config, "{\"base\":\"%s\"}", table[i].base);
        services_world *w = world_of("notes.lua", config, NEEDS_HTTP, true);
        world_row(w,
                  &(services_row){"note", "{}", table[i].expected, 0, NULL, NULL, table[i].verb});
        world_end(w);
    }
}

static const services_row verdicts[] = {
    {"absent", URL("/status/200"), "ok {\"state\":\"absent\"}", 0, NULL, NULL, "reconcile"},
    {"absent", URL("/status/410"), "ok {\"state\":\"absent\"}", 0, NULL, NULL, "reconcile"},
    {"absent", URL("/status/503"),
     "ok {\"state\":\"cannot_tell\",\"why\":\"the connector said absent, but", 0, NULL, NULL,
     "reconcile"},
    {"absent", URL("/status/302"), "ok {\"state\":\"cannot_tell\"", 0, NULL, NULL, "reconcile"},
    {"absent", URL("/failed/retry"), "ok {\"state\":\"cannot_tell\"", 0, NULL, NULL, "reconcile"},
    {"absent", "{\"again\":\"" SIM "/status/200\",\"url\":\"" SIM "/status/500\"}",
     "ok {\"state\":\"absent\"}", 0, NULL, NULL, "reconcile"},
    {"absent", "{\"stream\":\"tls://lines:1\"}", "ok {\"state\":\"absent\"}", 0, NULL, NULL,
     "reconcile"},
    {"absent", "{\"stream\":\"tls://ends:1\"}", "ok {\"state\":\"cannot_tell\"", 0, NULL, NULL,
     "reconcile"},
    {"absent", "{\"stream\":\"tls://denied:1\"}", "ok {\"state\":\"cannot_tell\"", 0, NULL, NULL,
     "reconcile"},
    {"found", URL("/status/500"), "ok {\"ref\":{\"id\":1},\"state\":\"applied\"}", 0, NULL, NULL,
     "reconcile"},
};

static void absent_needs_an_answer(void **state) {
    (void)state;
    WORLD_ROWS("ask.lua", NULL, BOTH, verdicts);
}

/* ---- streams ---- */

static const services_row streams[] = {
    {"lines", "{}",
     "ok [\"one\",\"two\",\"\",\"three\",\"{5}\",\"a\\r\\nbc\",\" rest\",\"nil\",\"unknown: the "
     "stream "
     "ended in the middle of a line\",\"cut\",\"\",\"unknown: the other side ended the stream\","
     "\"not_found: there is no such stream (it was closed)\"]",
     0, NULL, "open 101 tls://lines:1\nclose\n"},
    {"flow", "\"tls://flow:5\"", "ok {\"length\":5242880,\"many\":true}", 0, NULL, "taken "},
    {"flow", "\"tls://ends:1\"", "deadline: ", 50 * MS},
    {"flow", "\"tls://denied:1\"", "denied: the simulator says denied"},
    {"exact", "{}", "ok [300000,0,748576,\"\"]"},
    {"no_line", "{}", "unknown: a line is longer than 1 MiB"},
    {"keep", "\"tls://echo:1\"", "ok \"kept\""},
    {"use", "\"hello\"", "ok \"hello\"", 0, NULL, "data 108\n"},
    {"use", "\"again\"", "ok \"again\"", 0, NULL, "data 109\n"},
    {"keep", "\"tls://breaks:1\"", "ok \"kept\""},
    {"use", "\"x\"", "unknown: the simulator says retry"},
    {"keep", "\"tls://dies:1\"", "ok \"kept\""},
    {"use", "\"x\"", "unknown: egress has ended; it is started again"},
    {"use", "\"x\"", "retry: egress has ended; it is started again"},
    {"keep", "\"tls://echo:1\"", "retry: egress has ended; it is started again"},
};

static void stream_table(void **state) {
    (void)state;
    WORLD_ROWS("ask.lua", NULL, BOTH, streams);
    static const services_row forgotten[] = {{"forgets", "{}", "ok \"opened\""}};
    WORLD_ROWS("ask.lua", NULL, NEEDS_STREAM, forgotten);
}

/* ---- kv, clock, keel.json and its like ---- */

static const services_row others[] = {
    {"kv", "[[\"cursor\"],[\"none\"]]", "ok [17,\"nothing\"]", 0, "{\"cursor\":17}"},
    {"kv", "[[\"cursor\",18],[\"cursor\"],[\"a\",{\"b\":[]}],[\"a\"]]",
     "ok [true,18,true,{\"b\":[]}] kv {\"a\":{\"b\":[]},\"cursor\":18}", 0, "{\"cursor\":17}"},
    {"kv", "[[\"cursor\",null],[\"cursor\"]]", "ok [true,\"nothing\"] kv {\"cursor\":null}", 0,
     "{\"cursor\":17}"},
    {"kv", "[[\"\",1]]", "ok [\"invalid: a key of kv is a text of 1 to 100 bytes"},
    {"clock", "\"20ms\"", "ok {\"now\":true,\"slept\":true}"},
    {"clock", "60", "deadline: the verb's deadline came", 50 * MS},
    {"codes", "{}",
     "\"encoded\":\"{\\\"a\\\":[],\\\"b\\\":1}\"|\"decoded\":{\"x\":[1,2.5,null,\"ü\"]}|\"null\":"
     "true|\"bad\":"
     "\"unknown: the text is no JSON, at line 1, column 6|\"url\":\"a%20b%2F%C3%BC%26%3D~-._1\"|"
     "\"base64\":\"AP9hYg==\"|\"bytes\":4|\"unpadded\":\"hello\"|\"safe\":true|\"bad64\":\"unknown:"
     " "
     "the text is no base64\"|\"empty\":true"},
    {"missing", "\"http\"",
     "error: |c.http is not open to this connector: add \\\"http:{config.base}\\\"|to `needs`"},
    {"missing", "\"stream\"", "error: |c.stream is not open|add \\\"stream:{config.imap}\\\""},
};

static void other_services(void **state) {
    (void)state;
    WORLD_ROWS("ask.lua", NULL, 0, others);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls),
        cmocka_unit_test(answers),
        cmocka_unit_test(wrong_arguments),
        cmocka_unit_test(statuses),
        cmocka_unit_test(status_cut),
        cmocka_unit_test(notes),
        cmocka_unit_test(notes_in_trouble),
        cmocka_unit_test(absent_needs_an_answer),
        cmocka_unit_test(stream_table),
        cmocka_unit_test(other_services),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
