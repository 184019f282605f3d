/* A connector in C that lies to its kernel and to egress in their own words, and that tries to leave its
 * sandbox, through a real kernel, executors and egress (ordeal.h). Meanwhile and afterwards another
 * connection uses the network as if nothing were. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "egress_web.h"
#include "fsio.h"
#include "ordeal.h"
#include "pool.h"
#include "siteint.h"

#define OBJECT_LIMIT (16 << 20)
#define SECONDS      (ORDEAL_ATTEMPTS * (1 + ORDEAL_SECOND) + ORDEAL_SLACK_S)

typedef struct misdeed {
    const char *resource;
    const char *words[2]; /* all are in what the agent is told; none: it goes well */
    const char *note;     /* what the operator is told of besides, or NULL */
    const char *body;     /* with what, JSON; NULL: {} */
} misdeed;

/* Rows end where the rest is NULL. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

static const misdeed misdeeds[] = {
    {"frame_4gb", {"unavailable: ", "broke the frame protocol"}, NULL},
    {"frame_slow", {NULL}, NULL},
    {"frame_half", {"unavailable: ", "did not answer in time"}, NULL},
    {"frame_flood", {NULL}, NULL},
    {"frame_unknown", {"unavailable: ", "of type 30583, which no executor sends"}, NULL},
    {"chunk_first", {"unavailable: ", "broke the frame protocol"}, NULL},
    {"chunk_ack", {"unavailable: ", "broke the frame protocol"}, NULL},
    {"reply_other", {NULL}, "answered what it was not asked"},
    {"reply_twice", {NULL}, "answered what it was not asked"},
    {"reply_no_json", {"unavailable: ", "was not canonical JSON"}, NULL},
    {"reply_odd", {NULL}, NULL, "0"},
    {"reply_odd", {NULL}, NULL, "1"},
    {"reply_odd", {NULL}, NULL, "2"},
    {"reply_odd", {NULL}, "the cost that its connector named is none", "3"},
    {"reply_odd", {NULL}, "the cost that its connector named is none", "4"},
    {"reply_odd", {NULL}, NULL, "5"},
    {"reply_odd", {NULL}, "nothing was put", "6"},
    {"reply_odd", {NULL}, "nothing was put", "7"},
    {"reply_odd", {"unavailable: ", "its connector's answer was not canonical JSON"}, NULL, "8"},
    {"reply_odd", {"unavailable: ", "its connector's answer was not canonical JSON"}, NULL, "9"},
    {"reply_odd", {NULL}, "the cost that its connector named is none", "10"},
    {"reply_odd", {NULL}, "the cost that its connector named is none", "11"},
    {"reply_odd", {NULL}, NULL, "12"},
    {"ready_again", {NULL}, NULL},
    {"egress_4gb", {NULL}, "was cut off from the network"},
    {"egress_slow", {NULL}, NULL},
    {"egress_flood", {NULL}, NULL},
    {"egress_unknown", {NULL}, "was cut off from the network"},
    {"egress_chunk_first", {NULL}, "was cut off from the network"},
    {"egress_chunk_ack", {NULL}, NULL},
    {"egress_order", {NULL}, NULL},
    {"egress_head", {NULL}, NULL},
    {"egress_stream", {NULL}, NULL},
    {"egress_back", {NULL}, "was cut off from the network"},
    {"egress_use", {NULL}, NULL},
    {"egress_close", {NULL}, NULL},
    {"daemonise", {"unavailable: ", "a system call that its sandbox forbids"}, NULL},
    {"thread", {"unavailable: ", "a system call that its sandbox forbids"}, NULL},
    {"close_all", {"unavailable: "}, NULL},
    {"jump", {"unavailable: ", "was killed by signal"}, NULL},
    {"overflow", {"unavailable: ", "was killed by signal 11"}, NULL},
    {"ten_gb", {NULL}, NULL},
    {"timers", {NULL}, NULL},
    {"kill_self", {"unavailable: ", "was killed by signal 9"}, NULL},
    {"stop_self", {"unavailable: ", "did not answer in time"}, NULL},
    {"kill_parent", {"unavailable: ", "a system call that its sandbox forbids"}, NULL},
    {"trace_parent", {"unavailable: ", "a system call that its sandbox forbids"}, NULL},
    {"proc", {NULL}, NULL},
    {"run_memory", {"unavailable: ", "a system call that its sandbox forbids"}, NULL},
    {"page_lies", {NULL}, NULL},
};

static void install(ordeal *o, const char *folder, web *server) {
    char from[400], to[400], text[600];
    keel_buf bytes = KEEL_BUF_INIT;
    ordeal_make(o, folder);
    snprintf(from, sizeof from, "%s/abi_hostile.so", getenv("KEEL_ABI"));
    snprintf(to, sizeof to, "%s/connectors/bad/abi.so", o->s.root);
    if (fsio_read(from, OBJECT_LIMIT, &bytes, NULL) ||
        fsio_write_atomic(to, bytes.data, bytes.len, 0700, NULL)) {
        site_fault(&o->s, "%s cannot be copied", from);
    }
    keel_buf_free(&bytes);
    web_start(server);
    snprintf(text, sizeof text,
             "version: 1\nname: doors\nlimits: { wall: 5s, cpu: 800ms }\nconnections:\n"
             "  bad: { use: com.example.abi@1, config: { base: \"http://127.0.0.1:%u\", folder: "
             "grant } }\n"
             "  fine: { use: com.example.fine@1, config: { base: \"http://127.0.0.1:%u\" } }\n",
             server->port, server->port);
    site_put(&o->s, "keel.yaml", text);
    site_put(&o->s, "grant/here.txt", "here");
}

static void check_told(ordeal *o, const misdeed *m) {
    if (strcmp(o->state, m->words[0] ? "failed" : "ended") != 0) {
        site_fault(&o->s, "the run is %s: %s", o->state, o->reason);
    }
    for (size_t i = 0; i < 2 && m->words[i]; i++) {
        if (!strstr(o->reason, m->words[i])) {
            site_fault(&o->s, "\"%s\" is not in what the agent is told: %s", m->words[i],
                       o->reason);
        }
    }
    if (m->words[1] && !strstr(m->words[1], "answer")) { /* it died of it */
        ordeal_told(o, "com.example.abi", (const char *[]){"its executor ", NULL});
    }
    if (m->note) {
        ordeal_told(o, strncmp(m->note, "was cut", 7) == 0 ? "Executor" : "",
                    (const char *[]){m->note, NULL});
    }
}

static void run_misdeed(const void *arg, const char *folder, keel_buf *problem, keel_buf *detail) {
    const misdeed *m = arg;
    char input[160];
    ordeal o;
    web server;
    install(&o, folder, &server);
    snprintf(input, sizeof input, "{\"body\":%s,\"resource\":\"%s\"}", m->body ? m->body : "{}",
             m->resource);
    if (ordeal_run(&o, "asker", input, SECONDS)) {
        check_told(&o, m);
        if (atomic_load(&server.requests) < 1) {
            site_fault(&o.s, "the good connection sent nothing");
        }
    }
    ordeal_end(&o, "asker", problem, detail);
}

/* doors [TEXT]: only those with TEXT in their name. */
int main(int argc, char **argv) {
    if (digest_init() || !getenv("KEEL_ABI")) {
        fprintf(stderr, "KEEL_ABI is not set: run this by `./dev test`\n");
        return 2;
    }
    pool_only(argc > 1 ? argv[1] : NULL);
    for (size_t i = 0; i < sizeof misdeeds / sizeof *misdeeds; i++) {
        const misdeed *m = &misdeeds[i];
        char name[64];
        snprintf(name, sizeof name, "%s%s%s", m->resource, m->body ? " " : "",
                 m->body ? m->body : "");
        pool_add(name, run_misdeed, m);
    }
    pool_run();
    return pool_end();
}
