#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mbox.h"
#include "read.h"

#define TORN_AGE_US 60000000 /* a file untouched for so long is not being written */

typedef struct source {
    const page *page;
    const char *file;
    keel_status status;
} source;

static int read_at(void *ctx, uint64_t offset, size_t len, const char **data, size_t *got) {
    source *s = ctx;
    const box *b = s->page->box;
    keel_span bytes = {NULL, 0};
    s->status = b->fs->read(b->fs->ctx, s->page->call, b->source, s->file, offset, len, &bytes);
    if (s->status == KEEL_OK) {
        *data = bytes.data;
        *got = bytes.len;
    }
    return s->status;
}

static keel_status explain(const page *p, const source *s, const mbox *m, int rc) {
    if (rc == MBOX_BAD) {
        return box_fail(p->box, p->call, KEEL_E_CONFLICT,
                        "%s/%s: %s. If it was rewritten, read again without a cursor: ids stay as "
                        "they are, so what is known is known; if not, look at the file there",
                        p->box->source, s->file, m->problem);
    }
    return box_fail(p->box, p->call, s->status,
                    "the mbox %s/%s cannot be read; check `source`, "
                    "`file` and the file's mode",
                    p->box->source, s->file);
}

/* A last line without its end may still be growing; it is left for the next read, unless nobody has
 * touched the file for a while. */
static bool still_written(const page *p, const source *s) {
    keel_fs_stat st = {.size_of = sizeof st};
    const keel_fs *fs = p->box->fs;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t now_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    return fs->stat(fs->ctx, p->call, p->box->source, s->file, &st) == KEEL_OK &&
           now_us - st.mtime_us < TORN_AGE_US;
}

static int fill(page *p, source *s, mbox *m, uint64_t *end) {
    keel_buf message = KEEL_BUF_INIT;
    int rc = MBOX_END;
    mbox_entry e;
    while ((rc = mbox_next(m, &message, MAIL_LOOK_LIMIT, &e)) == MBOX_MESSAGE) {
        if (page_full(p)) {
            p->more = true;
            break;
        }
        if (e.torn && still_written(p, s)) {
            break;
        }
        mail_place at = {.size = e.size, .cut = e.cut, .seen = e.seen, .answered = e.answered};
        page_add(p, message.data, message.len, &at);
        p->looked += e.size - message.len;
        *end = e.end;
    }
    keel_buf_free(&message);
    return rc == MBOX_MESSAGE ? MBOX_END : rc;
}

keel_status read_mbox(page *p, const char *file) {
    source s = {.page = p, .file = file};
    mbox m;
    uint64_t end = 0;
    mbox_begin(&m, read_at, &s, 0);
    int rc = p->cursor != NULL ? mbox_resume(&m, p->cursor, &end) : 0;
    char next[MBOX_CURSOR_SIZE] = "";
    if (rc == 0) {
        m.at = end;
        rc = fill(p, &s, &m, &end);
    }
    if (rc == MBOX_END) {
        rc = mbox_cursor(&m, end, next);
    }
    if (rc != 0) {
        return explain(p, &s, &m, rc);
    }
    keel_buf_puts(&p->next, next);
    return KEEL_OK;
}
