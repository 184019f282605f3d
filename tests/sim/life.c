/* One seed, from an empty folder to the last stop. */
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* ---- dice ---- */

static uint64_t mix(uint64_t *state) {
    *state += 0x9e3779b97f4a7c15u; /* splitmix64 */
    uint64_t z = *state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint64_t roll(simulation *s, uint64_t below) {
    return below ? mix(&s->dice) % below : 0;
}

bool chance(simulation *s, int percent) {
    return roll(s, 100) < (uint64_t)percent;
}

/* libsodium's own: salts, signing keys and incarnations follow from the seed too. */
static uint64_t sodium_state;

static const char *sodium_name(void) {
    return "keel-sim";
}

static uint32_t sodium_word(void) {
    return (uint32_t)mix(&sodium_state);
}

static void sodium_bytes(void *const to, const size_t len) {
    uint8_t *p = to;
    for (size_t i = 0; i < len; i++) {
        p[i] = (uint8_t)mix(&sodium_state);
    }
}

static struct randombytes_implementation seeded = {
    .implementation_name = sodium_name,
    .random = sodium_word,
    .buf = sodium_bytes,
};

/* ---- words ---- */

void violate(simulation *s, const char *invariant, const char *format, ...) {
    va_list ap;
    if (s->invariant[0]) {
        return; /* what follows from the first says nothing new */
    }
    snprintf(s->invariant, sizeof s->invariant, "%s", invariant);
    va_start(ap, format);
    vsnprintf(s->words, sizeof s->words, format, ap);
    va_end(ap);
    tell(s, "VIOLATED %s: %s", s->invariant, s->words);
}

void tell(simulation *s, const char *format, ...) {
    va_list ap;
    if (!s->trace) {
        return;
    }
    int64_t us = s->w.clock - s->began;
    printf("%9lld.%03lld  ", (long long)(us / SECOND), (long long)(us % SECOND / 1000));
    va_start(ap, format);
    vprintf(format, ap);
    va_end(ap);
    putchar('\n');
}

/* ---- what the world tells ---- */

static void committed(sim_world *w, const turn *t) {
    simulation *s = w->owner;
    for (size_t i = 0; i < turn_count(t); i++) {
        const record *r = turn_get(t, i);
        journal_row row = {.seq = r->seq,
                           .at = turn_at(t),
                           .run = r->run,
                           .path = r->path,
                           .kind = r->kind,
                           .body = keel_json_view(r->body, r->len)};
        tell(s, "record %lld: run %llu %s %s %.*s", (long long)r->seq, (unsigned long long)r->run,
             r->path, record_kind_name(r->kind), r->len < 160 ? (int)r->len : 160, r->body);
        model_record(s->model, &row);
        s->records++;
    }
}

/* I8: as far as the kernel speaks at all. */
static void listen(simulation *s, const char *where, const char *text, size_t len) {
    if (memmem(text, len, PLAN_CANARY, sizeof PLAN_CANARY - 1)) {
        violate(s, "I8", "the secret is in %s", where);
    }
}

static void answered(sim_world *w, uint64_t ref, const char *body, size_t len) {
    listen(w->owner, "an answer", body, len);
    people_answered(w->owner, ref, body, len);
}

static void logged(sim_world *w, const char *level, uint64_t run, const char *text) {
    listen(w->owner, "the log", text, strlen(text));
    tell(w->owner, "keel: %s: run %llu: %s", level, (unsigned long long)run, text);
}

static const sim_hooks hooks = {
    .verb = wild_verb,
    .comes_up = wild_comes_up,
    .committed = committed,
    .answered = answered,
    .logged = logged,
    .next = wild_next,
    .due = wild_due,
};

/* ---- a life ---- */

static void begin(simulation *s) {
    s->dice = s->seed * 2654435761u + 17;
    sodium_state = s->seed;
    s->w.seed = s->seed;
    s->w.owner = s;
    s->w.hooks = &hooks;
    s->w.clock = s->began = 1700000000000000;
    s->w.outside.network = true; /* egress's frames overtake those of others */
    s->w.disk = crash_disk_create("sim", s->seed);
    s->model = model_create(s);
    plan_make(s);
}

/* Everything that went wrong is over: what is open comes to its end. */
static void calm_down(simulation *s) {
    tell(s, "weather: calm from here on");
    s->calm = true;
    if (s->w.egress_deaf) {
        sim_egress_kill(&s->w); /* what it did not hear it will not hear later */
    }
    if (alive(s) && crash_disk_struck(s->w.disk)) { /* this life is over, and has not seen it yet */
        weather_fall(s);
        weather_up(s);
    } else if (alive(s)) {
        crash_disk_arm(s->w.disk, 0, CRASH_LOSE);
    }
    for (int i = 0; i < 400 && alive(s); i++) {
        run_out(s, 30 * SECOND);
        if (i < 20 && alive(s) && chance(s, s->regret)) {
            people_take_back_any(s);
            continue;
        }
        if (!alive(s) || (i < 100 && people_see_to(s))) {
            continue; /* before it expires */
        }
        run_out(s, 4000 * DAY);
        if (!alive(s) || !people_settle(s)) {
            return;
        }
    }
    if (!well(s)) {
        return;
    }
    violate(s, "I9", "people and Keel never come to an end");
}

static int on_record(void *ctx, const journal_row *row) {
    keel_buf *b = ctx;
    keel_buf_printf(b, "%lld %lld %llu %s %d ", (long long)row->seq, (long long)row->at,
                    (unsigned long long)row->run, row->path, (int)row->kind);
    keel_buf_append(b, row->body.data, row->body.len);
    return 0;
}

static void digest_journal(simulation *s) {
    keel_buf all = KEEL_BUF_INIT;
    diag d = {0};
    if (s->w.store && reader_scan(store_reader(s->w.store), 1, on_record, &all, &d)) {
        violate(s, "I7", "%s", d.what);
    }
    s->journal = digest_of(all.data ? all.data : "", all.len);
    keel_buf_free(&all);
}

bool sim_simulate(simulation *s) {
    static bool seeded_once;
    if (!seeded_once) {
        seeded_once = true;
        randombytes_set_implementation(&seeded);
        digest_init();
    }
    begin(s);
    s->disk_may_fail = chance(s, 60);
    s->regret = chance(s, 50) ? 0 : 10 + (int)roll(s, 40);
    s->restores = chance(s, 40);
    uint64_t rounds = 6 + roll(s, 40);
    weather_up(s);
    for (uint64_t i = 0; i < rounds && alive(s); i++) {
        if (chance(s, 70)) {
            people_act(s);
        }
        if (alive(s) && chance(s, s->regret)) {
            people_take_back_any(s);
        }
        if (alive(s) && s->restores) {
            restore_act(s);
        }
        s->w.horizon = chance(s, 60) ? 20 * SECOND : HOUR; /* people look before it expires */
        steps(s, roll(s, 40));
        if (alive(s) && chance(s, 50)) {
            weather_act(s);
        }
    }
    if (well(s)) {
        calm_down(s);
    }
    if (alive(s)) {
        invariants_at_rest(s);
    }
    if (well(s) && weather_stop(s)) {
        digest_journal(s);
        sim_end(&s->w);
        invariants_at_end(s);
    }
    return well(s);
}

void sim_finish(simulation *s) {
    sim_end(&s->w);
    crash_disk_destroy(s->w.disk);
    model_destroy(s->model);
    wild_free(&s->wild);
    people_free(s);
    plan_free(s);
    free(s->lost);
}
