/* Lines of what waits: one for each key of a rate, for each entry of `quiet`, and one for what is to be
 * decided again whatever it waited for. In a line each agent has its turn, with the oldest of its own, so
 * that nobody waits behind another's flood. The first of a line is looked at when its time has come, and
 * no other. */
#include "waits.h"

#include <stdlib.h>
#include <string.h>

#define SECOND       1000000LL
#define AT_ONCE      256 /* in one turn; the rest at once behind it */
#define NOW_LINE     UINT64_MAX
#define UNKNOWN_PAST (NOW_LINE - 1) /* what was sent could not be counted for this policy */
#define QUIET(i)     (UINT64_MAX - 100 - (uint64_t)(i))

/* What waits of one agent, the oldest first. */
typedef struct lane {
    struct lane *next;
    const char *agent; /* of a manifest */
    call *first, *last;
} lane;

struct line {
    timer due; /* wall clock; in kernel.line_times */
    uint64_t key;
    wait_reason reason;
    lane *lanes; /* in the order of their turns */
    size_t count;
};

/* ---- lanes ---- */

static lane **lane_of(line *l, const char *agent) {
    lane **at = &l->lanes;
    while (*at && strcmp((*at)->agent, agent) != 0) {
        at = &(*at)->next;
    }
    return at;
}

static void put_into(line *l, call *c) {
    const char *agent = c->run->plugin->manifest->name;
    lane **at = lane_of(l, agent);
    if (!*at) {
        *at = keel_alloc(sizeof **at);
        **at = (lane){.agent = agent};
    }
    lane *n = *at;
    call *before = n->last;
    while (before && before->opened_us > c->opened_us) {
        before = before->ahead;
    }
    c->ahead = before;
    c->behind = before ? before->behind : n->first;
    *(before ? &before->behind : &n->first) = c;
    *(c->behind ? &c->behind->ahead : &n->last) = c;
    c->line = l;
    l->count++;
}

static void free_lane(lane **at) {
    lane *n = *at;
    *at = n->next;
    free(n);
}

static void take_from(call *c) {
    line *l = c->line;
    lane **at = lane_of(l, c->run->plugin->manifest->name);
    *(c->ahead ? &c->ahead->behind : &(*at)->first) = c->behind;
    *(c->behind ? &c->behind->ahead : &(*at)->last) = c->ahead;
    c->ahead = c->behind = NULL;
    c->line = NULL;
    l->count--;
    if (!(*at)->first) {
        free_lane(at);
    }
}

/* Whose turn it is; the turn is the next agent's then. */
static call *next_of(line *l) {
    lane *n = l->lanes;
    call *c = n->first;
    if (n->next) {
        lane **end = &n->next;
        l->lanes = n->next;
        while (*end) {
            end = &(*end)->next;
        }
        *end = n;
        n->next = NULL;
    }
    return c;
}

/* ---- lines ---- */

static void on_time(kernel *k, timer *t);

static void arm(kernel *k) {
    int64_t due = timers_next(&k->line_times);
    if (due == INT64_MAX) {
        timer_clear(&k->timers, &k->line_timer);
        return;
    }
    int64_t wait = due - kernel_now(k);
    timer_set(&k->timers, &k->line_timer, k->env.boot_us(k->env.ctx) + (wait > 0 ? wait : 0),
              on_time, k);
}

void waits_clock(kernel *k) {
    arm(k);
}

static void drop_line(kernel *k, line *l) {
    timer_clear(&k->line_times, &l->due);
    map_take(&k->lines, l->key);
    free(l);
}

static void enter(kernel *k, call *c, wait_reason reason, uint64_t key, int64_t at_us) {
    line *l = map_get(&k->lines, key);
    if (!l) {
        l = keel_alloc(sizeof *l);
        *l = (line){.key = key, .reason = reason};
        map_put(&k->lines, key, l);
    }
    put_into(l, c);
    if (!l->due.at || at_us < l->due.due) {
        timer_set(&k->line_times, &l->due, at_us, NULL, l);
        arm(k);
    }
}

void waits_leave(kernel *k, call *c) {
    line *l = c->line;
    if (!l) {
        return;
    }
    take_from(c);
    if (!l->count) {
        drop_line(k, l);
        arm(k);
    }
}

/* ---- whether it must ---- */

static bool is_busy(void *ctx, uint64_t key) {
    kernel *k = ctx;
    return map_get(&k->lines, key) != NULL;
}

static void tell(hold_up *out, keel_buf *words) {
    text_cut(out->words, sizeof out->words, words->data ? words->data : "");
    keel_buf_free(words);
}

static size_t in_line(const kernel *k, uint64_t key) {
    const line *l = map_get(&k->lines, key);
    return l ? l->count : 0;
}

static bool hour_is_quiet(kernel *k, const policy_query *q, hold_up *out) {
    const quiet_rule *rule;
    int64_t now = kernel_now(k), until = quiet_until_us(k->world.policy, q, now, &rule);
    if (!rule) {
        return false;
    }
    keel_buf words = KEEL_BUF_INIT;
    *out = (hold_up){.reason = WAIT_QUIET, .at_us = until, .until_us = until};
    out->key = QUIET((uint64_t)(until / SECOND)); /* what ends together goes together */
    quiet_words(rule, &words);
    tell(out, &words);
    return true;
}

static bool rate_is_full(kernel *k, const call *c, const policy_query *q, hold_up *out) {
    bool going = k->going == c, anew = !going && in_line(k, NOW_LINE);
    int64_t now = kernel_now(k);
    pace_sight s;
    pace_take(k->paces, c->paced); /* sent before and not applied: it is no other effect */
    pace_see(k->paces, q, now, going ? NULL : is_busy, k, &s);
    pace_put(k->paces, c->paced);
    if (!s.rate || (s.at_us <= now && !anew && (going || !in_line(k, s.key)))) {
        return false;
    }
    keel_buf words = KEEL_BUF_INIT;
    *out = (hold_up){.reason = WAIT_RATE, .key = s.key, .at_us = s.at_us};
    if (anew && s.at_us <= now) {
        out->key = NOW_LINE; /* behind what is decided again */
    }
    out->until_us = s.at_us + (int64_t)in_line(k, s.key) * s.step_us;
    pace_words(k->world.policy, &s, &words);
    tell(out, &words);
    return true;
}

bool waits_must(kernel *k, call *c, hold_up *out) {
    policy_query q;
    const policy *p = k->world.policy;
    if (c->kind == CALL_SPAWN || !(pace_counts(p, c->target) || quiet_any(p))) {
        return false;
    }
    effect_query(k, c, &q);
    if (hour_is_quiet(k, &q, out)) {
        return true;
    }
    if (!pace_counts(p, c->target) || (k->paces && paces_policy(k->paces) == p)) {
        return pace_counts(p, c->target) && rate_is_full(k, c, &q, out);
    }
    *out = (hold_up){.reason = WAIT_RATE, .key = UNKNOWN_PAST};
    out->at_us = out->until_us = kernel_now(k) + 60 * SECOND;
    text_cut(out->words, sizeof out->words,
             "what was sent could not be counted for this policy: keel policy reload");
    return true;
}

int64_t waits_awake(kernel *k, const call *c, int64_t from_us, int64_t span_us) {
    policy_query q = {0};
    if (c) {
        q.agent = c->run->plugin->manifest->name;
        q.target = c->target;
        q.sink_external = c->verb && c->verb->sink_external;
    }
    return quiet_after_us(k->world.policy, c ? &q : NULL, from_us, span_us);
}

/* ---- waiting ---- */

void waits_begin(kernel *k, call *c, keel_json decision, const hold_up *h) {
    if (c->number) {
        approval_stale(k, c, "it needs nobody any more");
    }
    if (c->state != EFFECT_WAITING || c->reason != h->reason) {
        effect_wait_until(k, c, decision, h);
    }
    enter(k, c, h->reason, h->key, h->at_us);
}

void waits_give_back(kernel *k, call *c, const hold_up *h) {
    if (c->state == EFFECT_INTENDED) {
        effect_held_up(k, c, h);
    }
    timer_clear(&k->timers, &c->timer);
    enter(k, c, h->reason, h->key, h->at_us);
}

void waits_restore(kernel *k, call *c) {
    enter(k, c, c->reason, NOW_LINE, kernel_now(k));
}

/* ---- going ---- */

static void decide(kernel *k, line *l) {
    call *c = next_of(l);
    uint64_t key = l->key;
    waits_leave(k, c);
    k->going = c;
    if (c->state == EFFECT_WAITING) {
        effect_decide(k, c);
    } else {
        effect_again(k, c);
    }
    k->going = NULL;
    l = map_get(&k->lines, key);
    if (l && !l->due.at) {
        int64_t room = l->reason == WAIT_RATE && k->paces ? pace_room_us(k->paces, key) : 0;
        timer_set(&k->line_times, &l->due, room > 0 ? room : kernel_now(k), NULL, l);
    }
}

static void on_time(kernel *k, timer *t) {
    int64_t now = kernel_now(k);
    timer *due;
    (void)t;
    if (k->halted) {
        return; /* resume renews them */
    }
    for (int n = 0; n < AT_ONCE && (due = timers_due(&k->line_times, now)) != NULL; n++) {
        decide(k, due->owner);
    }
    arm(k);
}

/* ---- anew ---- */

static int by_age(const void *a, const void *b) {
    const call *x = *(call *const *)a, *y = *(call *const *)b;
    if (x->opened_us != y->opened_us) {
        return x->opened_us < y->opened_us ? -1 : 1;
    }
    return (x->run->id > y->run->id) - (x->run->id < y->run->id);
}

void waits_renew(kernel *k) {
    size_t count = 0, at = 0, n = 0;
    line *l;
    while ((l = map_next(&k->lines, &at, NULL)) != NULL) {
        count += l->count;
    }
    call **all = keel_alloc((count + 1) * sizeof *all);
    while (k->lines.count) {
        at = 0;
        l = map_next(&k->lines, &at, NULL);
        for (size_t left = l->count; left; left--) {
            all[n++] = l->lanes->first;
            waits_leave(k, l->lanes->first);
        }
    }
    qsort(all, n, sizeof *all, by_age);
    for (size_t i = 0; i < n; i++) {
        enter(k, all[i], all[i]->reason, NOW_LINE, kernel_now(k));
    }
    free(all);
}

void waits_free(kernel *k) {
    size_t at = 0;
    line *l;
    while ((l = map_next(&k->lines, &at, NULL)) != NULL) {
        while (l->lanes) {
            for (call *c = l->lanes->first; c; c = c->behind) {
                c->line = NULL;
            }
            free_lane(&l->lanes);
        }
        free(l);
    }
    map_free(&k->lines);
    timers_free(&k->line_times);
    timer_clear(&k->timers, &k->line_timer);
}
