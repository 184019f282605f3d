/* What the tests of grants share. */
#ifndef GRANTSCENE_H
#define GRANTSCENE_H

#include "scene.h"

#define SAY(resource, args)                                                                        \
    {                                                                                              \
        "effect", "out." resource ".write",                                                        \
            "{\"args\":{" args "},\"resource\":\"" resource                                        \
            "\",\"use\":\"out\",\"verb\":\"write\"}"                                               \
    }
#define REMEMBER(more)                                                                             \
    "  - { id: asks, on: \"out.*.write\", ask: {}, approval: { expires: 2h, edit: [n],\n"          \
    "      remember: { for: 1h, max_uses: 2" more " } } }\n"

#define asked(w, n)                                                                                \
    number_is(w, "SELECT count(*) FROM item WHERE state = 'open' AND kind = 'approval'", n)

static const sim_op say_a[] = {SAY("once", "\"n\":1,\"text\":\"a\"")};

/* From now on boss does this. */
static inline void program(sim_world *w, const sim_op *ops, size_t count) {
    sim_program *p = (sim_program *)(uintptr_t)w->programs;
    p[0] = (sim_program){"boss", ops, count, NULL, 0};
}

static inline void then(sim_world *w, const sim_op *one) {
    static int runs = 2;
    char request[32];
    program(w, one, 1);
    snprintf(request, sizeof request, "then-%06d", runs++);
    scene_do(w, request);
}

/* What waits under the number is approved, to be remembered. */
static inline void remember(sim_world *w, int64_t number) {
    char args[800], request[32];
    sim_remember(w, number, args);
    snprintf(request, sizeof request, "remember-%lld", (long long)number);
    scene_tell(w, request, "approve", args);
    const sim_answer *a = sim_answered(w, request);
    if (!a || !strstr(a->result, "\"grant\":")) {
        fail_msg("it is not remembered: %s", a ? a->result : "refused");
    }
}

/* say_a was approved to be remembered, and done: grant 1. */
static inline sim_world *remembered(const char *rules) {
    sim_world *w = scene(rules, say_a, 1);
    scene_do(w, "do-000001");
    remember(w, 1);
    number_is(w, "SELECT count(*) FROM grant WHERE number = 1 AND used = 0", 1);
    scene_answer(w, APPLIED);
    return w;
}

#endif
