/* Questions that wait for a person: asked by a run, answered, declined or expired, one record each. */
#include <stdlib.h>
#include <string.h>

#include "asking.h"
#include "attention.h"
#include "command.h"
#include "labels.h"
#include "question.h"

/* ---- how many there are ---- */

static int on_count(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    *(uint32_t *)ctx = v[0] ? (uint32_t)strtoul(v[0], NULL, 10) : 0;
    return 0;
}

/* What a run of before asked is durable, and what it asks here is counted. */
static void count_before(kernel *k, run *r) {
    char id[24];
    const char *params[] = {id};
    if (!r->asked_known) {
        snprintf(id, sizeof id, "%llu", (unsigned long long)r->id);
        reader_query(k->env.reads,
                     "SELECT count(*) FROM item WHERE run = CAST(? AS INTEGER)"
                     " AND kind = 'question'",
                     params, 1, on_count, &r->asked, NULL);
        r->asked_known = true;
    }
}

static uint32_t open_now(const run *r) {
    uint32_t open = 0;
    for (const call *c = r->calls; c; c = c->next) {
        open += c->kind == CALL_ASK && c->number;
    }
    return open;
}

/* NULL: it may ask one more. */
static const char *too_many(kernel *k, run *r) {
    count_before(k, r);
    if (open_now(r) >= QUESTIONS_OPEN) {
        return "20 questions of this run wait for an answer already";
    }
    return r->asked >= QUESTIONS_OF_RUN ? "a run asks at most 100 questions" : NULL;
}

/* ---- asking ---- */

/* What a person says is trusted, and as private as what nobody has declared. */
static const item_label answers = {false, SENSITIVITY_DEFAULT};

static void asked_body(kernel *k, const call *c, keel_json args) {
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_raw(&w, "args", args);
    attention_put(k, &w);
    keel_json_set_text(&w, "call", c->call_digest);
    if (c->expires_us) {
        keel_json_set_int(&w, "expires_us", c->expires_us);
    }
    keel_json_set_int(&w, "number", (int64_t)c->number);
    if (c->raise_us) {
        keel_json_set_int(&w, "raise_us", c->raise_us);
    }
    if (c->run->label.untrusted) {
        keel_json_set_bool(&w, "tainted", true);
    }
    keel_json_object_end(&w);
}

void call_ask(kernel *k, run *r, const char *path, const char *hash, keel_json args) {
    int64_t expires = 0;
    char refused[400];
    const char *why = question_wrong(args);
    const char *code = why ? "invalid" : "denied";
    why = why ? why : too_many(k, r);
    if (!why && !plugin_takes(r->plugin, answers)) {
        plugin_refuses(r->plugin, "an answer", answers, refused, sizeof refused);
        why = refused;
    }
    call *c = call_new(r, CALL_ASK, path, hash);
    if (why) {
        call_refused(k, c, code, why);
        return;
    }
    bool ends = keel_json_int(keel_json_get(args, "expires_us"), &expires);
    c->expires_us = ends ? kernel_now(k) + expires : 0;
    c->number = k->next_number++;
    r->asked++;
    c->raise_us = attention_of_question(k, c);
    item_open(k, c, NULL, kernel_now(k), 0);
    asked_body(k, c, args);
    c->seq = journal_run(k, RECORD_QUESTION, r, path, &k->scratch);
    if (c->expires_us) {
        call_due(k, c, c->expires_us);
    }
}

/* ---- what it came to ---- */

static int on_asked(void *ctx, const journal_row *row) {
    keel_json args = keel_json_get(row->body, "args");
    if (args.len) { /* it was not erased */
        keel_buf_append(ctx, args.data, args.len);
    }
    return 0;
}

/* The arguments, from its record: a run that waits for months is to cost little. */
static bool asked_args(kernel *k, const call *c, keel_buf *out) {
    return reader_record(k->env.reads, c->seq, on_asked, out, NULL) == 0 && out->len;
}

void question_expired(kernel *k, call *c) {
    if (c->seq > k->durable_seq) { /* its default cannot be read yet */
        call_due(k, c, kernel_now(k) + 1000);
        return;
    }
    keel_buf args = KEEL_BUF_INIT, out = KEEL_BUF_INIT;
    keel_json other = {NULL, 0};
    if (asked_args(k, c, &args)) {
        other = keel_json_get(keel_json_view(args.data, args.len), "default");
    }
    if (other.len) {
        outcome_ok(&out, other);
    } else {
        outcome_error(&out, "expired", NULL, "nobody answered before it expired");
    }
    call_woken(k, c, &(woken_by){.how = "expired", .number = (int64_t)c->number},
               keel_json_view(out.data, out.len), LABEL_NONE);
    keel_buf_free(&args);
    keel_buf_free(&out);
}

static int find_question(kernel *k, command *c, call **out, diag *d) {
    int64_t n = 0;
    keel_json_int(keel_json_get(c->args, "number"), &n);
    call *q = n > 0 ? map_get(&k->items, (uint64_t)n) : NULL;
    if (!q || q->kind != CALL_ASK) {
        diag_set(d, DIAG_NOT_FOUND, "no question waits under number %lld", (long long)n);
        return diag_next(d, "see what waits: keel inbox");
    }
    if (q->seq > k->durable_seq) {
        diag_set(d, DIAG_CONFLICT, "question %lld is being written at this moment", (long long)n);
        return diag_next(d, "try again");
    }
    if (q->expires_us && kernel_now(k) >= q->expires_us) {
        question_expired(k, q); /* its timer is late: the wall clock has jumped */
        diag_set(d, DIAG_CONFLICT, "question %lld has expired", (long long)n);
        return diag_next(d, "its run has gone on without an answer: keel inbox");
    }
    *out = q;
    return 0;
}

/* A person may also say that he will not answer. */
static int declines(keel_json value, const char *why, diag *d) {
    if (value.len || why[0]) {
        return 0;
    }
    diag_set(d, DIAG_USAGE, "it takes an answer, or a reason why there is none");
    return diag_next(d, "keel answer N VALUE, or keel answer N --decline --why TEXT");
}

static int fits(kernel *k, const call *q, keel_json value, diag *d) {
    keel_buf args = KEEL_BUF_INIT;
    const char *wrong = asked_args(k, q, &args)
                            ? answer_wrong(keel_json_view(args.data, args.len), value)
                            : "its question was erased";
    keel_buf_free(&args);
    if (!wrong) {
        return 0;
    }
    diag_set(d, DIAG_USAGE, "that does not answer question %llu: %s", (unsigned long long)q->number,
             wrong);
    return diag_next(d, "read it with: keel inbox %llu", (unsigned long long)q->number);
}

int command_answer(kernel *k, command *c, diag *d) {
    call *q = NULL;
    char why[512] = "";
    keel_buf out = KEEL_BUF_INIT;
    keel_json value = keel_json_get(c->args, "value");
    keel_json_copy(keel_json_get(c->args, "why"), why, sizeof why);
    int rc = declines(value, why, d);
    rc = rc ? rc : find_question(k, c, &q, d);
    rc = rc || !value.len ? rc : fits(k, q, value, d);
    if (rc) {
        return rc;
    }
    keel_buf_printf(&c->result, "{\"run\":%llu}", (unsigned long long)q->run->id);
    if (value.len) {
        outcome_ok(&out, value);
    } else {
        outcome_error(&out, "declined", NULL, why);
    }
    call_woken(k, q,
               &(woken_by){.who = "operator",
                           .how = value.len ? "answered" : "declined",
                           .number = (int64_t)q->number,
                           .why = why},
               keel_json_view(out.data, out.len), answers);
    keel_buf_free(&out);
    return 0;
}
