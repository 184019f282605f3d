/* Shared objects that are wrong in one way each, through a real kernel: the agent that uses one is
 * told by name what is wrong with it, the kernel lives, and a good agent runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "fsio.h"
#include "operator.h"
#include "pool.h"
#include "site.h"
#include "siteint.h"

#define OBJECT_LIMIT (16 << 20)
#define PATIENCE_MS  40000

/* A sanitizer catches the signal, and ends the process itself. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SEGV "exited with 1"
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SEGV "exited with 1"
#endif
#ifndef SEGV
#define SEGV "was killed by signal 11"
#endif

typedef struct object {
    const char *module;   /* abi_MODULE.so of tests/abi */
    const char *resource; /* what is read; NULL: thing */
    const char *body;     /* with what, JSON; NULL: {} */
    const char *words[3]; /* all are in what the agent is told; none: it goes well */
} object;

static const object objects[] = {
    {"good", NULL, NULL, {NULL}},
    /* refused by the load rule */
    {"magic", NULL, NULL, {"unavailable: ", "magic is 0x31504741", "0x4c45454b"}},
    {"major", NULL, NULL, {"unavailable: ", "abi_major is 7", "has 0"}},
    {"minor", NULL, NULL, {"unavailable: ", "abi_minor is 9", "has 2"}},
    {"size", NULL, NULL, {"unavailable: ", "size of keel_plugin is 16", "at least 48"}},
    {"kind", NULL, NULL, {"unavailable: ", "kind is 42"}},
    {"id", NULL, NULL, {"unavailable: ", "com.example.other", "com.example.abi"}},
    {"version", NULL, NULL, {"unavailable: ", "2.0.0", "1.0.0"}},
    {"no_create", NULL, NULL, {"unavailable: ", "connector.create is not set"}},
    {"no_verb", NULL, NULL, {"unavailable: ", "connector.read or connector.write is not set"}},
    {"no_entry", NULL, NULL, {"unavailable: ", "keel_plugin_entry is not among them"}},
    {"two_exports", NULL, NULL, {"unavailable: ", "exports 2 symbols", "com_example_other"}},
    {"rpath", NULL, NULL, {"unavailable: ", "RUNPATH /opt/keel-test"}},
    {"library", NULL, NULL, {"unavailable: ", "libsodium.so.23", "manifest does not list"}},
    {"stack", NULL, NULL, {"unavailable: ", "executable stack"}},
    {"create_fails", NULL, NULL, {"unavailable: ", "create failed", "config.folder is missing"}},
    {"prepare_fails", NULL, NULL, {"unavailable: ", "prepare failed", "no table of characters"}},
    /* dying and hanging before it is ready */
    {"constructor_segv", NULL, NULL, {"unavailable: ", SEGV, "before it was ready"}},
    {"create_segv", NULL, NULL, {"unavailable: ", SEGV, "before it was ready"}},
    {"create_exits", NULL, NULL, {"unavailable: ", "exited with 0", "before it was ready"}},
    {"prepare_exits", NULL, NULL, {"unavailable: ", "exited with 0", "before it was ready"}},
    {"prepare_segv", NULL, NULL, {"unavailable: ", SEGV, "before it was ready"}},
    {"prepare_hang", NULL, NULL, {"unavailable: ", "killed for taking too long"}},
    {"constructor_exit", NULL, NULL, {"unavailable: ", "exited with 0", "before it was ready"}},
    {"constructor_hang", NULL, NULL, {"unavailable: ", "killed for taking too long"}},
    {"constructor_socket", NULL, NULL, {"unavailable: ", "a system call that its sandbox forbids"}},
    {"constructor_execve", NULL, NULL, {"unavailable: ", "a system call that its sandbox forbids"}},
    /* dying and hanging in a verb */
    {"read_hang", NULL, NULL, {"unavailable: ", "did not answer in time and was killed"}},
    {"behave", "segv", NULL, {"unavailable: ", SEGV}},
    {"behave", "abort", NULL, {"unavailable: ", "was killed by signal 6"}},
    {"behave", "exit", NULL, {"unavailable: ", "exited with 0"}},
    {"behave", "garbage", NULL, {"unavailable: ", "broke the frame protocol"}},
    {"behave", "hang", NULL, {"unavailable: ", "did not answer in time"}},
    {"behave", "silent", NULL, {"without"}},
    {"behave", "leak", NULL, {NULL}}, /* 1 GiB at the most */
    {"behave", "probe", "\"socket\"", {"unavailable: ", "a system call that its sandbox forbids"}},
    {"behave", "probe", "\"ptrace\"", {"unavailable: ", "a system call that its sandbox forbids"}},
    {"behave", "probe", "\"passwd\"", {NULL}}, /* it may ask; the answer is no */
};

static void install(site *s, const char *folder, const object *o) {
    char from[400], to[400];
    keel_buf bytes = KEEL_BUF_INIT;
    site_make(s, folder, getenv("KEEL_WORKSPACE"));
    snprintf(from, sizeof from, "%s/abi_%s.so", getenv("KEEL_ABI"), o->module);
    snprintf(to, sizeof to, "%s/connectors/bad/abi.so", s->root);
    if (fsio_read(from, OBJECT_LIMIT, &bytes, NULL) ||
        fsio_write_atomic(to, bytes.data, bytes.len, 0700, NULL)) {
        site_fault(s, "%s cannot be copied", from);
    }
    keel_buf_free(&bytes);
}

static bool run_agent(site *s, const char *agent, const char *input) {
    char request[64], args[256];
    snprintf(request, sizeof request, "do-%s-1", agent);
    snprintf(args, sizeof args, "{\"agent\":\"%s\",\"input\":%s}", agent, input);
    if (site_say(s, request, "do", args) != SITE_ANSWERED) {
        return site_fault(s, "do %s: %s", agent, site_refusal);
    }
    for (int waited = 0; waited < PATIENCE_MS; waited += 5) {
        if (*site_query(s, "SELECT 1 FROM run WHERE agent = ? AND state <> 'open'", agent)) {
            return true;
        }
        if (site_ask(s, "status", NULL) != SITE_ANSWERED) {
            return site_fault(s, "the kernel does not answer while %s runs", agent);
        }
        site_sleep_us(5000);
    }
    return site_fault(s, "%s does not end", agent);
}

static void check_told(site *s, const object *o) {
    char state[32], told[1024];
    snprintf(state, sizeof state, "%s",
             site_query(s, "SELECT state FROM run WHERE agent = 'asker'", NULL));
    snprintf(told, sizeof told, "%s",
             site_query(s, "SELECT reason FROM run WHERE agent = 'asker'", NULL));
    if (strcmp(state, o->words[0] ? "failed" : "ended") != 0) {
        site_fault(s, "the run is %s: %s", state, told);
    }
    for (size_t i = 0; i < 3 && o->words[i]; i++) {
        if (!strstr(told, o->words[i])) {
            site_fault(s, "\"%s\" is not in what the agent is told: %s", o->words[i], told);
        }
    }
}

static void run_object(const void *arg, const char *folder, keel_buf *problem, keel_buf *detail) {
    const object *o = arg;
    char input[160];
    site s;
    snprintf(input, sizeof input, "{\"body\":%s,\"resource\":\"%s\"}", o->body ? o->body : "{}",
             o->resource ? o->resource : "thing");
    install(&s, folder, o);
    if (site_up_plain(&s) && run_agent(&s, "asker", input)) {
        check_told(&s, o);
        if (run_agent(&s, "good", "{}") &&
            site_count(&s, "SELECT count(*) FROM run WHERE agent = 'good' AND state = 'ended'") !=
                1) {
            site_fault(&s, "a good agent does not run after it");
        }
        operator_settle(&s, true);
    }
    if (!site_down(&s)) {
        site_fault(&s, "the kernel does not end in good order: status %d", s.status);
    }
    if (!s.problem[0]) {
        site_check(&s);
    }
    site_finish(&s);
    if (s.problem[0]) {
        keel_buf_puts(problem, s.problem);
        site_log(&s, detail);
    }
}

/* objects [TEXT]: only those with TEXT in their name. */
int main(int argc, char **argv) {
    if (digest_init() || !getenv("KEEL_ABI")) {
        fprintf(stderr, "KEEL_ABI is not set: run this by `./dev test`\n");
        return 2;
    }
    pool_only(argc > 1 ? argv[1] : NULL);
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        const object *o = &objects[i];
        char name[128];
        snprintf(name, sizeof name, "%s%s%s%s%s", o->module, o->resource ? ": " : "",
                 o->resource ? o->resource : "", o->body ? " " : "", o->body ? o->body : "");
        pool_add(name, run_object, o);
    }
    pool_run();
    return pool_end();
}
