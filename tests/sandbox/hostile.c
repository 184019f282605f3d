/* Hostile scripts through a real kernel and its sandboxed executor, under short limits: each ends as
 * its first lines say, in words that a person understands; see ordeal.h for what else must hold.
 *
 *   hostile agents|connectors FOLDER [TEXT]    only scripts with TEXT in their name
 *
 *   -- expect: ended | failed: TEXT | refused: TEXT | exit 86 | killed by cpu limit | overdue
 *   -- memory: BYTES    instead of 64 MiB
 *   -- log: TEXT        a warning that names the plugin and says this is in the kernel's log
 *   -- grant: FILE      of connectors: this file of the folder "grant" is there afterwards */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "digest.h"
#include "egress_web.h"
#include "fsio.h"
#include "ordeal.h"
#include "pool.h"
#include "siteint.h"

#define SCRIPT_LIMIT (1 << 20)

static bool connectors; /* else agents */

/* ---- what a script says of itself ---- */

typedef struct expectation {
    const char *line;     /* how the header begins; what follows is to be in the reason */
    const char *state;    /* of the run */
    const char *words[2]; /* one of them is in the reason as well; NULL: none */
    double seconds;       /* in what time it is over */
} expectation;

#define ONCE    (ORDEAL_WALL_S + ORDEAL_SECOND + ORDEAL_SLACK_S)
#define STRIKES (ORDEAL_STRIKES * (ORDEAL_WALL_S + ORDEAL_SECOND) + ORDEAL_SLACK_S)
#define READS   (ORDEAL_ATTEMPTS * (1 + ORDEAL_SECOND) + ORDEAL_SLACK_S)

static const expectation expectations[] = {
    {"ended", "ended", {NULL, NULL}, ONCE},
    {"failed: ", "failed", {NULL, NULL}, ONCE},
    {"refused: ", "failed", {NULL, NULL}, STRIKES},
    {"exit 86",
     "failed",
     {"its executor needed more memory than its manifest lets it",
      "needed more memory than its manifest lets it"},
     STRIKES},
    {"overdue", "failed", {"did not answer in time and was killed", NULL}, READS},
    {"killed by cpu limit",
     "failed",
     {"without a call, and was killed",
      "its executor was killed for taking too long before it was ready"},
     STRIKES},
};

static const expectation *expected(const char *line) {
    for (size_t i = 0; i < sizeof expectations / sizeof *expectations; i++) {
        if (strncmp(line, expectations[i].line, strlen(expectations[i].line)) == 0) {
            return &expectations[i];
        }
    }
    return NULL;
}

static void check_reason(ordeal *o, const expectation *e, const char *line) {
    bool said = !e->words[0] || strstr(o->reason, e->words[0]) ||
                (e->words[1] && strstr(o->reason, e->words[1]));
    if (strcmp(o->state, e->state) != 0 || !said || !strstr(o->reason, line + strlen(e->line))) {
        site_fault(&o->s, "expected: %s; the run is %s: %s", line, o->state, o->reason);
    }
}

static void check_log(ordeal *o, const keel_buf *script) {
    char text[256], path[400];
    if (ordeal_header(script, "-- log: ", text)) {
        ordeal_told(o, connectors ? "com.example.hostile" : "hostile",
                    (const char *[]){text, NULL});
    }
    if (ordeal_header(script, "-- grant: ", text)) {
        snprintf(path, sizeof path, "%s/grant/%.100s", o->s.root, text);
        keel_buf there = KEEL_BUF_INIT;
        if (fsio_read(path, SCRIPT_LIMIT, &there, NULL)) {
            site_fault(&o->s, "%s is not there", path);
        }
        keel_buf_free(&there);
    }
}

/* ---- the run ---- */

static void put_script(ordeal *o, const keel_buf *script) {
    char path[400];
    snprintf(path, sizeof path, "%s/%s/hostile/hostile.lua", o->s.root,
             connectors ? "connectors" : "agents");
    if (fsio_write_atomic(path, script->data, script->len, 0600, NULL)) {
        site_fault(&o->s, "%s cannot be written", path);
    }
}

static void put_memory(ordeal *o, const keel_buf *script) {
    char memory[256], manifest[256];
    if (!connectors && ordeal_header(script, "-- memory: ", memory)) {
        snprintf(manifest, sizeof manifest,
                 "id: org.example.hostile\nname: hostile\nkind: agent\nversion: 1.0.0\n"
                 "entry: hostile.lua\nmemory: %ld MiB\n",
                 (strtol(memory, NULL, 10) + (1 << 20) - 1) >> 20);
        site_put(&o->s, "agents/hostile/manifest.yaml", manifest);
    }
}

static void put_link(ordeal *o, const char *name, const char *to) {
    char path[400];
    snprintf(path, sizeof path, "%s/%s", o->s.root, name);
    if (symlink(to, path)) {
        site_fault(&o->s, "%s cannot be made", path);
    }
}

/* The connection of the scripts, to a server of this process. */
static void put_connection(ordeal *o, unsigned port) {
    char text[600];
    snprintf(text, sizeof text,
             "version: 1\nname: connectors\nlimits: { wall: 8s, cpu: 800ms }\nconnections:\n"
             "  hostile:\n    use: com.example.hostile@1\n    plain: true\n    config: { base: "
             "\"http://127.0.0.1:%u\", lines: \"tcp://127.0.0.1:%u\", folder: grant }\n",
             port, port);
    site_put(&o->s, "keel.yaml", text);
    site_put(&o->s, "grant/here.txt", "here");
    site_put(&o->s, "grant/deep/here.txt", "here");
    site_put(&o->s, "secret/outside.txt", "secret");
    put_link(o, "grant/link", "../secret");
    put_link(o, "grant/deep/link", "../../secret");
    put_link(o, "grant/etc", "/etc");
    put_link(o, "grant/proc", "/proc");
}

static void run_script(const void *arg, const char *folder, keel_buf *problem, keel_buf *detail) {
    const char *path = arg;
    char line[256] = "";
    keel_buf script = KEEL_BUF_INIT;
    const expectation *e = NULL;
    ordeal o;
    web server;
    if (!fsio_read(path, SCRIPT_LIMIT, &script, NULL) &&
        ordeal_header(&script, "-- expect: ", line)) {
        e = expected(line);
    }
    if (!e) {
        keel_buf_printf(problem, "%s has no `-- expect:` that is known", path);
        keel_buf_free(&script);
        return;
    }
    ordeal_make(&o, folder);
    put_script(&o, &script);
    put_memory(&o, &script);
    if (connectors) {
        web_start(&server);
        put_connection(&o, server.port);
    }
    const char *agent = connectors ? "asker" : "hostile";
    if (ordeal_run(&o, agent, "{}", e->seconds)) {
        check_reason(&o, e, line);
        check_log(&o, &script);
    }
    ordeal_end(&o, agent, problem, detail);
    keel_buf_free(&script);
}

/* ---- all of them ---- */

static int is_script(const struct dirent *e) {
    size_t len = strlen(e->d_name);
    return len > 4 && !strcmp(e->d_name + len - 4, ".lua");
}

int main(int argc, char **argv) {
    struct dirent **found;
    int n = argc > 2 ? scandir(argv[2], &found, is_script, alphasort) : -1;
    if (digest_init() || n <= 0) {
        fprintf(stderr, "hostile: no scripts there\n");
        return 2;
    }
    connectors = strcmp(argv[1], "connectors") == 0;
    pool_only(argc > 3 ? argv[3] : NULL);
    keel_buf *paths = keel_alloc((size_t)n * sizeof *paths);
    for (int i = 0; i < n; i++) {
        paths[i] = (keel_buf)KEEL_BUF_INIT;
        keel_buf_printf(&paths[i], "%s/%s", argv[2], found[i]->d_name);
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
