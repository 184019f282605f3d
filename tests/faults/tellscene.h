/* A scene whose keel.yaml says how people are told. */
#ifndef TELLSCENE_H
#define TELLSCENE_H

#include "scene.h"

#define KEEL(notify)                                                                               \
    "version: 1\nname: sim\nconnections:\n"                                                        \
    "  out: { use: \"org.example.out@1\", config: { folder: \"out\" } }\nnotify:\n" notify
#define BOTH                                                                                       \
    KEEL("  phone: { command: [/bin/push] }\n"                                                     \
         "  operator: { command: [/bin/push, --desk] }\n")
#define ASK                                                                                        \
    "  - { id: asks, on: \"out.*.write\", ask: {}, approval: { expires: 9h, escalate: ["           \
    " { after: 2h, notify: phone }, { after: 4h } ] } }\n"
#define ALLOW  "  - { id: lets, on: \"out.*.write\", allow: {} }\n"
#define SPAWNS "  - { id: spawns, on: run.spawn, allow: {} }\n"
#define MINUTE 60000000LL
#define HOUR   (60 * MINUTE)
#define records(w, n, body)                                                                        \
    number_is(                                                                                     \
        w, "SELECT count(*) FROM journal WHERE kind = 52 AND CAST(body AS TEXT) = '" body "'", n)

static const sim_op once[] = {WRITE("once")};

static inline sim_world *telling(const char *keel_yaml, const char *rules, const sim_op *ops,
                                 size_t count) {
    sim_world *w = scene(rules, ops, count);
    sim_put(w->root, "keel.yaml", keel_yaml);
    scene_restart(w);
    return w;
}

/* Time passes; nothing else happens. */
static inline void wait_for(sim_world *w, int64_t us) {
    w->clock += us;
    kernel_tick(w->kernel);
    sim_run_out(w);
    assert_string_equal(w->fault, "");
}

static inline void notified(sim_world *w, const char *why) {
    sim_notified(w, why);
    sim_run_out(w);
    assert_string_equal(w->fault, "");
}

static inline const sim_notice *last(const sim_world *w) {
    assert_true(w->notice_count > 0);
    return &w->notices[w->notice_count - 1];
}

static inline void says(const sim_world *w, const char *part) {
    if (!strstr(last(w)->body, part)) {
        fail_msg("no %s in %s", part, last(w)->body);
    }
}

static inline void is_silent_on(const sim_world *w, const char *part) {
    if (strstr(last(w)->body, part)) {
        fail_msg("%s in %s", part, last(w)->body);
    }
}

#endif
