#include "query.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail.h"

static int wrong(char *problem, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int wrong(char *problem, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    vsnprintf(problem, QUERY_PROBLEM, format, ap);
    va_end(ap);
    return -1;
}

static int get_text(char **out, keel_json v, const char *key, size_t limit, char *problem) {
    char text[1024];
    long len = keel_json_copy(v, text, sizeof text);
    if (len <= 0 || (size_t)len > limit || strlen(text) != (size_t)len) {
        return wrong(problem, "`%s` must be a text of 1 to %zu bytes", key, limit);
    }
    free(*out);
    *out = keel_strdup(text);
    return 0;
}

/* <id> or id. */
static int get_id(char **out, keel_json v, const char *key, char *problem) {
    int rc = get_text(out, v, key, 300, problem);
    size_t len = rc == 0 ? strlen(*out) : 0;
    if (len > 2 && (*out)[0] == '<' && (*out)[len - 1] == '>') {
        char *bare = keel_memdup(*out + 1, len - 2);
        free(*out);
        *out = bare;
    }
    if (rc == 0 && strncmp(*out, "sha256:", 7) == 0) {
        return wrong(problem,
                     "`%s`: a message without a Message-ID cannot be looked up on an IMAP server; "
                     "read on by cursor instead",
                     key);
    }
    if (rc == 0 && !words_is_id(*out)) {
        return wrong(problem, "`%s` must be a Message-ID such as 1.2@studio.example", key);
    }
    return rc;
}

/* "2026-11-01" as IMAP writes it. */
static int get_since(query *q, keel_json v, char *problem) {
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char text[16] = "";
    long len = keel_json_copy(v, text, sizeof text);
    bool good = len == 10 && text[4] == '-' && text[7] == '-' && strspn(text, "0123456789-") == 10;
    int year = good ? atoi(text) : 0;
    int month = good ? atoi(text + 5) : 0;
    int day = good ? atoi(text + 8) : 0;
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31) {
        return wrong(problem, "`since` must be a day such as \"2026-11-01\"");
    }
    snprintf(q->since, sizeof q->since, "%d-%s-%04d", day, months[month - 1], year % 10000);
    return 0;
}

static int get_cursor(query *q, keel_json v, char *problem) {
    char text[48] = "";
    char end = 0;
    long len = keel_json_copy(v, text, sizeof text);
    if (len == 0) {
        return 0; /* of a folder that was empty */
    }
    if (len < 0 || (size_t)len >= sizeof text || text[0] < '0' || text[0] > '9' ||
        sscanf(text, "%" SCNu64 ":%" SCNu64 "%c", &q->validity, &q->uid, &end) != 2 ||
        q->uid > UINT32_MAX) {
        return wrong(problem, "`cursor` must be the `next` of an earlier read");
    }
    q->has_cursor = true;
    return 0;
}

static int get_limit(query *q, keel_json v, char *problem) {
    int64_t n = 0;
    if (!keel_json_int(v, &n) || n < 1 || n > QUERY_LIMIT) {
        return wrong(problem, "`limit` must be a number from 1 to %d", QUERY_LIMIT);
    }
    q->limit = (size_t)n;
    return 0;
}

static int get_member(query *q, keel_json key, keel_json v, char *problem) {
    if (keel_json_typeof(v) == KEEL_JSON_NULL) {
        return 0;
    }
    if (keel_json_is(key, "cursor")) {
        return get_cursor(q, v, problem);
    }
    if (keel_json_is(key, "folder")) {
        return get_text(&q->folder, v, "folder", 1000, problem);
    }
    if (keel_json_is(key, "id")) {
        return get_id(&q->id, v, "id", problem);
    }
    if (keel_json_is(key, "thread")) {
        return get_id(&q->thread, v, "thread", problem);
    }
    if (keel_json_is(key, "since")) {
        return get_since(q, v, problem);
    }
    if (keel_json_is(key, "limit")) {
        return get_limit(q, v, problem);
    }
    return wrong(problem, "message.read takes {cursor: the `next` of the page before, folder, id: "
                          "one Message-ID, limit: 1 to 500, since: a day, thread: a Message-ID}, "
                          "all of them optional");
}

int query_parse(query *q, keel_json body, char problem[QUERY_PROBLEM]) {
    *q = (query){.limit = 100};
    for (keel_json_iter it = keel_json_each(body); keel_json_next(&it);) {
        if (get_member(q, it.key, it.value, problem) != 0) {
            return -1;
        }
    }
    q->limit = q->id != NULL ? 1 : q->limit;
    return 0;
}

void query_finish(query *q) {
    free(q->folder);
    free(q->id);
    free(q->thread);
    *q = (query){.limit = 0};
}

/* An id is checked to be without quotes and backslashes. */
void query_criteria(const query *q, uint64_t after, keel_buf *out) {
    keel_buf_printf(out, "UID %" PRIu64 ":*", after + 1);
    if (*q->since != 0) {
        keel_buf_printf(out, " SINCE %s", q->since);
    }
    if (q->id != NULL) {
        keel_buf_printf(out, " HEADER Message-ID \"%s\"", q->id);
    }
    if (q->thread != NULL) {
        keel_buf_printf(out,
                        " OR OR HEADER Message-ID \"%s\" HEADER References \"%s\" HEADER "
                        "In-Reply-To \"%s\"",
                        q->thread, q->thread, q->thread);
    }
}

void query_cursor(char to[48], uint64_t validity, uint64_t uid) {
    snprintf(to, 48, "%" PRIu64 ":%" PRIu64, validity, uid);
}
