#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"

static int wrong(char *problem, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int wrong(char *problem, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    vsnprintf(problem, ACCOUNT_PROBLEM, format, ap);
    va_end(ap);
    return -1;
}

static int get_text(char **out, keel_json v, const char *key, char *problem) {
    char text[1024];
    long len = keel_json_copy(v, text, sizeof text);
    if (len <= 0 || (size_t)len >= sizeof text || strlen(text) != (size_t)len) {
        return wrong(problem, "`%s` must be a text of 1 to %zu bytes", key, sizeof text - 1);
    }
    free(*out);
    *out = keel_strdup(text);
    return 0;
}

/* Egress parses the rest of it. */
static int get_address(char **out, keel_json v, const char *key, char *problem) {
    int rc = get_text(out, v, key, problem);
    size_t len = strlen(key);
    if (rc != 0) {
        return rc;
    }
    const char *rest = strncmp(*out, key, len) == 0 ? *out + len : "";
    rest += *rest == 's' ? 1 : 0;
    return strncmp(rest, "://", 3) == 0
               ? 0
               : wrong(problem, "`%s` must be an address such as %ss://mail.example:%s", key, key,
                       strcmp(key, "imap") == 0 ? "993" : "465");
}

static int get_folder(char **out, keel_json v, const char *key, char *problem) {
    keel_buf name = KEEL_BUF_INIT;
    int rc = get_text(out, v, key, problem);
    if (rc == 0 && !imap_name(&name, *out)) {
        rc = wrong(problem, "`%s` must be the name of a folder, without control characters", key);
    }
    keel_buf_free(&name);
    return rc;
}

static void add_pattern(mail_owner *o, char *pattern) {
    o->patterns = keel_realloc(o->patterns, (o->count + 1) * sizeof *o->patterns);
    o->patterns[o->count++] = pattern;
}

static int get_own(account *a, keel_json v, char *problem) {
    if (keel_json_typeof(v) != KEEL_JSON_ARRAY) {
        return wrong(problem, "`own` must be a list of your addresses, such as "
                              "[me@studio.example, \"me+*@studio.example\"]");
    }
    for (keel_json_iter it = keel_json_each(v); keel_json_next(&it);) {
        char *pattern = NULL;
        if (get_text(&pattern, it.value, "own", problem) != 0) {
            return -1;
        }
        add_pattern(&a->owner, pattern);
    }
    return 0;
}

static int get_from(account *a, keel_json v, char *problem) {
    char *text = NULL;
    int rc = get_text(&text, v, "from", problem);
    if (rc == 0 && !draft_sender(text, &a->from_name, &a->from)) {
        rc =
            wrong(problem, "`from` must be one address such as \"Ada Owner <ada@studio.example>\"");
    } else if (rc == 0) {
        add_pattern(&a->owner, keel_strdup(a->from));
    }
    free(text);
    return rc;
}

static int get_copy(account *a, keel_json v, char *problem) {
    static const char *const names[] = {"self", "server", "append"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (keel_json_is(v, names[i])) {
            a->copy = (copy_kind)i;
            return 0;
        }
    }
    return wrong(problem, "`copy` must be self, server or append: how what is sent gets into the "
                          "folder of sent mail; without it: self");
}

static int get_number(int64_t *out, keel_json v, const char *key, int64_t least, int64_t most,
                      char *problem) {
    return keel_json_int(v, out) && *out >= least && *out <= most
               ? 0
               : wrong(problem, "`%s` must be a number from %lld to %lld", key, (long long)least,
                       (long long)most);
}

static int get_member(account *a, keel_json key, keel_json v, char *problem) {
    struct {
        const char *name;
        char **to;
        int (*get)(char **, keel_json, const char *, char *);
    } texts[] = {{"imap", &a->imap_address, get_address},
                 {"smtp", &a->smtp_address, get_address},
                 {"folder", &a->folder, get_folder},
                 {"sent", &a->sent, get_folder},
                 {"drafts", &a->drafts, get_folder}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (keel_json_is(key, texts[i].name)) {
            return texts[i].get(texts[i].to, v, texts[i].name, problem);
        }
    }
    if (keel_json_is(key, "from")) {
        return get_from(a, v, problem);
    }
    if (keel_json_is(key, "own")) {
        return get_own(a, v, problem);
    }
    if (keel_json_is(key, "copy")) {
        return get_copy(a, v, problem);
    }
    if (keel_json_is(key, "arrive_s")) {
        return get_number(&a->arrive_s, v, "arrive_s", 1, 150, problem);
    }
    if (keel_json_is(key, "text_limit")) {
        int64_t n = 0;
        int rc = get_number(&n, v, "text_limit", 100, 262144, problem);
        a->text_limit = rc == 0 ? (size_t)n : a->text_limit;
        return rc;
    }
    char name[60] = "";
    keel_json_copy(key, name, sizeof name);
    return wrong(problem,
                 "`%s` is not a setting of a mail account; there are imap, smtp, from, folder, "
                 "sent, drafts, copy, own, arrive_s and text_limit",
                 name);
}

int account_configure(account *a, keel_json config, char problem[ACCOUNT_PROBLEM]) {
    a->text_limit = MAIL_TEXT_LIMIT;
    a->arrive_s = 90;
    a->folder = keel_strdup("INBOX");
    a->sent = keel_strdup("Sent");
    a->drafts = keel_strdup("Drafts");
    for (keel_json_iter it = keel_json_each(config); keel_json_next(&it);) {
        if (get_member(a, it.key, it.value, problem) != 0) {
            return -1;
        }
    }
    if (a->imap_address == NULL) {
        return wrong(problem, "a mail account needs `imap`, such as imaps://mail.example:993; what "
                              "was sent is proved there too");
    }
    if (a->smtp_address != NULL && a->from == NULL) {
        return wrong(problem, "`smtp` needs `from`: the address that mail is sent as, such as "
                              "\"Ada Owner <ada@studio.example>\"");
    }
    return 0;
}

void account_finish(account *a) {
    char *const texts[] = {a->imap_address, a->smtp_address, a->from_name, a->from,
                           a->folder,       a->sent,         a->drafts};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        free(texts[i]);
    }
    for (size_t i = 0; i < a->owner.count; i++) {
        free(a->owner.patterns[i]);
    }
    free(a->owner.patterns);
    imap_finish(&a->session);
    *a = (account){.host = a->host};
}
