/* What message.read is asked, and the cursor. */
#ifndef MAIL_QUERY_H
#define MAIL_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keel/buf.h"
#include "keel/json.h"

#define QUERY_LIMIT   500
#define QUERY_PROBLEM 300

typedef struct query {
    char *folder;   /* NULL: the account's */
    char *id;       /* one Message-ID, or NULL */
    char *thread;   /* a Message-ID and what answers or is answered with it, or NULL */
    char since[16]; /* "1-Nov-2026", or "" */
    size_t limit;
    bool has_cursor;
    uint64_t validity; /* of the cursor */
    uint64_t uid;      /* the last one read */
} query;

/* {"cursor"?,"folder"?,"id"?,"limit"?,"since"?:"2026-11-01","thread"?}. 0, or -1 with what is wrong.
 * Finish it in both cases. */
int query_parse(query *q, keel_json body, char problem[QUERY_PROBLEM]);
void query_finish(query *q);
/* The criteria of a SEARCH for what stands behind `after`. */
void query_criteria(const query *q, uint64_t after, keel_buf *out);
/* "VALIDITY:UID" */
void query_cursor(char to[48], uint64_t validity, uint64_t uid);

#endif
