#include "why_story.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "text.h"
#include "words.h"

static void keep(keel_buf *to, keel_json v) {
    if (v.data) {
        keel_buf_clear(to);
        keel_buf_append(to, v.data, v.len);
    }
}

static void signed_by(const journal_row *row, const char *what, keel_buf *out) {
    char hex[80] = "", by[80] = "";
    keel_json_copy(keel_json_get(row->body, what), hex, sizeof hex);
    keel_json_copy(keel_json_get(row->body, "by"), by, sizeof by);
    keel_buf_clear(out);
    words_from_hex(out, hex);
    keel_buf_puts(out, ", by ");
    text_line(out, by, strlen(by));
    keel_buf_puts(out, " at ");
    text_time(out, row->at);
}

static void lifted_by(why_story *s, const journal_row *row) {
    keel_buf why = KEEL_BUF_INIT;
    signed_by(row, "override", &s->lifted);
    keel_json_string(keel_json_get(row->body, "why"), &why);
    keel_buf_puts(&s->lifted, ": ");
    text_line(&s->lifted, why.data ? why.data : "", why.len);
    keel_buf_free(&why);
}

static void granted_by(why_story *s, const journal_row *row) {
    int64_t grant = 0;
    char number[24];
    if (!keel_json_int(keel_json_get(row->body, "grant"), &grant)) {
        return;
    }
    snprintf(number, sizeof number, "%" PRId64, grant);
    char *by = cli_value(s->c, "SELECT by FROM grant WHERE number = CAST(? AS INTEGER)", number);
    keel_buf_clear(&s->approved);
    keel_buf_printf(&s->approved, "under grant %s, by ", number);
    text_line(&s->approved, by ? by : "nobody", strlen(by ? by : "nobody"));
    keel_buf_printf(&s->approved, ": not asked again; keel grant show %s", number);
    free(by);
}

static int visit(void *ctx, const journal_row *row) {
    why_story *s = ctx;
    if (strcmp(row->path, s->e->path) != 0) {
        return 0;
    }
    keep(&s->decision, keel_json_get(row->body, "decision"));
    if (row->kind == RECORD_EFFECT_WAITING) {
        keel_buf_clear(&s->shortage);
        keep(&s->shortage, keel_json_get(keel_json_get(row->body, "budget"), "why"));
    }
    keep(&s->args, keel_json_get(row->body, "args"));
    if (keel_json_get(row->body, "args").data) { /* it is of these */
        keel_buf_clear(&s->tier);
        keep(&s->tier, keel_json_get(row->body, "tier"));
    }
    keep(&s->result, keel_json_get(row->body, "result"));
    keep(&s->result, keel_json_get(row->body, "error"));
    keep(&s->held, keel_json_get(row->body, "held"));
    keep(&s->usage, keel_json_get(row->body, "usage"));
    keep(&s->price, keel_json_get(row->body, "price"));
    s->unpriced |= keel_json_true(keel_json_get(row->body, "unpriced"));
    if (row->kind == RECORD_EFFECT_RETRY) {
        keep(&s->held, keel_json_get(row->body, "why"));
    }
    if (row->kind == RECORD_EFFECT_STALE) {
        keel_buf_clear(&s->approved); /* what was said is worth nothing any more */
        s->stale = true;
    } else if (keel_json_get(row->body, "number").len) {
        s->stale = false;
    }
    if (row->kind == RECORD_APPROVAL_GIVEN) {
        signed_by(row, "approval", &s->approved);
    } else if (row->kind == RECORD_OVERRIDE && keel_json_get(row->body, "override").data) {
        lifted_by(s, row);
    }
    granted_by(s, row);
    if (s->c->json) {
        describe_json(row, &s->json);
        s->json.data[s->json.len - 1] = ',';
    } else {
        keel_buf_puts(&s->lines, "  ");
        describe_line(row, &s->c->out, &s->lines);
    }
    return 0;
}

int why_read(why_story *s, diag *d) {
    uint64_t run = s->e->run;
    return reader_runs(s->c->db, &run, 1, visit, s, d);
}

void why_finish(why_story *s) {
    keel_buf *all[] = {&s->decision, &s->shortage, &s->args, &s->result, &s->lines, &s->json,
                       &s->approved, &s->lifted,   &s->held, &s->tier,   &s->usage, &s->price};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        keel_buf_free(all[i]);
    }
}
