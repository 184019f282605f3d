/* An mbox file, message by message, from any offset. Pure: bytes come through a function.
 *
 * A message begins at a line "From SENDER DATE" that opens the file or follows an empty line; a
 * line of the body that only begins with "From " is body. One ">" is taken off lines that begin
 * with ">From ",
 * ">>From " and so on. CRLF and LF both do; Content-Length is not believed. */
#ifndef MAILBOX_MBOX_H
#define MAILBOX_MBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keel/buf.h"

/* Up to len bytes at offset; fewer (or none) at the end. Borrowed until the next call. Not 0: the
 * file cannot be read, which mbox_next passes on. */
typedef int mbox_read(void *ctx, uint64_t offset, size_t len, const char **data, size_t *got);

#define MBOX_WINDOW 131072u

typedef struct mbox {
    mbox_read *read;
    void *ctx;
    uint64_t at;      /* where the next message begins */
    const char *data; /* the window */
    size_t len;
    uint64_t data_at;
    char problem[200]; /* of the last MBOX_BAD: what is wrong, with its byte offset */
} mbox;

typedef struct mbox_entry {
    uint64_t start; /* of its From line */
    uint64_t end;   /* of its last byte, trailing empty line included */
    uint64_t size;  /* of the message without its From line, still quoted */
    bool cut;       /* longer than was kept */
    bool torn;      /* the file ends within its last line: perhaps it is still being written */
    bool seen;      /* Status and X-Status, as mail readers write them */
    bool answered;
} mbox_entry;

enum { MBOX_END = 0, MBOX_MESSAGE = 1, MBOX_BAD = -100 };

void mbox_begin(mbox *m, mbox_read *read, void *ctx, uint64_t at);
/* The next message: MBOX_MESSAGE with at most `keep` bytes of it in message (cleared first),
 * MBOX_END, MBOX_BAD, or what read returned. */
int mbox_next(mbox *m, keel_buf *message, size_t keep, mbox_entry *e);

/* ---- cursor: "mbox1:OFFSET:CHECK", CHECK over the bytes before OFFSET ---- */

#define MBOX_CURSOR_SIZE 64
/* 0, MBOX_BAD, or what read returned. */
int mbox_cursor(mbox *m, uint64_t offset, char out[MBOX_CURSOR_SIZE]);
/* Checks that the bytes before the cursor are those that were read: 0 with *offset, MBOX_BAD (no
 * cursor, or the file was rewritten), or what read returned. */
int mbox_resume(mbox *m, const char *cursor, uint64_t *offset);

#endif
