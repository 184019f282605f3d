#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"
#include "sim.h"

static void text(keel_json body, const char *key, char *to, size_t size) {
    to[0] = 0;
    keel_json_copy(keel_json_get(body, key), to, size);
}

static int64_t integer(keel_json body, const char *key) {
    int64_t n = 0;
    keel_json_int(keel_json_get(body, key), &n);
    return n;
}

model *model_create(simulation *s) {
    model *m = keel_alloc(sizeof *m);
    *m = (model){.s = s};
    return m;
}

void model_destroy(model *m) {
    if (m) {
        runs_free(m);
        free(m->effects);
        free(m->items);
        free(m->grants);
        free(m->accounts);
        free(m->requests);
        free(m->prints);
        free(m);
    }
}

model_effect *model_effect_at(const model *m, uint64_t run, const char *path) {
    for (size_t i = m->effect_count; i-- > 0;) {
        if (m->effects[i].run == run && !strcmp(m->effects[i].path, path)) {
            return &m->effects[i];
        }
    }
    return NULL;
}

static model_effect *effect_of(model *m, const journal_row *row) {
    model_effect *e = model_effect_at(m, row->run, row->path);
    if (!e) {
        m->effects = keel_realloc(m->effects, (m->effect_count + 1) * sizeof *m->effects);
        e = &m->effects[m->effect_count++];
        *e = (model_effect){.run = row->run};
        snprintf(e->path, sizeof e->path, "%s", row->path);
    }
    return e;
}

static effect_class class_of(const char *name) {
    int class = CLASS_REPEATABLE;
    while (class > CLASS_NONE && strcmp(effect_class_name((effect_class) class), name) != 0) {
        class --;
    }
    return (effect_class) class;
}

/* ---- effects ---- */

/* I2: what may already have been applied is sent again only where that is harmless. */
static void sent_again(model *m, const journal_row *row, const model_effect *e) {
    const plan_verb *v = plan_target(&m->s->plan, e->target);
    effect_facts f = {.class = e->class,
                      .now_us = row->at,
                      .opened_us = e->opened_at,
                      .window_us = v ? v->window_us : 0};
    bool may = e->class == CLASS_READ || e->class == CLASS_REPEATABLE ||
               (e->class == CLASS_KEYED && rules_key_lives(&f));
    if (!may) {
        violate(m->s, "I2", "%s at %s of run %llu (%s) is sent again, and may have been applied",
                e->target, e->path, (unsigned long long)e->run, effect_class_name(e->class));
    }
}

/* It was looked for under the key of the life before a restore, and is proved absent there. */
static bool was_of_a_lost_life(const model *m, const model_effect *e) {
    return m->s->restored && !e->maybe && !wild_applied(&m->s->wild, e->key) &&
           !wild_coming(&m->s->wild, e->key);
}

static void intended(model *m, const journal_row *row, model_effect *e) {
    char key[40], args[DIGEST_HEX], name[16];
    text(row->body, "key", key, sizeof key);
    text(row->body, "digest", args, sizeof args);
    text(row->body, "class", name, sizeof name);
    text(row->body, "target", e->target, sizeof e->target);
    e->class = class_of(name);
    if (e->attempt > 0 && strcmp(key, e->key) != 0 &&
        !was_of_a_lost_life(m, e)) { /* absent in the life before the restore */
        violate(m->s, "I2", "%s at %s of run %llu got another key", e->target, e->path,
                (unsigned long long)e->run);
    }
    if (e->args[0] && strcmp(args, e->args) != 0) {
        violate(m->s, "I4", "%s at %s of run %llu: other bytes than were proposed", e->target,
                e->path, (unsigned long long)e->run);
    }
    if (e->attempt >= 0 && integer(row->body, "attempt") != e->attempt + 1) {
        violate(m->s, "I2", "attempt %lld follows %lld", (long long)integer(row->body, "attempt"),
                (long long)e->attempt);
    }
    if (m->halted) {
        violate(m->s, "halt", "%s is intended while the workspace is halted", e->target);
    }
    memcpy(e->key, key, sizeof key);
    memcpy(e->args, args, sizeof args);
    consents_consumed(m, row, e);
    if (e->maybe) {
        sent_again(m, row, e);
    } else {
        e->opened_at = row->at;
    }
    e->attempt = integer(row->body, "attempt");
    e->tried_us = m->s->w.clock;
    e->sent_us = e->maybe ? e->sent_us : e->tried_us; /* this one may yet be refused */
}

/* I3: an attempt that is said not to have been applied was not, and will not be. */
static void proved_absent(model *m, const model_effect *e, const char *how) {
    if (!m->known && e->class != CLASS_READ && e->key[0] && !restore_unsent(m->s, e) &&
        (wild_applied(&m->s->wild, e->key) || wild_coming(&m->s->wild, e->key))) {
        violate(m->s, "I3", "%s at %s of run %llu is %s, and %s", e->target, e->path,
                (unsigned long long)e->run, how,
                wild_applied(&m->s->wild, e->key) ? "was applied" : "is still on its way");
    }
}

/* Absence is no proof before it has settled: another attempt would be a second one. */
static void settled(model *m, const model_effect *e, effect_state from) {
    const plan_verb *v = plan_target(&m->s->plan, e->target);
    int64_t since = m->s->w.clock - e->sent_us + SECOND; /* it may be lost before it is durable */
    if (from == EFFECT_RECONCILING && !m->known && v && since < v->settle_us) {
        violate(m->s, "I2", "%s is called absent %lld us before it has settled", e->target,
                (long long)(v->settle_us - since));
    }
}

static void done(model *m, const journal_row *row, model_effect *e) {
    bool write = e->class != CLASS_READ && e->class != CLASS_LOCAL;
    keel_json outcome = keel_json_get(row->body, "result");
    e->outcome = digest_of(outcome.data ? outcome.data : "", outcome.len);
    if (write && !wild_applied(&m->s->wild, e->key) && !restore_tried(m->s, e)) {
        violate(m->s, "I1", "%s at %s of run %llu is done, and was never applied", e->target,
                e->path, (unsigned long long)e->run);
    }
}

static bool says_untold(const journal_row *row) {
    char why[160];
    text(keel_json_get(row->body, "error"), "why", why, sizeof why);
    return strstr(why, "between the backup and its restore is not known");
}

/* The last attempt itself; one before it may have been applied. */
static bool was_refused(const model *m, const model_effect *e) {
    return wild_refused(&m->s->wild, e->key) >= e->tried_us;
}

static void move(model *m, const journal_row *row, model_effect *e, effect_state from) {
    switch (row->kind) {
    case RECORD_EFFECT_WAITING:
    case RECORD_APPROVAL_EDITED:
        text(row->body, "digest", e->args, sizeof e->args);
        text(row->body, "target", e->target, sizeof e->target);
        e->consented &= row->kind == RECORD_EFFECT_WAITING && !integer(row->body, "number");
        consents_asked(m, row, e);
        break;
    case RECORD_APPROVAL_GIVEN:
        consents_given(m, row);
        break;
    case RECORD_EFFECT_INTENDED:
        intended(m, row, e);
        break;
    case RECORD_SPAWN:
        e->class = CLASS_LOCAL;
        snprintf(e->target, sizeof e->target, "run.spawn");
        consents_consumed(m, row, e);
        break;
    case RECORD_EFFECT_DONE:
        done(m, row, e);
        break;
    case RECORD_EFFECT_RETRY:
        e->maybe = keel_json_true(keel_json_get(row->body, "maybe"));
        if (from == EFFECT_INTENDED && e->maybe && !was_refused(m, e)) {
            e->sent_us = e->tried_us;
        }
        if (!e->maybe) {
            proved_absent(m, e, "to be tried again as not applied");
            settled(m, e, from);
        }
        break;
    case RECORD_EFFECT_UNKNOWN:
        e->maybe = true;
        break;
    case RECORD_EFFECT_REOPENED:
        e->consented = e->maybe = false;
        e->attempt = -1; /* counted anew, or on from there after a restart */
        e->args[0] = 0;
        break;
    case RECORD_EFFECT_NOT_DONE:
    case RECORD_EFFECT_DENIED:
    case RECORD_EFFECT_REJECTED:
    case RECORD_EFFECT_EXPIRED:
        e->untold = says_untold(row);
        proved_absent(m, e, effect_state_name(e->state));
        break;
    default:
        break;
    }
}

/* ---- records ---- */

static void host_record(model *m, const journal_row *row) {
    char request[24];
    consents_host(m, row);
    switch (row->kind) {
    case RECORD_HALT:
        m->halted = true;
        break;
    case RECORD_RESUME:
        m->halted = false;
        break;
    case RECORD_COMMAND:
        text(row->body, "request", request, sizeof request);
        for (size_t i = 0; i < m->request_count; i++) {
            if (!strcmp(m->requests[i], request)) {
                violate(m->s, "I11", "request %s was carried out twice", request);
            }
        }
        m->requests = keel_realloc(m->requests, (m->request_count + 1) * sizeof *m->requests);
        memcpy(m->requests[m->request_count++], request, sizeof request);
        break;
    case RECORD_POLICY: {
        keel_json_iter it = keel_json_each(keel_json_get(row->body, "files"));
        char hex[DIGEST_HEX] = "", known[DIGEST_HEX];
        if (keel_json_next(&it)) {
            text(it.value, "digest", hex, sizeof hex);
        }
        for (size_t i = 0; i < m->s->plan.policy_count; i++) {
            digest_hex(&m->s->plan.policies[i].text, known);
            if (!strcmp(hex, known)) {
                m->policy = i + 1;
            }
        }
        break;
    }
    default:
        break;
    }
}

static uint64_t print_of(const journal_row *row) {
    keel_buf b = KEEL_BUF_INIT;
    uint64_t out;
    keel_buf_printf(&b, "%lld %lld %llu %s %d ", (long long)row->seq, (long long)row->at,
                    (unsigned long long)row->run, row->path, (int)row->kind);
    keel_buf_append(&b, row->body.data, row->body.len);
    digest d = digest_of(b.data, b.len);
    memcpy(&out, d.bytes, sizeof out);
    keel_buf_free(&b);
    return out;
}

void model_record(model *m, const journal_row *row) {
    if ((size_t)row->seq != m->count + 1) {
        violate(m->s, "I7", "record %lld follows record %zu", (long long)row->seq, m->count);
        return;
    }
    if (row->at < m->at) {
        violate(m->s, "I7", "record %lld is %lld us earlier than the one before it",
                (long long)row->seq, (long long)(m->at - row->at));
    }
    m->at = row->at;
    m->prints = keel_realloc(m->prints, (m->count + 1) * sizeof *m->prints);
    m->prints[m->count++] = print_of(row);
    host_record(m, row);
    if (row->path[0] && effect_moves(row->kind)) {
        model_effect *e = effect_of(m, row);
        effect_state from = e->state;
        effect_state next = effect_next(from, row->kind);
        if (next == EFFECT_STATES) {
            violate(m->s, "table", "%s at %s of run %llu is %s and takes %s", e->target, e->path,
                    (unsigned long long)e->run, effect_state_name(from),
                    record_kind_name(row->kind));
            return;
        }
        counts_record(m, row, e);
        e->state = next;
        e->seq = row->seq;
        move(m, row, e, from);
        paces_record(m, row, e);
        undoing_moved(m, row, e, from);
    }
    undoing_record(m, row);
    ledger_record(m, row);
    runs_record(m, row);
}

static int on_row(void *ctx, const journal_row *row) {
    model *m = ctx;
    m->known = !m->s->model || (size_t)row->seq <= m->s->model->count;
    model_record(m, row);
    return 0;
}

void model_reopen(simulation *s) {
    model *m = model_create(s);
    model *old = s->model;
    diag d = {0};
    if (reader_scan(store_reader(s->w.store), 1, on_row, m, &d)) {
        violate(s, "I7", "the journal cannot be read after the restart: %s", d.what);
    }
    for (size_t i = 0; old && i < old->count; i++) {
        if (i >= m->count || old->prints[i] != m->prints[i]) {
            violate(s, "I11", "record %zu was durable and is %s after the restart", i + 1,
                    i < m->count ? "another" : "not there");
            break;
        }
    }
    model_destroy(old);
    m->known = false;
    s->model = m;
}

model_effect *model_effect_out(const model *m, const char *key) {
    for (size_t i = m->effect_count; i-- > 0;) {
        if (!strcmp(m->effects[i].key, key) && m->effects[i].state == EFFECT_INTENDED) {
            return &m->effects[i];
        }
    }
    return NULL;
}

void model_sent(simulation *s, const char *key, keel_json args) {
    char hex[DIGEST_HEX];
    digest d = digest_of(args.data, args.len);
    const model_effect *e = model_effect_out(s->model, key);
    digest_hex(&d, hex);
    if (!e) {
        violate(s, "I4", "key %s is sent without a durable record of it", key);
    } else if (strcmp(e->args, hex) != 0) {
        violate(s, "I4", "%s: other bytes are sent than were intended", e->target);
    }
}
