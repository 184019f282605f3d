/* What one script file cannot say about the Lua host: several runs at once, frames that fit no run,
 * and the folders of a connector. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lua_world.h"

static void load(world *w, const char *script) {
    char why[1024];
    world_create(w, "test.lua", script, strlen(script));
    if (world_load(w, why)) {
        fail_msg("%s", why);
    }
}

static void expect(world *w, const char *text) {
    const world_line *l = world_next(w);
    assert_string_equal(l ? l->text : "nothing", text);
}

static const char counting[] = "local keel = require 'keel'\n"
                               "local n = 0\n"
                               "local shared = require 'shared'\n"
                               "_ENV = { seen = rawequal(_ENV, _G), keel = keel }\n"
                               "return keel.agent { run = function(ctx, input)\n"
                               "  n = n + 1\n"
                               "  if input then ctx.now() end\n"
                               "  return { n, shared.count(), seen }\n"
                               "end }\n";

static const char shared[] = "local n = 0\n"
                             "return { count = function() n = n + 1 return n end }\n";

/* Run 1 waits while 2 begins and ends; each has its own variables, modules and _ENV. */
static void runs_share_nothing(void **state) {
    (void)state;
    world w;
    char why[1024];
    world_create(&w, "test.lua", counting, strlen(counting));
    world_add_file(&w, "shared.lua", shared, strlen(shared));
    assert_int_equal(world_load(&w, why), 0);
    world_start(&w, 1, "true", "null", NULL, 0);
    world_start(&w, 2, "null", "null", NULL, 0);
    world_answer(&w, 1, "1", "{\"ok\":1}");
    expect(&w, "call 1 now {}");
    expect(&w, "end {\"result\":[1,1,true],\"state\":\"ended\"}");
    expect(&w, "end {\"result\":[1,1,true],\"state\":\"ended\"}");
    world_destroy(&w);
}

static const char waiting[] = "local keel = require 'keel'\n"
                              "return keel.agent { run = function(ctx) return ctx.now() end }\n";

static void frames_without_a_run(void **state) {
    (void)state;
    world w;
    load(&w, waiting);
    world_answer(&w, 5, "1", "{\"ok\":1}");
    world_ack(&w, 5, 3);
    world_cancel(&w, 5);
    world_start(&w, 5, "null", "null", NULL, 0);
    world_start(&w, 5, "null", "null", NULL, 0);
    world_start(&w, 0, "null", "null", NULL, 0);
    world_verb(&w, 9, "{\"body\":{},\"resource\":\"note\",\"verb\":\"read\"}");
    world_answer(&w, 5, "7", "{\"ok\":1}");
    world_answer(&w, 5, "1", "{\"ok\":4}");
    world_answer(&w, 5, "1", "{\"ok\":5}");
    expect(&w, "call 1 now {}");
    expect(&w, "note error a start that does not fit this executor was ignored");
    expect(&w, "note error a start that does not fit this executor was ignored");
    expect(&w,
           "fail 9 {\"code\":\"not_implemented\",\"message\":\"there is no verb 'read' here\"}");
    expect(&w, "end {\"result\":4,\"state\":\"ended\"}");
    assert_null(world_next(&w));
    world_destroy(&w);
}

/* An answer that says neither ok nor err is still an answer. */
static void an_odd_outcome(void **state) {
    (void)state;
    world w;
    load(&w, "local keel = require 'keel'\n"
             "return keel.agent { run = function(ctx)\n"
             "  local _, err = ctx.now()\n"
             "  return tostring(err)\n"
             "end }\n");
    world_start(&w, 1, "null", "null", NULL, 0);
    world_answer(&w, 1, "1", "{}");
    expect(&w, "call 1 now {}");
    expect(&w, "end {\"result\":\"unknown: no reason was given\",\"state\":\"ended\"}");
    world_destroy(&w);
}

static const char stepping[] = "local keel = require 'keel'\n"
                               "return keel.agent { run = function(ctx, n)\n"
                               "  local sum = 0\n"
                               "  for i = 1, n do\n"
                               "    sum = sum + ctx.step('s', function() error('not run') end).n\n"
                               "  end\n"
                               "  ctx.now()\n"
                               "  return sum\n"
                               "end }\n";

/* Many runs with long records, all open when the executor goes. */
static void long_records(void **state) {
    (void)state;
    enum { RUNS = 64, STEPS = 1000 };
    world w;
    static char paths[STEPS][8];
    static world_record records[STEPS];
    char call[17];
    world_call_digest(call, "step", "s", "");
    for (int i = 0; i < STEPS; i++) {
        snprintf(paths[i], sizeof paths[i], "%d", i + 1);
        records[i] = (world_record){paths[i], (char *)(uintptr_t) "step", (char *)(uintptr_t) "s",
                                    call, (char *)(uintptr_t) "{\"ok\":{\"n\":2}}"};
    }
    load(&w, stepping);
    for (uint64_t run = 1; run <= RUNS; run++) {
        world_start(&w, run, "1000", "null", records, STEPS);
        expect(&w, "call 1001 now {}");
    }
    world_answer(&w, 64, "1001", "{\"ok\":1}");
    expect(&w, "end {\"result\":2000,\"state\":\"ended\"}");
    assert_null(world_next(&w));
    world_destroy(&w);
}

/* ---- folders ---- */

static const char files[] = "local keel = require 'keel'\n"
                            "return keel.connector { file = {\n"
                            "  read = function(c, q)\n"
                            "    local f = c.config.folder\n"
                            "    if q.list then return c.fs.list(f, q.list) end\n"
                            "    if q.stat then return c.fs.stat(f, q.stat) end\n"
                            "    return c.fs.read(f, q.path, q.from, q.len)\n"
                            "  end,\n"
                            "  write = function(c, q)\n"
                            "    local f = c.config.folder\n"
                            "    if q.from then return c.fs.rename(f, q.from, f, q.path) end\n"
                            "    if q.remove then return c.fs.remove(f, q.remove) end\n"
                            "    return c.fs.write(f, q.path, q.text, { new = q.new })\n"
                            "  end,\n"
                            "} }\n";

static void ask(world *w, const char *verb, const char *body, const char *wanted) {
    char request[512];
    snprintf(request, sizeof request,
             "{\"attempt\":1,\"body\":%s,\"flags\":[],\"key\":\"k\",\"resource\":\"file\","
             "\"verb\":\"%s\"}",
             body, verb);
    world_verb(w, 1, request);
    const world_line *l = world_next(w);
    assert_non_null(l);
    if (strncmp(l->text, wanted, strlen(wanted)) != 0) {
        fail_msg("%s %s\n  wanted: %s\n  came:   %s", verb, body, wanted, l->text);
    }
}

static void folders(void **state) {
    (void)state;
    char folder[] = "/tmp/keel-lua-XXXXXX", why[1024];
    assert_non_null(mkdtemp(folder));
    executor_grant grant = {open(folder, O_RDONLY | O_DIRECTORY), true, folder};
    world w;
    keel_buf config = KEEL_BUF_INIT;
    keel_buf_printf(&config, "{\"folder\":\"%s\"}", folder);
    world_create(&w, "files.lua", files, strlen(files));
    w.config.connector = true;
    w.config.config = (keel_json){config.data, config.len};
    w.config.grants = &grant;
    w.config.grant_count = 1;
    assert_int_equal(world_load(&w, why), 0);
    ask(&w, "write", "{\"path\":\"a.txt\",\"text\":\"hello\"}", "reply 1 {\"result\":true}");
    ask(&w, "write", "{\"new\":true,\"path\":\"a.txt\",\"text\":\"x\"}",
        "fail 1 {\"code\":\"conflict\"");
    ask(&w, "read", "{\"path\":\"a.txt\"}", "reply 1 {\"result\":\"hello\"}");
    ask(&w, "read", "{\"from\":1,\"len\":3,\"path\":\"a.txt\"}", "reply 1 {\"result\":\"ell\"}");
    ask(&w, "read", "{\"list\":\"\"}",
        "reply 1 {\"result\":[{\"kind\":\"file\",\"name\":\"a.txt\"}]}");
    ask(&w, "read", "{\"stat\":\"a.txt\"}", "reply 1 {\"result\":{\"kind\":\"file\",\"mtime_us\":");
    ask(&w, "read", "{\"stat\":\"none\"}", "fail 1 {\"code\":\"not_found\"");
    ask(&w, "read", "{\"path\":\"../x\"}", "fail 1 {\"code\":\"");
    ask(&w, "read", "{\"path\":\"a\\u0000b\"}", "fail 1 {\"code\":\"internal\"");
    expect(&w, "note error stack traceback:");
    ask(&w, "read", "{\"from\":-1,\"path\":\"a.txt\"}", "fail 1 {\"code\":\"internal\"");
    expect(&w, "note error stack traceback:");
    ask(&w, "write", "{\"from\":\"a.txt\",\"path\":\"b.txt\"}", "reply 1 {\"result\":true}");
    ask(&w, "read", "{\"path\":\"a.txt\"}", "fail 1 {\"code\":\"not_found\"");
    ask(&w, "write", "{\"remove\":\"b.txt\"}", "reply 1 {\"result\":true}");
    ask(&w, "read", "{\"list\":\"\"}", "reply 1 {\"result\":[]}");
    world_destroy(&w);
    keel_buf_free(&config);
    close(grant.fd);
    assert_int_equal(rmdir(folder), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_share_nothing),
        cmocka_unit_test(frames_without_a_run),
        cmocka_unit_test(an_odd_outcome),
        cmocka_unit_test(long_records),
        cmocka_unit_test(folders),
    };
    return cmocka_run_group_tests_name("lua_runs", tests, NULL, NULL);
}
