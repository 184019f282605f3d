/* How many effects a second `keel policy backtest` decides again, and how fast SQLite alone reads the
 * same file: bench_backtest FOLDER. The journals are made by the store, with bodies as the kernel writes
 * them: short notes, of which one of twenty is asked for before it goes; and mails of half a kilobyte, one
 * of four of them asked for, whose bodies stand apart from their records. Processor time, since what else
 * the machine does is not what is measured. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backtest.h"
#include "fsio.h"
#include "policy.h"
#include "store.h"

#define RUNS    3000
#define PER_RUN 10
#define ROUNDS  3

static const char manifest_text[] =
    "id: com.example.mail\nkind: connector\nversion: 1.0.0\nentry: mail.lua\nresources:\n  "
    "message:\n"
    "    read: { returns: untrusted }\n"
    "    write: { class: checkable, sink: external }\n    attributes:\n"
    "      to_domain: { of: [to, cc, bcc], fn: domain }\n"
    "      recipients: { of: [to, cc, bcc], fn: count }\n"
    "      body_bytes: { of: [body], fn: length }\n";

static const char policy_text[] =
    "version: 1\n"
    "lists: { own: [studio.example, studio.test] }\n"
    "rules:\n"
    "  - { id: mail, on: inbox.message.write, agents: [author], deny: { recipients: { gt: 3 } },\n"
    "      allow: { to_domain: { in: $own } }, ask: {} }\n"
    "  - { id: mass, on: \"*.message.write\", deny: { recipients: { gt: 20 } } }\n"
    "  - { id: long, on: \"inbox.*\", when: { tainted: true }, ask: { body_bytes: { gt: 400000 } } "
    "}\n"
    "  - { id: large, on: \"inbox.*\", deny: { body_bytes: { gt: 900000 } } }\n";

static void stop(const diag *d) {
    diag_print(stderr, d);
    exit(1);
}

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- a journal ---- */

typedef struct making {
    store *s;
    turn *t;
    policy *policy;
    manifest *mail;
    attr_set *set;
    keel_buf body, args, decision;
    digest plugin;
    int lines; /* of a body */
    int asked; /* one of so many */
} making;

static void commit(making *m) {
    diag d;
    if (store_commit(m->s, m->t, &d)) {
        stop(&d);
    }
    turn_begin(m->t, store_identify(m->s)->next_seq, INT64_C(1700000000000000));
}

static void add(making *m, record_kind kind, uint64_t run, const char *path) {
    turn_add(m->t, kind, run, path, m->body.data, m->body.len);
    keel_buf_clear(&m->body);
}

/* What an earlier policy said: the same, by a rule of another file. */
static void decide(making *m, int n) {
    keel_buf_clear(&m->args);
    keel_buf_printf(&m->args, "{\"body\":\"");
    for (int i = 0; i < m->lines; i++) {
        keel_buf_printf(&m->args, "Line %d of mail %d, with as many words as such lines have. ", i,
                        n);
    }
    keel_buf_printf(&m->args, "\",\"subject\":\"Mail %d\",\"to\":[\"x%d@%s\"]}", n, n,
                    n % m->asked ? "studio.example" : "client.example");
    attr_set_fill(m->set, manifest_find(m->mail, "message"),
                  keel_json_view(m->args.data, m->args.len));
    policy_query q = {.agent = "author",
                      .target = "inbox.message.write",
                      .class = CLASS_CHECKABLE,
                      .sink_external = true};
    policy_decision was;
    q.attrs = attr_set_list(m->set, &q.attr_count);
    policy_decide(m->policy, &q, &was);
    keel_buf_clear(&m->decision);
    policy_explain(m->policy, &q, &was, &m->decision);
}

static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";

static void waiting(making *m, uint64_t run, const char *path, int n) {
    keel_buf_printf(&m->body,
                    "{\"approval\":\"%s\",\"args\":%s,\"call\":\"%016d\",\"class\":\"checkable\","
                    "\"connector\":\"com.example.mail@1.0.0\",\"decision\":%s,\"digest\":\"%s\","
                    "\"expires_us\":1700000900000000,\"number\":%d,\"reason\":\"approval\","
                    "\"target\":\"inbox.message.write\"}",
                    zeros, m->args.data, n, m->decision.data, zeros, n);
    add(m, RECORD_EFFECT_WAITING, run, path);
}

static void effect(making *m, uint64_t run, int step, int n) {
    char path[16], args[4096] = "";
    bool asked = n % m->asked == 0;
    snprintf(path, sizeof path, "%d", step);
    decide(m, n);
    if (asked) {
        waiting(m, run, path, n);
    } else {
        snprintf(args, sizeof args, "\"args\":%s,", m->args.data);
    }
    keel_buf_printf(&m->body,
                    "{%s\"attempt\":1,\"call\":\"%016d\",\"class\":\"checkable\","
                    "\"connector\":\"com.example.mail@1.0.0\",\"decision\":%s,\"digest\":\"%s\","
                    "\"holds\":[],\"key\":\"%032d\",\"target\":\"inbox.message.write\"}",
                    args, n, m->decision.data, zeros, n);
    add(m, RECORD_EFFECT_INTENDED, run, path);
    keel_buf_printf(&m->body,
                    "{\"attempt\":1,\"call\":\"%016d\",\"result\":{\"id\":\"mail-%d\"},"
                    "\"settled\":[],\"target\":\"inbox.message.write\"}",
                    n, n);
    add(m, RECORD_EFFECT_DONE, run, path);
}

static void host(making *m) {
    char plugin[DIGEST_HEX], file[DIGEST_HEX];
    digest artifact = digest_of(manifest_text, sizeof manifest_text - 1);
    m->plugin = digest_of("plugin", 6);
    digest_hex(&m->plugin, plugin);
    digest_hex(&artifact, file);
    store_boot_body(m->s, &m->body);
    add(m, RECORD_BOOT, 0, "");
    turn_artifact(m->t, &artifact, manifest_text, sizeof manifest_text - 1);
    keel_buf_printf(&m->body,
                    "{\"digest\":\"%s\",\"files\":[{\"digest\":\"%s\",\"name\":\"manifest.yaml\"}],"
                    "\"id\":\"com.example.mail\",\"kind\":\"connector\",\"name\":\"mail\","
                    "\"version\":\"1.0.0\"}",
                    plugin, file);
    add(m, RECORD_PLUGIN, 0, "");
    keel_buf_printf(&m->body,
                    "{\"config\":{},\"digest\":\"%s\",\"name\":\"inbox\","
                    "\"plugin\":\"com.example.mail\",\"version\":\"1.0.0\"}",
                    plugin);
    add(m, RECORD_CONNECTION, 0, "");
    commit(m);
}

static void make_journal(making *m) {
    char plugin[DIGEST_HEX];
    host(m);
    digest_hex(&m->plugin, plugin);
    for (int run = 1; run <= RUNS; run++) {
        keel_buf_printf(&m->body,
                        "{\"agent\":\"author\",\"depth\":0,\"input\":{},\"plugin\":\"%s\","
                        "\"root\":%d,\"version\":\"1.0.0\"}",
                        plugin, run);
        add(m, RECORD_RUN_BEGIN, (uint64_t)run, "");
        for (int step = 1; step <= PER_RUN; step++) {
            effect(m, (uint64_t)run, step, run * PER_RUN + step);
        }
        keel_buf_printf(&m->body, "{\"result\":null,\"state\":\"ended\"}");
        add(m, RECORD_RUN_END, (uint64_t)run, "");
        if (run % 50 == 0) {
            commit(m);
        }
    }
    commit(m);
}

/* ---- the measure ---- */

static int nothing(void *ctx, const journal_row *row) {
    (void)ctx;
    (void)row;
    return 0;
}

static double best_of(double a, double b) {
    return a == 0 || b < a ? b : a;
}

static void measure(const char *db, const policy *p, const char *name) {
    static const backtest_hooks none = {NULL, NULL, NULL};
    double took = 0, reading = 0;
    diag d;
    for (int i = 0; i < ROUNDS; i++) {
        reader *r = NULL;
        backtest_report report;
        if (reader_open(&r, db, NULL, &d)) {
            stop(&d);
        }
        double from = now_s();
        if (backtest_run(r, p, 0, &none, &report, &d)) {
            stop(&d);
        }
        took = best_of(took, now_s() - from);
        if (report.decided != RUNS * PER_RUN || report.changed[BACKTEST_ALLOWED] ||
            report.asked_now != report.asked_then || report.asked_now == 0) {
            fputs("the backtest does not say what it is expected to\n", stderr);
            exit(1);
        }
        from = now_s();
        if (reader_scan(r, 1, nothing, NULL, &d)) {
            stop(&d);
        }
        reading = best_of(reading, now_s() - from);
        reader_close(r);
    }
    printf("backtest_%sper_s %.0f\n", name, RUNS * PER_RUN / took);
    printf("reading_%sper_s %.0f\n", name, RUNS * PER_RUN / reading);
}

static void play(const char *folder, const char *name, int lines, int asked) {
    diag d;
    char db[4096], anchor[4096], key[4096];
    making m = {.set = attr_set_create(), .lines = lines, .asked = asked};
    policy_source source = {"policies/mail.yaml", policy_text, sizeof policy_text - 1};
    snprintf(db, sizeof db, "%s/keel.db", folder);
    snprintf(anchor, sizeof anchor, "%s/anchor", folder);
    snprintf(key, sizeof key, "%s/key", folder);
    store_options o = {
        .path = db, .anchor = anchor, .key = key, .create = true, .own_anchor = true};
    if (fsio_mkdirs(folder, 0700, &d) || store_open(&m.s, &o, &d) ||
        policy_compile(&m.policy, &source, 1, NULL, NULL, NULL, &d) ||
        manifest_parse(&m.mail, "manifest.yaml", manifest_text, sizeof manifest_text - 1, &d)) {
        stop(&d);
    }
    m.t = turn_create();
    turn_begin(m.t, store_identify(m.s)->next_seq, INT64_C(1700000000000000));
    make_journal(&m);
    turn_destroy(m.t);
    store_close(m.s);
    measure(db, m.policy, name);
    policy_destroy(m.policy);
    manifest_destroy(m.mail);
    attr_set_destroy(m.set);
    keel_buf_free(&m.body);
    keel_buf_free(&m.args);
    keel_buf_free(&m.decision);
    if (fsio_remove_tree(AT_FDCWD, folder, &d)) {
        stop(&d);
    }
}

int main(int argc, char **argv) {
    if (argc != 2 || digest_init()) {
        fputs("usage: bench_backtest FOLDER\n", stderr);
        return 2;
    }
    play(argv[1], "", 1, 20);
    play(argv[1], "mail_", 8, 4);
    return 0;
}
