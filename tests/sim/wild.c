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

/* ---- what connectors say ---- */

typedef struct told {
    simulation *s;
    uint32_t number;
    uint64_t ref;
    bool network, write; /* or it takes back */
    const plan_verb *verb;
    size_t entry;
} told;

static void say(const told *t, bool ok, const char *body) {
    sim_reply(&t->s->w, t->number, t->ref, ok, body);
}

/* What it made of it has the key for its name: who takes it back has to say that. */
static void say_done(const told *t) {
    char result[100] = "{\"result\":{\"id\":1}}";
    if (t->write) {
        wild_result(&t->s->wild.entries[t->entry], result);
    }
    say(t, true, result);
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
        say_done(t);
        break;
    case WILD_DO_TWICE:
        say_done(t);
        say(t, true, "{\"result\":{\"id\":2}}");
        break;
    case WILD_DO_SLOWLY:
        wild_pend(s, (wild_pending){.due_us = s->w.clock + (int64_t)(1 + roll(s, 70)) * SECOND,
                                    .entry = t->entry,
                                    .executor = t->number,
                                    .write = t->write,
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
    bool undo = t->write && s->wild.entries[t->entry].takes_back;
    if (s->calm || chance(s, undo ? 30 : 50)) {
        return WILD_DO;
    }
    wild_act act = (wild_act)roll(s, t->network && t->write ? WILD_ACTS : WILD_ACTS_ANYWHERE);
    if (!t->network && act == WILD_LOST) {
        return WILD_DIE; /* what a folder has not got will not come */
    }
    if (act == WILD_LATER && t->verb->class != CLASS_ONCE && !t->verb->settle_us &&
        t->verb->class != CLASS_REPEATABLE) {
        return WILD_LOST; /* it promises to have it at once or never */
    }
    return act;
}

/* It will be applied within what the resource promises: before a look can prove that it was not. */
static void apply_later(const told *t) {
    const plan_verb *v = t->verb;
    const wild_entry *e = &t->s->wild.entries[t->entry];
    int64_t within = v->settle_us ? v->settle_us : HOUR;
    int64_t known = e->applied ? v->window_us - (t->s->w.clock - e->first_us) : v->window_us;
    if (v->window_us && known < within) {
        within = known; /* nor when it may have forgotten the key */
    }
    uint64_t most = within > SECOND ? (uint64_t)(within - SECOND) : 1;
    wild_pend(t->s, (wild_pending){.due_us = t->s->w.clock + 1 + (int64_t)roll(t->s, most),
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
    if (act == WILD_REFUSED || act == WILD_BUSY) {
        t->s->wild.entries[t->entry].refused_us = t->s->w.clock;
    }
    if ((act == WILD_REFUSED || act == WILD_BUSY) && t->network && chance(t->s, 40)) {
        tell_status(t);
    }
    if (applies(act)) {
        wild_apply(t->s, t->entry, t->s->w.clock);
    } else if (act == WILD_LATER) {
        apply_later(t);
    }
    answer(t, act);
}

/* A look tells the truth, or that it cannot; never that what was applied is absent. */
static void reconcile(const told *t, const char *key) {
    simulation *s = t->s;
    char found[140];
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
        snprintf(found, sizeof found,
                 "{\"result\":{\"ref\":{\"id\":\"%s\"},\"state\":\"applied\"}}", key);
        say(t, true, applied ? found : "{\"result\":{\"state\":\"absent\"}}");
    }
}

/* A thing that is not there cannot be taken back, and what it is called has to be right. */
static void takes_back(const told *t, const char *key, keel_json outcome) {
    simulation *s = t->s;
    char id[40] = "";
    const char *of = undoing_sent(s->model, key, outcome);
    wild_entry *e = of ? wild_find(&s->wild, of) : NULL;
    keel_json_copy(keel_json_get(outcome, "id"), id, sizeof id);
    if (!e || !e->applied) {
        violate(s, "I1", "key %.8s takes back what was never applied", key);
    } else if (strlen(id) == strlen(e->key) && strcmp(id, e->key) != 0) {
        violate(s, "I4", "key %.8s takes back %.8s, and is told to take back %.8s", key, e->key,
                id);
    } else {
        s->wild.entries[t->entry].takes_back = 1 + (size_t)(e - s->wild.entries);
    }
}

void wild_verb(sim_world *w, uint32_t number, const char *connector, const frame *f) {
    simulation *s = w->owner;
    char verb[16], key[40], resource[32], target[64];
    keel_json body = keel_json_view(f->body, f->len);
    keel_json_copy(keel_json_get(body, "verb"), verb, sizeof verb);
    keel_json_copy(keel_json_get(body, "key"), key, sizeof key);
    keel_json_copy(keel_json_get(body, "resource"), resource, sizeof resource);
    snprintf(target, sizeof target, "%s.%s.%s", connector, resource, verb);
    bool undo = !strcmp(verb, "compensate");
    told t = {.s = s,
              .number = number,
              .ref = f->ref,
              .network = plan_connection_named(&s->plan, connector)->network,
              .write = undo || !strcmp(verb, "write"),
              .verb = plan_target(&s->plan, target)};
    if (!strcmp(verb, "reconcile")) {
        reconcile(&t, key);
    } else if (t.write) {
        model_sent(s, key, keel_json_get(body, "body"));
        t.entry = wild_entry_of(&s->wild, key, target);
        if (undo) {
            takes_back(&t, key, keel_json_get(body, "outcome"));
        }
        if (well(s)) {
            write_verb(&t);
        }
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
    simulation *s = w->owner;
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
