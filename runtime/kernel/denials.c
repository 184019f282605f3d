#include "denials.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "short.h"

/* ---- what is the same ---- */

static bool is_none(const digest *d) {
    static const digest none;
    return digest_equal(d, &none);
}

static digest *shapes_room(call *c) {
    if (!c->shapes) {
        c->shapes = keel_alloc(ASKED_SHAPES * sizeof *c->shapes);
    }
    memset(c->shapes, 0, ASKED_SHAPES * sizeof *c->shapes);
    return c->shapes;
}

void denial_asked(kernel *k, call *c, const policy_decision *d) {
    if (!c->undoes) {
        approval_bound(k, c, d, false, &shapes_room(c)[0]);
    }
}

void denial_edited(kernel *k, call *c, const policy_decision *d) {
    if (c->shapes) {
        approval_bound(k, c, d, false, &c->shapes[1]);
    }
}

void denial_put(const call *c, keel_json_writer *w) {
    if (!c->number || !c->shapes) {
        return;
    }
    keel_json_key(w, "shapes");
    keel_json_array(w);
    for (size_t i = 0; i < ASKED_SHAPES && !is_none(&c->shapes[i]); i++) {
        keel_json_hex(w, c->shapes[i].bytes, DIGEST_SIZE);
    }
    keel_json_array_end(w);
}

static size_t read_shapes(keel_json list, digest out[ASKED_SHAPES]) {
    char hex[DIGEST_HEX];
    size_t count = 0;
    for (keel_json_iter it = keel_json_each(list); count < ASKED_SHAPES && keel_json_next(&it);) {
        keel_json_copy(it.value, hex, sizeof hex);
        count += digest_from_hex(&out[count], hex, strlen(hex)) == 0;
    }
    return count;
}

void denial_restore(call *c, keel_json body) {
    keel_json list = keel_json_get(body, "shapes");
    if (keel_json_count(list)) {
        read_shapes(list, shapes_room(c));
    }
}

/* ---- what stands ---- */

static bool covers(const standing_denial *s, const digest *shape) {
    for (size_t i = 0; i < ASKED_SHAPES; i++) {
        if (!is_none(shape) && digest_equal(&s->shapes[i], shape)) {
            return true;
        }
    }
    return false;
}

static standing_denial **find(kernel *k, const digest *shape) {
    standing_denial **at = &k->denials;
    while (*at && (kernel_now(k) >= (*at)->until_us || !covers(*at, shape))) {
        at = &(*at)->next;
    }
    return *at ? at : NULL;
}

static void drop(standing_denial **at) {
    standing_denial *s = *at;
    *at = s->next;
    free(s);
}

/* The oldest give way. */
static void trim(kernel *k) {
    standing_denial **at = &k->denials;
    for (size_t i = 0; *at; i++) {
        if (i >= DENIALS_MOST || kernel_now(k) >= (*at)->until_us) {
            drop(at);
        } else {
            at = &(*at)->next;
        }
    }
}

static standing_denial *put(kernel *k, uint64_t number, uint64_t run_id, const char *path) {
    standing_denial *s = keel_alloc(sizeof *s);
    *s = (standing_denial){.next = k->denials, .number = number, .run = run_id};
    text_cut(s->path, sizeof s->path, path);
    k->denials = s;
    return s;
}

int64_t denial_add(kernel *k, const call *c, const char *by, const char *why) {
    if (!c->shapes) {
        return 0;
    }
    standing_denial *s = put(k, c->number, c->run->id, c->path);
    memcpy(s->shapes, c->shapes, sizeof s->shapes);
    s->at_us = kernel_now(k);
    s->until_us = s->at_us + DENIAL_LASTS_US;
    text_cut(s->by, sizeof s->by, by);
    text_cut(s->why, sizeof s->why, why);
    int64_t until = s->until_us;
    trim(k);
    return until;
}

const standing_denial *denial_of(kernel *k, const call *c, const policy_decision *d) {
    digest shape;
    if (!k->denials || c->undoes) {
        return NULL;
    }
    approval_bound(k, c, d, false, &shape);
    standing_denial **at = find(k, &shape);
    return at ? *at : NULL;
}

static void say(const standing_denial *s, keel_buf *out) {
    char at[32] = "";
    struct tm tm;
    time_t seconds = (time_t)(s->at_us / 1000000);
    if (gmtime_r(&seconds, &tm)) {
        strftime(at, sizeof at, "%Y-%m-%d %H:%M UTC", &tm);
    }
    keel_buf_printf(out,
                    "%s has denied exactly this already, on %s (item %llu): %s. Ask for something "
                    "else; a person lifts it with: keel denial lift %llu",
                    s->by, at, (unsigned long long)s->number, s->why,
                    (unsigned long long)s->number);
}

bool denial_words(kernel *k, const call *c, const policy_decision *d, keel_buf *out) {
    const standing_denial *s = denial_of(k, c, d);
    if (s) {
        say(s, out);
    }
    return s != NULL;
}

bool denial_stops(kernel *k, call *c, const policy_decision *d, keel_json decision) {
    const standing_denial *s = denial_of(k, c, d);
    digest now;
    if (!s || c->approved) {
        return false; /* a consent is the later word */
    }
    if (c->state == EFFECT_WAITING && c->number) {
        approval_digest(k, c, d, &now);
        if (digest_equal(&now, &c->approval)) {
            return false; /* a person is asked already, and sees it */
        }
        approval_stale(k, c, "it has become what a person has denied");
    }
    keel_buf why = KEEL_BUF_INIT;
    say(s, &why);
    effect_denied(k, c, decision, "rejected", d->rule_id, why.data);
    keel_buf_free(&why);
    return true;
}

/* ---- what ends it ---- */

static void lifted(kernel *k, standing_denial **at, const char *by, const char *why) {
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_text(&w, "by", by);
    keel_json_set_int(&w, "lifted", (int64_t)(*at)->number);
    keel_json_set_text(&w, "why", why);
    keel_json_object_end(&w);
    run *r = map_get(&k->runs, (*at)->run);
    if (r) {
        journal_run(k, RECORD_OVERRIDE, r, (*at)->path, &k->scratch);
    } else {
        journal_add(k, RECORD_OVERRIDE, (*at)->run, (*at)->path, &k->scratch);
    }
    drop(at);
}

uint64_t denial_overtaken(kernel *k, const call *c) {
    const digest *as = c->shapes; /* what is approved, and not what it was before it was edited */
    as = as && !is_none(&as[1]) ? &as[1] : as;
    standing_denial **at = as ? find(k, as) : NULL;
    uint64_t number = at ? (*at)->number : 0;
    if (at) {
        drop(at);
    }
    return number;
}

void denials_retried(kernel *k, uint64_t run_id, const char *why) {
    for (standing_denial **at = &k->denials; *at;) {
        if ((*at)->run == run_id) {
            lifted(k, at, "operator", why);
        } else {
            at = &(*at)->next;
        }
    }
}

int command_denial_lift(kernel *k, command *c, diag *d) {
    int64_t n = 0;
    char why[512] = "";
    keel_json_int(keel_json_get(c->args, "number"), &n);
    keel_json_copy(keel_json_get(c->args, "why"), why, sizeof why);
    for (standing_denial **at = &k->denials; *at; at = &(*at)->next) {
        if ((int64_t)(*at)->number == n && kernel_now(k) < (*at)->until_us) {
            lifted(k, at, "operator", why);
            return 0;
        }
    }
    diag_set(d, DIAG_NOT_FOUND, "no denial stands under number %lld", (long long)n);
    return diag_next(d, "see those that do: keel denial list");
}

/* ---- at the start ---- */

enum { COL_NUMBER, COL_RUN, COL_PATH, COL_AT, COL_UNTIL, COL_BY, COL_WHY, COL_SEQ, COL_REST };

/* The newest first. What is left of a record that was erased has its shapes still. */
static const char standing[] =
    "SELECT i.number, i.run, i.path, i.closed_us, i.expires_us, i.closed_by, i.closed_why,"
    " i.args_seq, x.body FROM item i LEFT JOIN erased x ON x.seq = i.args_seq WHERE i.kind = "
    "'approval'"
    " AND i.state = 'denied' AND i.closed_by IS NOT NULL AND i.expires_us > CAST(? AS INTEGER)"
    " ORDER BY i.closed_us DESC, i.number DESC LIMIT 1000";

typedef struct loading {
    kernel *k;
    standing_denial **last;
} loading;

static int on_shapes(void *ctx, const journal_row *row) {
    standing_denial *s = ctx;
    if (row->body.data) {
        read_shapes(keel_json_get(row->body, "shapes"), s->shapes);
    }
    return 0;
}

static int on_denied(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    loading *l = ctx;
    standing_denial *s = keel_alloc(sizeof *s);
    *s = (standing_denial){.number = strtoull(v[COL_NUMBER], NULL, 10),
                           .run = strtoull(v[COL_RUN], NULL, 10),
                           .at_us = strtoll(v[COL_AT], NULL, 10),
                           .until_us = strtoll(v[COL_UNTIL], NULL, 10)};
    text_cut(s->path, sizeof s->path, v[COL_PATH]);
    text_cut(s->by, sizeof s->by, v[COL_BY]);
    text_cut(s->why, sizeof s->why, v[COL_WHY] ? v[COL_WHY] : "");
    if (v[COL_REST]) {
        read_shapes(keel_json_get(keel_json_view(v[COL_REST], strlen(v[COL_REST])), "shapes"),
                    s->shapes);
    } else {
        reader_record(l->k->env.reads, strtoll(v[COL_SEQ], NULL, 10), on_shapes, s, NULL);
    }
    if (is_none(&s->shapes[0])) {
        free(s); /* of a version that remembered none */
        return 0;
    }
    *l->last = s;
    l->last = &s->next;
    return 0;
}

int denials_load(kernel *k, diag *d) {
    char now[24];
    const char *params[] = {now};
    loading l = {k, &k->denials};
    snprintf(now, sizeof now, "%lld", (long long)kernel_now(k));
    return reader_query(k->env.reads, standing, params, 1, on_denied, &l, d);
}

void denials_free(kernel *k) {
    while (k->denials) {
        drop(&k->denials);
    }
}
