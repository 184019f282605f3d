/* kill -9 of the executor at every step of a write, and what the connector says afterwards. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "place.h"
#include "trial.h"

#define STEPS    64 /* of one write; more are not tried */
#define REQUESTS 16

/* What a whole write with the trial's key leaves behind. */
typedef struct whole {
    keel_buf state;
    bool names_only; /* two writes of the same key leave other bytes: only names can be compared */
    size_t added;    /* lines of the state */
    int64_t applied, requests;
} whole;

/* Whether the outside keeps, from one attempt to the next, what was done to it: then each needs a key
 * of its own, and what it did is told by how many lines are new. */
static bool outlives(const trial *t) {
    return t->k->plan->state && !t->k->outside;
}

static bool write_whole(trial *t, keel_buf *state, whole *w) {
    said s = {0};
    outside_state a = {0}, b = {0};
    if (outlives(t)) {
        trial_next_key(t);
    }
    bool ok = trial_fresh(t);
    if (ok) {
        outside_look(t->k->outside, &a);
        trial_write(t, &s);
        ok = s.how == SAID_REPLY;
        outside_look(t->k->outside, &b);
        w->applied = b.applied - a.applied;
        w->requests = b.requests - a.requests;
        keel_buf_reserve(state, 1);
        site_state(&t->site, state);
        w->added = place_added(t->before.data, state->data);
    }
    if (!ok && !t->why.len) {
        char text[700];
        trial_fail(t, "the write itself %s", said_text(&s, text, sizeof text));
    }
    said_free(&s);
    return ok;
}

/* Twice, with a second between them: what holds the time differs then. */
static bool learn_whole(trial *t, whole *w) {
    const struct timespec second = {1, 100000000};
    keel_buf again = KEEL_BUF_INIT;
    bool ok =
        write_whole(t, &w->state, w) && nanosleep(&second, NULL) == 0 && write_whole(t, &again, w);
    w->names_only = ok && (again.len != w->state.len || strcmp(again.data, w->state.data) != 0);
    keel_buf_free(&again);
    return ok;
}

typedef enum truth { NOTHING, PART, ALL } truth;

static const char *const truth_words[] = {"nothing was applied", "it was applied in part",
                                          "it was applied"};

/* What the connector may say, given what is so. `where`: "at step 3", for people. */
static kit_verdict judge(trial *t, const char *state, truth so, const char *where) {
    bool applied = !strcmp(state, "applied"), absent = !strcmp(state, "absent");
    if (!*state) {
        return KIT_FAILED;
    }
    if (!strcmp(state, "none") && trial_class(t) == CLASS_CHECKABLE) {
        return trial_fail(t, "the class is checkable, and there is no reconcile");
    }
    if ((applied && so != ALL) || (absent && so == ALL)) {
        return trial_fail(t, "killed %s: %s, and reconcile says %s", where, truth_words[so], state);
    }
    return KIT_PASSED;
}

/* What Keel does next where it is sure that nothing was applied, or that a repeat is harmless. */
static bool sent_again(const trial *t, const char *state) {
    effect_class class = trial_class(t);
    return class == CLASS_KEYED || class == CLASS_REPEATABLE || !strcmp(state, "absent");
}

/* The same by the number of new lines. */
static kit_verdict retry_counted(trial *t, const whole *w, truth so, const char *where,
                                 const char *now) {
    size_t added = place_added(t->before.data, now);
    bool more = so != PART && trial_class(t) != CLASS_REPEATABLE && added > w->added;
    if (added >= w->added && !more) {
        return KIT_PASSED;
    }
    return trial_fail(t,
                      "killed %s (%s), then sent again with the same key: %zu new lines of the "
                      "state, and one write makes %zu",
                      where, truth_words[so], added, w->added);
}

static kit_verdict retry(trial *t, const whole *w, truth so, const char *where) {
    char text[700];
    said s = {0};
    keel_buf now = KEEL_BUF_INIT;
    kit_verdict v = KIT_PASSED;
    trial_write(t, &s);
    keel_buf_reserve(&now, 1);
    site_state(&t->site, &now);
    size_t len = 0;
    bool count = outlives(t);
    const char *less = count ? NULL : place_missing(now.data, w->state.data, w->names_only, &len);
    const char *more = count || so == PART || less || trial_class(t) == CLASS_REPEATABLE
                           ? NULL
                           : place_missing(w->state.data, now.data, w->names_only, &len);
    if (s.how != SAID_REPLY) {
        v = trial_fail(t, "killed %s, then sent again with the same key: it %s", where,
                       said_text(&s, text, sizeof text));
    } else if (count) {
        v = retry_counted(t, w, so, where, now.data);
    } else if (less || more) {
        v = trial_fail(
            t, "killed %s (%s), then sent again with the same key: %s %.*s", where, truth_words[so],
            less ? "not as one write leaves it:" : "one too many:", (int)len, less ? less : more);
    }
    said_free(&s);
    keel_buf_free(&now);
    return v;
}

/* ---- at steps ---- */

static truth truth_of(trial *t, const whole *w) {
    keel_buf now = KEEL_BUF_INIT;
    keel_buf_reserve(&now, 1);
    site_state(&t->site, &now);
    size_t len, added = place_added(t->before.data, now.data);
    if (outlives(t)) {
        keel_buf_free(&now);
        return added == 0 ? NOTHING : added < w->added ? PART : ALL;
    }
    truth so = !place_missing(now.data, w->state.data, w->names_only, &len) ? ALL
               : !strcmp(now.data, t->before.data)                          ? NOTHING
                                                                            : PART;
    keel_buf_free(&now);
    return so;
}

static kit_verdict after_kill(trial *t, const whole *w, const char *where) {
    said s = {0};
    truth so = truth_of(t, w);
    const char *state = trial_class(t) == CLASS_REPEATABLE ? "none" : trial_reconcile(t, &s);
    kit_verdict v = judge(t, state, so, where);
    if (v == KIT_PASSED && sent_again(t, state)) {
        v = retry(t, w, so, where);
    }
    said_free(&s);
    return v;
}

/* What egress had sent before it was told to stop may still be on its way into the service. */
static const struct timespec settling = {0, 100000000};

/* 1: killed there and all is well; 0: the write has fewer steps; -1: it failed. */
static int kill_at(trial *t, const whole *w, int step) {
    char where[32], text[700];
    said s = {0};
    int rc = -1;
    snprintf(where, sizeof where, "at step %d", step);
    if (outlives(t)) {
        trial_next_key(t);
    }
    if (!trial_fresh(t)) {
        return -1;
    }
    t->site.step = step;
    trial_write(t, &s);
    t->site.step = 0;
    if (t->k->net) {
        nanosleep(&settling, NULL);
    }
    if (s.how == SAID_DIED) {
        rc = after_kill(t, w, where) == KIT_PASSED ? 1 : -1;
    } else if (s.how == SAID_REPLY) {
        rc = 0;
    } else {
        trial_fail(t, "the write %s", said_text(&s, text, sizeof text));
    }
    said_free(&s);
    return rc;
}

static kit_verdict kill_steps(trial *t) {
    whole w = {.state = KEEL_BUF_INIT};
    int rc = learn_whole(t, &w) ? 1 : -1, steps = 0;
    while (rc > 0 && steps < STEPS) {
        rc = kill_at(t, &w, steps + 1);
        steps += rc > 0;
    }
    keel_buf_free(&w.state);
    if (rc >= 0 && steps == 0) {
        return trial_skip(t, "it could not be stopped at its steps: ptrace is not allowed here");
    }
    return rc >= 0 ? trial_pass(t, "killed at each of its %d steps", steps) : KIT_FAILED;
}

/* ---- at requests ---- */

typedef struct watched {
    trial *t;
    int64_t until; /* requests that the service has seen */
} watched;

static bool has_come(void *ctx) {
    watched *w = ctx;
    outside_state s;
    return outside_look(w->t->k->outside, &s) == 0 && s.requests >= w->until;
}

static truth service_truth(const whole *w, int64_t applied) {
    return applied >= w->applied ? ALL : applied > 0 ? PART : NOTHING;
}

/* Killed while the service has a request: before it was applied, or after. */
static kit_verdict kill_under(trial *t, const whole *w, int at, bool after) {
    char faults[96], where[64], text[700];
    outside_state a, b;
    said s = {0};
    if (!trial_fresh(t)) {
        return KIT_FAILED;
    }
    snprintf(faults, sizeof faults, "\"at\":%d,\"fault\":\"%s\"", at,
             after ? "hang_after" : "hang");
    snprintf(where, sizeof where, "when request %d was %s", at, after ? "applied" : "sent");
    outside_look(t->k->outside, &a);
    watched look = {t, a.requests + at};
    ask write = {.verb = "write",
                 .resource = t->resource->name,
                 .key = t->key,
                 .body = keel_json_view(t->body.data, t->body.len),
                 .kill_now = has_come,
                 .ctx = &look};
    kit_verdict v = trial_any_faults(t, faults) ? KIT_PASSED : KIT_FAILED;
    kit_site_ask(&t->site, &write, &s);
    trial_no_faults(t);
    outside_look(t->k->outside, &b);
    if (v == KIT_PASSED && s.how != SAID_DIED) {
        v = trial_fail(t, "%s nothing answered it, and it %s", where,
                       said_text(&s, text, sizeof text));
    }
    truth so = service_truth(w, b.applied - a.applied);
    said_free(&s);
    const char *state =
        v == KIT_PASSED && trial_class(t) != CLASS_REPEATABLE ? trial_reconcile(t, &s) : "none";
    v = v == KIT_PASSED ? judge(t, state, so, where) : v;
    if (v == KIT_PASSED && sent_again(t, state)) {
        said_free(&s);
        s = (said){0};
        trial_write(t, &s);
        outside_look(t->k->outside, &b);
        if (trial_class(t) != CLASS_REPEATABLE && b.applied - a.applied > w->applied) {
            v = trial_fail(t, "killed %s, then sent again with the same key: applied twice", where);
        }
    }
    said_free(&s);
    return v;
}

static kit_verdict kill_requests(trial *t) {
    whole w = {.state = KEEL_BUF_INIT};
    kit_verdict v = learn_whole(t, &w) ? KIT_PASSED : KIT_FAILED;
    int count = w.requests < REQUESTS ? (int)w.requests : REQUESTS;
    keel_buf_free(&w.state);
    if (v == KIT_PASSED && count == 0) {
        return trial_skip(t, "the write sends no request");
    }
    for (int i = 1; i <= count && v == KIT_PASSED; i++) {
        v = kill_under(t, &w, i, false);
        v = v == KIT_PASSED ? kill_under(t, &w, i, true) : v;
    }
    return v == KIT_PASSED ? trial_pass(t, "killed at each of its %d requests", count) : v;
}

const check checks_kill[] = {
    {"kill.steps", "killed at each step of a write, it never says what is not so",
     NEED_WRITE | NEED_ORACLE, kill_steps},
    {"kill.requests", "killed at each request of a write, it never says what is not so",
     NEED_WRITE | NEED_SERVICE, kill_requests},
    {0},
};
