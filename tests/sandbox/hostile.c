/* The hostile scripts of tests/sandbox/lua through a real kernel and its sandboxed executor, under
 * short limits: each run ends as the script's first lines say, in words that a person understands;
 * the kernel answers meanwhile; and a good agent runs after it as if nothing had been.
 *
 *   -- expect: ended | failed: TEXT | refused: TEXT | exit 86 | killed by cpu limit
 *   -- memory: BYTES    instead of 64 MiB */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "fsio.h"
#include "pool.h"
#include "site.h"
#include "siteint.h"

#define SCRIPT_LIMIT (1 << 20)
#define PATIENCE_MS  40000

/* ---- what a script says of itself ---- */

/* The value of a header line, cut at the end of the line. */
static bool header(const keel_buf *script, const char *name, char out[256]) {
    const char *at = memmem(script->data, script->len, name, strlen(name));
    if (!at) {
        return false;
    }
    at += strlen(name);
    snprintf(out, 256, "%.*s", (int)strcspn(at, "\n"), at);
    return true;
}

typedef struct expectation {
    const char *line;     /* how the header begins; what follows is to be in the reason */
    const char *state;    /* of the run */
    const char *words[2]; /* one of them is in the reason as well; NULL: none */
} expectation;

static const expectation expectations[] = {
    {"ended", "ended", {NULL, NULL}},
    {"failed: ", "failed", {NULL, NULL}},
    {"refused: ", "failed", {NULL, NULL}},
    {"exit 86", "failed", {"its executor needed more memory than its manifest lets it", NULL}},
    {"killed by cpu limit",
     "failed",
     {"without a call, and was killed",
      "its executor was killed for taking too long before it was ready"}},
};

static void check_reason(site *s, const char *line, const char *state, const char *reason) {
    for (size_t i = 0; i < sizeof expectations / sizeof *expectations; i++) {
        const expectation *e = &expectations[i];
        size_t len = strlen(e->line);
        if (strncmp(line, e->line, len) != 0) {
            continue;
        }
        bool said = !e->words[0] || strstr(reason, e->words[0]) ||
                    (e->words[1] && strstr(reason, e->words[1]));
        if (strcmp(state, e->state) != 0 || !said || !strstr(reason, line + len)) {
            site_fault(s, "expected: %s; the run is %s: %s", line, state, reason);
        }
        return;
    }
    site_fault(s, "a header that is not known: %s", line);
}

/* ---- the run ---- */

static void install(site *s, const char *folder, const keel_buf *script) {
    char path[400], memory[256];
    site_make(s, folder, getenv("KEEL_WORKSPACE"));
    snprintf(path, sizeof path, "%s/agents/hostile/hostile.lua", s->root);
    if (fsio_write_atomic(path, script->data, script->len, 0600, NULL)) {
        site_fault(s, "%s cannot be written", path);
    }
    if (header(script, "-- memory: ", memory)) {
        char manifest[256];
        snprintf(manifest, sizeof manifest,
                 "id: org.example.hostile\nname: hostile\nkind: agent\nversion: 1.0.0\n"
                 "entry: hostile.lua\nmemory: %ld MiB\n",
                 (strtol(memory, NULL, 10) + (1 << 20) - 1) >> 20);
        site_put(s, "agents/hostile/manifest.yaml", manifest);
    }
}

/* Waits until the run is over; the kernel must answer all the while. false: it does not end. */
static bool await_end(site *s, const char *agent) {
    for (int waited = 0; waited < PATIENCE_MS; waited += 10) {
        if (*site_query(s, "SELECT 1 FROM run WHERE agent = ? AND state NOT IN ('open', 'paused')",
                        agent)) {
            return true;
        }
        if (site_ask(s, "status", NULL) != SITE_ANSWERED) {
            return site_fault(s, "the kernel does not answer while %s runs", agent);
        }
        site_sleep_us(10000);
    }
    return site_fault(s, "%s does not end", agent);
}

static bool run_agent(site *s, const char *agent) {
    char request[64], args[128];
    snprintf(request, sizeof request, "do-%s-1", agent);
    snprintf(args, sizeof args, "{\"agent\":\"%s\",\"input\":{}}", agent);
    return site_say(s, request, "do", args) == SITE_ANSWERED
               ? await_end(s, agent)
               : site_fault(s, "do %s: %s", agent, site_refusal);
}

static void run_script(const void *arg, const char *folder, keel_buf *problem, keel_buf *detail) {
    const char *path = arg;
    char line[256] = "", state[32], reason[1024];
    keel_buf script = KEEL_BUF_INIT;
    site s;
    if (fsio_read(path, SCRIPT_LIMIT, &script, NULL) || !header(&script, "-- expect: ", line)) {
        keel_buf_printf(problem, "%s has no `-- expect:`", path);
        return;
    }
    install(&s, folder, &script);
    if (site_up_plain(&s) && run_agent(&s, "hostile")) {
        snprintf(state, sizeof state, "%s",
                 site_query(&s, "SELECT state FROM run WHERE agent = 'hostile'", NULL));
        snprintf(reason, sizeof reason, "%s",
                 site_query(&s, "SELECT reason FROM run WHERE agent = 'hostile'", NULL));
        check_reason(&s, line, state, reason);
        if (run_agent(&s, "good") &&
            site_count(&s, "SELECT count(*) FROM run WHERE agent = 'good' AND state = 'ended'") !=
                1) {
            site_fault(&s, "a good agent does not run after it");
        }
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
    keel_buf_free(&script);
}

/* ---- all of them ---- */

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_script(const struct dirent *e) {
    size_t len = strlen(e->d_name);
    return len > 4 && !strcmp(e->d_name + len - 4, ".lua");
}

/* hostile FOLDER [TEXT]: only scripts with TEXT in their name. */
int main(int argc, char **argv) {
    struct dirent **found;
    int n = argc > 1 ? scandir(argv[1], &found, is_script, by_name) : -1;
    if (digest_init() || n <= 0) {
        fprintf(stderr, "hostile: no scripts there\n");
        return 2;
    }
    pool_only(argc > 2 ? argv[2] : NULL);
    keel_buf *paths = keel_alloc((size_t)n * sizeof *paths);
    for (int i = 0; i < n; i++) {
        paths[i] = (keel_buf)KEEL_BUF_INIT;
        keel_buf_printf(&paths[i], "%s/%s", argv[1], found[i]->d_name);
        pool_add(found[i]->d_name, run_script, paths[i].data);
    }
    pool_run();
    for (int i = 0; i < n; i++) {
        keel_buf_free(&paths[i]);
        free(found[i]);
    }
    free(paths);
    free(found);
    return pool_end();
}
