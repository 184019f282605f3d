#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "box.h"
#include "mail_format.h"

static int wrong(char *problem, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int wrong(char *problem, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    vsnprintf(problem, BOX_PROBLEM, format, ap);
    va_end(ap);
    return -1;
}

static int get_text(char **out, keel_json v, const char *key, char *problem) {
    char text[1024];
    long len = keel_json_copy(v, text, sizeof text);
    if (len <= 0 || (size_t)len >= sizeof text || strlen(text) != (size_t)len) {
        return wrong(problem, "`%s` must be a text of 1 to %zu bytes", key, sizeof text - 1);
    }
    *out = keel_strdup(text);
    return 0;
}

static void add_pattern(mail_owner *o, char *pattern) {
    o->patterns = keel_realloc(o->patterns, (o->count + 1) * sizeof *o->patterns);
    o->patterns[o->count++] = pattern;
}

static int get_addresses(box *b, keel_json v, char *problem) {
    if (keel_json_typeof(v) != KEEL_JSON_ARRAY) {
        return wrong(
            problem,
            "`addresses` must be a list such as [me@studio.example, \"me+*@studio.example\"]");
    }
    for (keel_json_iter it = keel_json_each(v); keel_json_next(&it);) {
        char *pattern = NULL;
        if (get_text(&pattern, it.value, "addresses", problem) != 0) {
            return -1;
        }
        add_pattern(&b->owner, pattern);
    }
    return 0;
}

static int get_from(box *b, keel_json v, char *problem) {
    char *text = NULL;
    if (get_text(&text, v, "from", problem) != 0) {
        return -1;
    }
    int rc = 0;
    if (!draft_sender(text, &b->from_name, &b->from)) {
        rc =
            wrong(problem, "`from` must be one address such as \"Ada Owner <ada@studio.example>\"");
    } else {
        add_pattern(&b->owner, keel_strdup(b->from));
    }
    free(text);
    return rc;
}

static int get_limit(box *b, keel_json v, char *problem) {
    int64_t n = 0;
    if (!keel_json_int(v, &n) || n < 100 || n > 262144) {
        return wrong(problem, "`text_limit` must be a number of bytes from 100 to 262144");
    }
    b->text_limit = (size_t)n;
    return 0;
}

static int get_member(box *b, keel_json key, keel_json v, char *problem) {
    struct {
        const char *name;
        char **to;
    } texts[] = {{"source", &b->source}, {"file", &b->file}, {"outbox", &b->outbox}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (keel_json_is(key, texts[i].name)) {
            return get_text(texts[i].to, v, texts[i].name, problem);
        }
    }
    if (keel_json_is(key, "from")) {
        return get_from(b, v, problem);
    }
    if (keel_json_is(key, "addresses")) {
        return get_addresses(b, v, problem);
    }
    if (keel_json_is(key, "text_limit")) {
        return get_limit(b, v, problem);
    }
    if (keel_json_is(key, "drained")) {
        b->drained = keel_json_true(v);
        return keel_json_typeof(v) == KEEL_JSON_BOOL
                   ? 0
                   : wrong(problem, "`drained` must be true or false");
    }
    char name[60] = "";
    keel_json_copy(key, name, sizeof name);
    return wrong(problem,
                 "`%s` is not a setting of a mailbox; there are source, file, outbox, from, "
                 "addresses, drained and text_limit",
                 name);
}

int box_configure(box *b, keel_json config, char problem[BOX_PROBLEM]) {
    b->drained = true;
    b->text_limit = MAIL_TEXT_LIMIT;
    for (keel_json_iter it = keel_json_each(config); keel_json_next(&it);) {
        if (get_member(b, it.key, it.value, problem) != 0) {
            return -1;
        }
    }
    if (b->source == NULL && b->outbox == NULL) {
        return wrong(problem,
                     "a mailbox needs `source` (a folder to read mail from) or `outbox` (a "
                     "Maildir to put mail into)");
    }
    if (b->outbox != NULL && b->from == NULL) {
        return wrong(problem, "`outbox` needs `from`: the address that mail is sent as, such as "
                              "\"Ada Owner <ada@studio.example>\"");
    }
    return 0;
}

void box_finish(box *b) {
    char *const texts[] = {b->source, b->file, b->outbox, b->from_name, b->from};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        free(texts[i]);
    }
    for (size_t i = 0; i < b->owner.count; i++) {
        free(b->owner.patterns[i]);
    }
    free(b->owner.patterns);
    *b = (box){.host = b->host, .fs = b->fs};
}

keel_status box_fail(const box *b, keel_call *call, keel_status status, const char *format, ...) {
    char text[600];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    return b->host->fail(b->host->ctx, call, status, text);
}
