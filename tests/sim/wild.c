#include "wild.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol.h"
#include "sim.h"

typedef enum wild_act {
    WILD_DO,          /* applied and answered */
    WILD_DO_SLOWLY,   /* the same, but the answer comes later, or too late */
    WILD_DO_TWICE,    /* answered twice */
    WILD_DO_DIE,      /* applied; the connector dies before it answers */
    WILD_DO_SILENT,   /* applied; the connector hangs */
    WILD_DO_UNKNOWN,  /* applied; the connector says that it does not know; a saved 500 */
    WILD_DO_NONSENSE, /* applied; the answer is not canonical JSON */
    WILD_DO_DEAR,     /* applied; it cost more than was estimated, or the cost is nonsense */
    WILD_DIE,         /* not applied: the connector dies before */
    WILD_LOST,        /* sent, and lost on its way: not applied, not answered */
    WILD_BUSY,        /* not applied, and says so: again later */
    WILD_REFUSED,     /* not applied, and says so for good */
    WILD_ACTS_ANYWHERE,
    WILD_LATER = WILD_ACTS_ANYWHERE, /* sent, not answered; applied some time after */
    WILD_LIE,    /* applied, not answered, and the connector says that it was not */
    WILD_DO_CUT, /* applied; egress dies before it hears of it */
    WILD_CUT,    /* egress dies before a byte is sent */
    WILD_ACTS
} wild_act;

static simulation *of(sim_world *w) {
    return w->owner;
}

/* ---- its log ---- */

static wild_entry *find(const wild *o, const char *key) {
    for (size_t i = 0; i < o->count; i++) {
        if (!strcmp(o->entries[i].key, key)) {
            return &o->entries[i];
        }
    }
    return NULL;
}

static size_t entry_of(wild *o, const char *key, const char *target) {
    wild_entry *e = find(o, key);
    if (!e) {
        o->entries = keel_realloc(o->entries, (o->count + 1) * sizeof *o->entries);
        e = &o->entries[o->count++];
        *e = (wild_entry){.applied = 0};
        snprintf(e->key, sizeof e->key, "%s", key);
        snprintf(e->target, sizeof e->target, "%s", target);
    }
    return (size_t)(e - o->entries);
}

int wild_applied(const wild *o, const char *key) {
    const wild_entry *e = find(o, key);
    return e ? e->applied : 0;
}

bool wild_coming(const wild *o, const char *key) {
    const wild_entry *e = find(o, key);
    return e && e->coming > 0;
}

/* A key that it still remembers is not applied again; one that it forgot is. */
static void apply(simulation *s, size_t i, int64_t now) {
    wild_entry *e = &s->wild.entries[i];
    const plan_resource *r = plan_target(&s->plan, e->target);
    bool known = r->class == CLASS_KEYED && e->applied && now - e->first_us < r->window_us;
    if (known) {
        tell(s, "outside: %s %.8s is a repeat", e->target, e->key);
        return;
    }
    e->first_us = now;
    e->applied++;
    tell(s, "outside: %s %.8s is applied (%d)", e->target, e->key, e->applied);
}

/* ---- what happens of itself ---- */

static void pend(simulation *s, wild_pending p) {
    if (s->wild.pending_count < WILD_PENDING) {
        s->wild.pending[s->wild.pending_count++] = p;
        if (p.applies) {
            s->wild.entries[p.entry].coming++;
        }
    } else if (p.applies) {
        apply(s, p.entry, s->w.clock);
    }
}

static void forget(wild *o, size_t i) {
    if (o->pending[i].applies) {
        o->entries[o->pending[i].entry].coming--;
    }
    o->pending[i] = o->pending[--o->pending_count];
}

int64_t wild_next(sim_world *w) {
    const wild *o = &of(w)->wild;
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < o->pending_count; i++) {
        next = o->pending[i].due_us < next ? o->pending[i].due_us : next;
    }
    return next;
}

void wild_due(sim_world *w) {
    simulation *s = of(w);
    for (size_t i = 0; i < s->wild.pending_count;) {
        wild_pending p = s->wild.pending[i];
        if (p.due_us > w->clock) {
            i++;
            continue;
        }
        forget(&s->wild, i);
        if (p.applies) {
            apply(s, p.entry, p.due_us); /* it was not suspended with us */
        }
        if (p.executor) {
            sim_reply(w, p.executor, p.ref, true, "{\"result\":{\"id\":1}}");
        }
    }
}

void wild_forget_executors(simulation *s) {
    for (size_t i = s->wild.pending_count; i-- > 0;) {
        if (s->wild.pending[i].executor) {
            forget(&s->wild, i);
        }
    }
}

void wild_free(wild *o) {
    free(o->entries);
}

/* ---- what connectors say ---- */

typedef struct told {
    simulation *s;
    uint32_t number;
    uint64_t ref;
    bool network, write;
    const plan_resource *resource;
    size_t entry;
} told;

static void say(const told *t, bool ok, const char *body) {
    sim_reply(&t->s->w, t->number, t->ref, ok, body);
}

static void die(const told *t) {
    sim_kill(&t->s->w, t->number, "killed by signal 9 (Killed)");
}

/* Something leaves over the network. false: egress has gone. */
static bool leaves(const told *t, bool answered) {
    return !t->network || !t->write || sim_egress_request(&t->s->w, t->ref, answered);
}

static void say_dear(const told *t) {
    static const char *const costs[] = {
        "{\"cost\":{\"currency\":\"EUR\",\"micros\":3000000},\"result\":{\"id\":1}}",
        "{\"cost\":{\"currency\":\"EUR\",\"micros\":1},\"result\":{\"id\":1}}",
        "{\"cost\":{\"currency\":\"euros\",\"micros\":-5},\"result\":{\"id\":1}}",
        "{\"cost\":7,\"result\":{\"id\":2}}",
        "{\"kv\":{\"seen\":[1,2]},\"result\":{\"id\":3}}",
        "{\"other\":1}",
    };
    say(t, true, costs[roll(t->s, sizeof costs / sizeof *costs)]);
}

static const char *final_word(simulation *s) {
    static const char *const words[] = {
        "{\"code\":\"invalid\",\"message\":\"it will not have it\"}",
        "{\"code\":\"conflict\",\"message\":\"it was changed\"}",
        "{\"code\":\"denied\",\"message\":\"not for you\"}",
        "{\"code\":\"not_found\",\"message\":\"it is not there\"}",
    };
    return words[roll(s, 4)];
}

/* What it does after the application, or without one. */
static void answer(const told *t, wild_act act) {
    simulation *s = t->s;
    switch (act) {
    case WILD_DO:
        say(t, true, "{\"result\":{\"id\":1}}");
        break;
    case WILD_DO_TWICE:
        say(t, true, "{\"result\":{\"id\":1}}");
        say(t, true, "{\"result\":{\"id\":2}}");
        break;
    case WILD_DO_SLOWLY:
        pend(s, (wild_pending){.due_us = s->w.clock + (int64_t)(1 + roll(s, 70)) * SECOND,
                               .executor = t->number,
                               .ref = t->ref});
        break;
    case WILD_DO_UNKNOWN:
        say(t, false,
            chance(s, 50) ? "{\"code\":\"unknown\",\"message\":\"500\"}"
                          : "{\"code\":\"internal\",\"message\":\"500\"}");
        break;
    case WILD_LOST:
    case WILD_LATER:
        if (chance(s, 50)) {
            say(t, false, "{\"code\":\"timeout\",\"message\":\"no answer\"}");
        } else {
            die(t);
        }
        break;
    case WILD_DO_NONSENSE:
        say(t, true, chance(s, 50) ? "{\"result\":" : "{\"result\": 1}");
        break;
    case WILD_DO_DEAR:
        say_dear(t);
        break;
    case WILD_BUSY:
        say(t, false, "{\"code\":\"retry\",\"message\":\"busy\"}");
        break;
    case WILD_REFUSED:
        say(t, false, final_word(s));
        break;
    case WILD_LIE:
        say(t, false, chance(s, 50) ? "{\"code\":\"retry\",\"message\":\"busy\"}" : final_word(s));
        break;
    case WILD_DO_CUT:
    case WILD_CUT:
        sim_egress_kill(&s->w);
        break;
    case WILD_DO_DIE:
    case WILD_DIE:
        die(t);
        break;
    default: /* WILD_DO_SILENT: until its deadline */
        break;
    }
}

/* What egress tells of the final answer: that it is of no use to come again, or not soon. */
static void tell_status(const told *t) {
    static const int statuses[] = {401, 403, 429, 503};
    sim_world *w = &t->s->w;
    int status = statuses[roll(t->s, 4)];
    for (size_t i = 0; i < SIM_EXECUTORS; i++) {
        if (w->orders[i].ref == t->ref && w->egress) {
            sim_egress_status(w, t->ref, w->orders[i].connection, status,
                              status > 403 ? (int64_t)(1 + roll(t->s, 4000)) : 0);
            return;
        }
    }
}

static bool applies(wild_act act) {
    return act < WILD_DIE || act == WILD_LIE || act == WILD_DO_CUT;
}

/* Sent as far as egress can see, and has it been answered? */
static bool is_sent(simulation *s, wild_act act, bool *answered) {
    *answered = act == WILD_DO || act == WILD_DO_TWICE || act == WILD_DO_DEAR ||
                act == WILD_REFUSED || act == WILD_BUSY || act == WILD_DO_NONSENSE;
    return applies(act) || act == WILD_LOST || act == WILD_LATER || act == WILD_REFUSED ||
           (act == WILD_BUSY && chance(s, 50));
}

static wild_act act_of(const told *t) {
    simulation *s = t->s;
    if (s->calm || chance(s, 50)) {
        return WILD_DO;
    }
    wild_act act = (wild_act)roll(s, t->network && t->write ? WILD_ACTS : WILD_ACTS_ANYWHERE);
    if (!t->network && act == WILD_LOST) {
        return WILD_DIE; /* what a folder has not got will not come */
    }
    if (act == WILD_LATER && t->resource->class != CLASS_ONCE && !t->resource->settle_us &&
        t->resource->class != CLASS_REPEATABLE) {
        return WILD_LOST; /* it promises to have it at once or never */
    }
    return act;
}

/* It will be applied within what the resource promises: before a look can prove that it was not. */
static void apply_later(const told *t) {
    const plan_resource *r = t->resource;
    int64_t within = r->settle_us ? r->settle_us : HOUR;
    if (r->window_us && r->window_us < within) {
        within = r->window_us; /* nor when it may have forgotten the key */
    }
    pend(t->s, (wild_pending){.due_us = t->s->w.clock + 1 +
                                        (int64_t)roll(t->s, (uint64_t)(within - SECOND)),
                              .applies = true,
                              .entry = t->entry});
}

static void write_verb(const told *t) {
    bool answered;
    wild_act act = act_of(t);
    tell(t->s, "outside: %s is told a write, act %d", t->s->wild.entries[t->entry].target, act);
    if (is_sent(t->s, act, &answered) && !leaves(t, answered)) {
        say(t, false, "{\"code\":\"retry\",\"message\":\"nobody there\"}");
        return;
    }
    if ((act == WILD_REFUSED || act == WILD_BUSY) && t->network && chance(t->s, 40)) {
        tell_status(t);
    }
    if (applies(act)) {
        apply(t->s, t->entry, t->s->w.clock);
    } else if (act == WILD_LATER) {
        apply_later(t);
    }
    answer(t, act);
}

/* A look tells the truth, or that it cannot; never that what was applied is absent. */
static void reconcile(const told *t, const char *key) {
    simulation *s = t->s;
    uint64_t what = s->calm ? 9 : roll(s, 12);
    int applied = wild_applied(&s->wild, key);
    tell(s, "outside: a look for %.8s", key);
    if (what == 0) {
        die(t);
    } else if (what == 1) {
        say(t, false, "{\"code\":\"retry\",\"message\":\"busy\"}");
    } else if (what == 2) {
        say(t, true,
            chance(s, 50) ? "{\"result\":{\"state\":\"pending\"}}"
                          : "{\"result\":{\"state\":\"cannot_tell\"}}");
    } else if (what == 3) {
        say(t, true, "{\"result\":[]}");
    } else if (what == 4 && chance(s, 30)) {
        say(t, false, "{\"code\":\"not_implemented\",\"message\":\"it cannot look\"}");
    } else if (what != 5) { /* 5: no answer */
        say(t, true,
            applied ? "{\"result\":{\"ref\":{\"id\":1},\"state\":\"applied\"}}"
                    : "{\"result\":{\"state\":\"absent\"}}");
    }
}

void wild_verb(sim_world *w, uint32_t number, const char *connector, const frame *f) {
    simulation *s = of(w);
    char verb[16], key[40], resource[32], target[64];
    keel_json body = keel_json_view(f->body, f->len);
    keel_json_copy(keel_json_get(body, "verb"), verb, sizeof verb);
    keel_json_copy(keel_json_get(body, "key"), key, sizeof key);
    keel_json_copy(keel_json_get(body, "resource"), resource, sizeof resource);
    snprintf(target, sizeof target, "%s.%s.write", connector, resource);
    told t = {.s = s,
              .number = number,
              .ref = f->ref,
              .network = plan_connection_named(&s->plan, connector)->network,
              .write = !strcmp(verb, "write"),
              .resource = plan_target(&s->plan, target)};
    if (!strcmp(verb, "reconcile")) {
        reconcile(&t, key);
    } else if (t.write) {
        model_sent(s, key, keel_json_get(body, "body"));
        t.entry = entry_of(&s->wild, key, target);
        write_verb(&t);
    } else {
        answer(&t, act_of(&t));
    }
}

static void has_its_way_out(simulation *s, uint32_t number) {
    for (size_t i = 0; i < SIM_EXECUTORS; i++) {
        const sim_executor *x = &s->w.executors[i];
        const plan_connection *c = plan_connection_named(&s->plan, x->agent);
        if (x->number == number && c && c->network && !x->egress) {
            violate(s, "life", "an executor of %s is started without a way out", x->agent);
        }
    }
}

bool wild_comes_up(sim_world *w, uint32_t number) {
    simulation *s = of(w);
    keel_buf b = KEEL_BUF_INIT;
    uint64_t what = s->calm ? 99 : roll(s, 100);
    has_its_way_out(s, number);
    if (what < 3) {
        keel_buf_puts(&b, "{\"message\":\"it will not load\",\"next\":\"mend it\"}");
        sim_to_kernel(w, number, X_REFUSED, 0, 0, &b);
        keel_buf_free(&b);
    } else if (what < 6) {
        sim_kill(w, number, "killed by signal 11 (Segmentation fault)");
    }
    return what >= 7; /* 6: it hangs */
}
