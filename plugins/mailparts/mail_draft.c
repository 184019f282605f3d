#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail_format.h"

static bool wrong(char *problem, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool wrong(char *problem, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    vsnprintf(problem, DRAFT_PROBLEM, format, ap);
    va_end(ap);
    return false;
}

bool draft_is_address(const char *text) {
    static const char local[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                ".!#$%&'*+-/=?^_`{|}~";
    static const char domain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    size_t before = strspn(text, local);
    if (before == 0 || before > 64 || text[before] != '@' || text[0] == '-') {
        return false;
    }
    const char *host = text + before + 1;
    size_t after = strspn(host, domain);
    return after > 0 && after <= 255 && host[after] == 0 && host[0] != '.' && host[0] != '-' &&
           host[after - 1] != '.' && strstr(host, "..") == NULL;
}

/* A string's text without NUL; NULL with the problem said. */
static char *get_text(keel_json v, const char *field, size_t limit, char *problem) {
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_puts(&b, "");
    char *text = NULL;
    if (!keel_json_string(v, &b)) {
        wrong(problem, "`%s` must be a text", field);
    } else if (b.len > limit) {
        wrong(problem, "`%s` has %zu bytes, at most %zu are sent", field, b.len, limit);
    } else if (memchr(b.data, 0, b.len) != NULL) {
        wrong(problem, "`%s` holds a NUL character", field);
    } else {
        text = keel_memdup(b.data, b.len);
    }
    keel_buf_free(&b);
    return text;
}

/* Another header, or the end of all headers, could be smuggled in behind a line break. */
static bool check_line(const char *text, const char *field, char *problem) {
    for (size_t i = 0; text[i] != 0; i++) {
        unsigned char c = (unsigned char)text[i];
        bool c1 = c == 0xC2 && (unsigned char)text[i + 1] < 0xA0;
        if (c < 0x20 || c == 0x7F || c1) {
            return wrong(problem,
                         "`%s` holds the control character U+%04X at byte %zu; a header is "
                         "one line",
                         field, c1 ? (unsigned char)text[i + 1] : c, i);
        }
    }
    return true;
}

static bool add(mail_list *l, char *item, size_t limit, const char *field, char *problem) {
    if (l->count == limit) {
        free(item);
        return wrong(problem, "`%s` has more than %zu entries", field, limit);
    }
    l->items = keel_realloc(l->items, (l->count + 1) * sizeof *l->items);
    l->items[l->count++] = item;
    return true;
}

static bool add_address(mail_list *l, keel_json v, const char *field, char *problem) {
    char *text = get_text(v, field, 320, problem);
    if (text == NULL) {
        return false;
    }
    if (!check_line(text, field, problem)) {
        free(text);
        return false;
    }
    if (!draft_is_address(text)) {
        wrong(problem,
              "`%s`: \"%.80s\" is not a plain address such as ada@studio.example; names and "
              "lists in one text are refused, because policy decides by the domain",
              field, text);
        free(text);
        return false;
    }
    return add(l, text, DRAFT_RECIPIENTS, field, problem);
}

static bool add_id(mail_list *l, keel_json v, const char *field, char *problem) {
    char *text = get_text(v, field, 260, problem);
    if (text == NULL) {
        return false;
    }
    size_t len = strlen(text);
    bool bracketed = len > 2 && text[0] == '<' && text[len - 1] == '>';
    char *id = bracketed ? keel_memdup(text + 1, len - 2) : keel_strdup(text);
    free(text);
    if (!words_is_id(id)) {
        wrong(problem, "`%s`: that is not a message id such as 1.2@studio.example", field);
        free(id);
        return false;
    }
    return add(l, id, DRAFT_REFERENCES, field, problem);
}

typedef bool add_one(mail_list *l, keel_json v, const char *field, char *problem);

/* One text, or a list of them. */
static bool get_list(mail_list *l, keel_json v, const char *field, add_one *one, char *problem) {
    if (keel_json_typeof(v) == KEEL_JSON_STRING) {
        return one(l, v, field, problem);
    }
    if (keel_json_typeof(v) != KEEL_JSON_ARRAY) {
        return wrong(problem, "`%s` must be a text or a list of texts", field);
    }
    for (keel_json_iter it = keel_json_each(v); keel_json_next(&it);) {
        if (!one(l, it.value, field, problem)) {
            return false;
        }
    }
    return true;
}

/* CRLF and CR become LF; other control characters have no place in a plain text. */
static bool check_body(char *text, char *problem) {
    size_t to = 0;
    for (size_t i = 0; text[i] != 0; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < 0x20 && c != '\n' && c != '\t' && c != '\r') || c == 0x7F) {
            return wrong(problem, "`body` holds the control character U+%04X at byte %zu", c, i);
        }
        if (c == '\r' && text[i + 1] == '\n') {
            continue;
        }
        text[to++] = c == '\r' ? '\n' : (char)c;
    }
    text[to] = 0;
    return true;
}

static bool get_member(mail_draft *d, keel_json key, keel_json v, char *problem) {
    if (keel_json_is(key, "to")) {
        return get_list(&d->to, v, "to", add_address, problem);
    }
    if (keel_json_is(key, "cc")) {
        return get_list(&d->cc, v, "cc", add_address, problem);
    }
    if (keel_json_is(key, "bcc")) {
        return get_list(&d->bcc, v, "bcc", add_address, problem);
    }
    if (keel_json_is(key, "references")) {
        return get_list(&d->references, v, "references", add_id, problem);
    }
    if (keel_json_is(key, "subject")) {
        d->subject = get_text(v, "subject", DRAFT_SUBJECT, problem);
        return d->subject != NULL && check_line(d->subject, "subject", problem);
    }
    if (keel_json_is(key, "body")) {
        d->body = get_text(v, "body", DRAFT_BODY, problem);
        return d->body != NULL && check_body(d->body, problem);
    }
    if (keel_json_is(key, "in_reply_to")) {
        mail_list one = {NULL, 0};
        bool ok = add_id(&one, v, "in_reply_to", problem);
        d->in_reply_to = ok ? one.items[0] : NULL;
        free(one.items);
        return ok;
    }
    char name[60] = "";
    keel_json_copy(key, name, sizeof name);
    return wrong(problem,
                 "`%s` is not a field of a message; there are to, cc, bcc, subject, body, "
                 "in_reply_to and references",
                 name);
}

bool draft_parse(mail_draft *d, keel_json body, char problem[DRAFT_PROBLEM]) {
    *d = (mail_draft){.subject = NULL};
    if (keel_json_typeof(body) != KEEL_JSON_OBJECT) {
        return wrong(problem, "a message is an object with to, subject and body");
    }
    for (keel_json_iter it = keel_json_each(body); keel_json_next(&it);) {
        if (!get_member(d, it.key, it.value, problem)) {
            return false;
        }
    }
    if (d->to.count + d->cc.count + d->bcc.count == 0) {
        return wrong(problem, "`to` is missing: nobody would get the message");
    }
    if (d->to.count + d->cc.count + d->bcc.count > DRAFT_RECIPIENTS) {
        return wrong(problem, "there are more than %d recipients", DRAFT_RECIPIENTS);
    }
    if (d->subject == NULL || d->body == NULL) {
        return wrong(problem, "`%s` is missing", d->subject == NULL ? "subject" : "body");
    }
    return true;
}

static void list_finish(mail_list *l) {
    for (size_t i = 0; i < l->count; i++) {
        free(l->items[i]);
    }
    free(l->items);
}

void draft_finish(mail_draft *d) {
    list_finish(&d->to);
    list_finish(&d->cc);
    list_finish(&d->bcc);
    list_finish(&d->references);
    free(d->subject);
    free(d->body);
    free(d->in_reply_to);
    *d = (mail_draft){.subject = NULL};
}
