#include "ramp_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy_world.h"
#include "ramp.h"

typedef struct world {
    policy_world world;
    policy *p;
    attr_set *sets[MOST];
    char *args[MOST];
    ramp_effect effects[MOST];
    size_t count;
} world;

static policy *compile(const policy_world *w, const char *bands, const char *target) {
    keel_buf text = KEEL_BUF_INIT;
    policy *p = NULL;
    diag d = {0};
    const char *more = strstr(bands, ", +");
    int n = more ? (int)(more - bands) : (int)strlen(bands);
    keel_buf_puts(&text, "version: 1\nlists: { own: [own.example] }\nrules:\n  - { id: r, ");
    if (!more || !strstr(more, "+on")) {
        keel_buf_printf(&text, "on: %s, ", target);
    }
    if (!more) {
        keel_buf_puts(&text, "agents: [a], ");
    } else if (strcmp(more, ", +agents:") != 0) {
        keel_buf_printf(&text, "%s, ", more + 3);
    }
    keel_buf_printf(&text, "%.*s }\n", n, bands);
    policy_source source = {"p.yaml", text.data, text.len};
    if (policy_compile(&p, &source, 1, w, NULL, NULL, &d)) {
        fail_msg("%d:%d: %s\n%s", d.line, d.column, d.what, text.data);
    }
    keel_buf_free(&text);
    return p;
}

static void add(world *w, const char *target, char how, const char *args) {
    const manifest *m = w->world.connections[2].plugin;
    const manifest_resource *r =
        strncmp(target, "inbox", 5) == 0 ? manifest_find(m, "message") : NULL;
    size_t i = w->count++;
    assert_true(i < MOST);
    w->args[i] = keel_strdup(args);
    w->sets[i] = attr_set_create();
    ramp_effect *e = &w->effects[i];
    *e = (ramp_effect){.rule = "r",
                       .resource = r,
                       .standing = how == 'r' || how == 'l' ? RAMP_REFUSED : RAMP_CLEAN,
                       .lost = how == 'l',
                       .at_us = (int64_t)i};
    e->query = (policy_query){.agent = "a",
                              .target = target,
                              .class = CLASS_ONCE,
                              .tainted = how == 't',
                              .level = how == 's' ? SENSITIVITY_RESTRICTED : SENSITIVITY_INTERNAL,
                              .sink_external = true,
                              .reply = how == 'a'   ? REPLY_YES
                                       : how == 'n' ? REPLY_NO
                                                    : REPLY_NONE,
                              .ordered = how == 'u'};
    if (how != 'l') {
        attr_set_fill(w->sets[i], r, keel_json_view(w->args[i], strlen(args)));
        e->query.attrs = attr_set_list(w->sets[i], &e->query.attr_count);
    }
}

static void add_all(world *w, const char *target, const example *x) {
    for (size_t i = 0; i < 6 && x->past[i].times; i++) {
        for (int k = 0; k < x->past[i].times; k++) {
            bool many = strcmp(x->past[i].args, "MANY") == 0;
            bool words = strcmp(x->past[i].args, "WORDS") == 0;
            for (int n = 0; n < (many || words ? 9 : 1); n++) {
                char args[80];
                snprintf(args, sizeof args,
                         many ? "{\"to\":[\"x@n%d.example\"]}" : "{\"id\":\"id-%d\",\"x\":\"b\"}",
                         n);
                add(w, target, x->past[i].how, many || words ? args : x->past[i].args);
            }
        }
    }
}

static void put_found(const ramp_finding *f, keel_buf *out) {
    if (f->code) {
        keel_buf_puts(out, f->code);
        return;
    }
    for (size_t i = 0; i < f->condition_count; i++) {
        const ramp_condition *c = &f->conditions[i];
        keel_buf_printf(out, "%s%s: ", i ? "; " : "", c->attr);
        if (c->was) {
            keel_buf_printf(out, "%s > %s ", c->was, c->op);
        }
        keel_buf_puts(out, c->value);
        for (size_t k = 0; k < c->more_count; k++) {
            keel_buf_printf(out, "%s%s%s", k ? ", " : " (", c->more[k],
                            k + 1 < c->more_count ? "" : ")");
        }
    }
    if (f->band && f->free[0]) {
        keel_buf_printf(out, "; any %s", f->free);
    }
}

/* With its `allow` the rule lets all the approvals through, and no refusal; nothing of tainted runs. */
static bool proves(const world *w, const example *x, const char *target, const ramp_finding *f) {
    keel_buf bands = KEEL_BUF_INIT;
    bool good = true;
    keel_buf_puts(&bands, "allow: { ");
    for (size_t i = 0; i < f->condition_count; i++) {
        keel_buf_printf(&bands, "%s%s: %s", i ? ", " : "", f->conditions[i].attr,
                        f->conditions[i].value);
    }
    keel_buf_printf(&bands, " }, %s", x->bands);
    policy *p = compile(&w->world, bands.data, target);
    for (size_t i = 0; i < f->used_count; i++) {
        policy_query q = w->effects[f->used[i]].query;
        policy_decision now;
        policy_decide(p, &q, &now);
        good = good && now.verdict == POLICY_ALLOW;
        q.tainted = true;
        policy_decide(p, &q, &now);
        good = good && now.verdict == POLICY_ASK;
        bool most = q.level == SENSITIVITY_RESTRICTED;
        q = w->effects[f->used[i]].query;
        q.level = SENSITIVITY_RESTRICTED;
        policy_decide(p, &q, &now);
        good = good && (most || now.verdict == POLICY_ASK);
    }
    for (size_t i = 0; i < w->count; i++) {
        policy_decision now;
        policy_decide(p, &w->effects[i].query, &now);
        bool later = f->since == SIZE_MAX || w->effects[i].at_us > w->effects[f->since].at_us;
        good =
            good && (w->effects[i].standing == RAMP_CLEAN || !later || now.verdict != POLICY_ALLOW);
    }
    policy_destroy(p);
    keel_buf_free(&bands);
    return good;
}

int ramp_play(const example *x, const char *target) {
    world w = {.world = test_world()};
    ramp_finding *list;
    keel_buf out = KEEL_BUF_INIT;
    int failed = 0;
    w.p = compile(&w.world, x->bands, target);
    add_all(&w, target, x);
    size_t count = ramp_find(w.p, w.effects, w.count, AFTER, &list);
    keel_buf_puts(&out, "");
    assert_true(count <= 1);
    if (count) {
        put_found(&list[0], &out);
        assert_true((list[0].code != NULL) == (list[0].why != NULL));
        assert_true(list[0].code || list[0].used_count >= AFTER);
    }
    const char *wanted = x->found ? x->found
                                  : "to_domain: { in: [b.example] }; recipients: { lte: 1 }; "
                                    "size: { lte: 0 }; client: { present: false }; sink: "
                                    "external; tainted: false; sensitivity: { lte: internal }";
    if (strcmp(out.data, wanted) != 0) {
        print_error("%s\nfound    %s\nexpected %s\n", x->bands, out.data, wanted);
        failed = 1;
    } else if (count && list[0].band && !list[0].code && !proves(&w, x, target, &list[0])) {
        print_error("%s\n%s: lets through too little or too much\n", x->bands, out.data);
        failed = 1;
    }
    ramp_free(list, count);
    policy_destroy(w.p);
    for (size_t i = 0; i < w.count; i++) {
        attr_set_destroy(w.sets[i]);
        free(w.args[i]);
    }
    test_world_free(&w.world);
    keel_buf_free(&out);
    return failed;
}

void ramp_play_nothing(void) {
    ramp_finding *list;
    policy_world w = test_world();
    policy *p = compile(&w, "ask: {}", "c1.r1.write");
    assert_int_equal(ramp_find(p, NULL, 0, AFTER, &list), 0);
    ramp_free(list, 0);
    policy_destroy(p);
    test_world_free(&w);
}
