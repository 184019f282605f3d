/* Writing: one message into the outbox Maildir, under a name made from the effect's key, so that
 * the same effect cannot be delivered twice; and looking whether it was. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "box.h"
#include "mail_format.h"
#include "maildir.h"

#define KEY_LIMIT  120
#define PATH_SIZE  400
#define HEAD_LIMIT 65536 /* headers of a foreign file that are searched */

typedef struct delivery {
    char key[KEY_LIMIT + 1];
    char name[KEY_LIMIT + 8]; /* keel.KEY */
    char id[KEY_LIMIT + 16];  /* KEY@keel.invalid */
    char found[PATH_SIZE];    /* where in the outbox it lies, "" if it does not */
    bool in_tmp;
} delivery;

static bool set_key(delivery *d, keel_span key) {
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
    *d = (delivery){.in_tmp = false};
    if (key.len == 0 || key.len > KEY_LIMIT) {
        return false;
    }
    memcpy(d->key, key.data, key.len);
    snprintf(d->name, sizeof d->name, "keel.%s", d->key);
    snprintf(d->id, sizeof d->id, "%s@keel.invalid", d->key);
    return strspn(d->key, good) == key.len;
}

/* ---- looking ---- */

/* Whether the header lines in the text hold this Message-ID. */
static bool head_has_id(const char *text, size_t len, const char *id) {
    char wanted[KEY_LIMIT + 20];
    snprintf(wanted, sizeof wanted, "<%s>", id);
    size_t wanted_len = strlen(wanted);
    while (len > 0 && *text != '\n' && *text != '\r') {
        const char *end = memchr(text, '\n', len);
        size_t line = end != NULL ? (size_t)(end - text) + 1 : len;
        if (line > 11 && strncasecmp(text, "Message-ID:", 11) == 0) {
            /* The id may be folded onto the next line. */
            size_t look = len < line + 200 ? len : line + 200;
            return memmem(text + 11, look - 11, wanted, wanted_len) != NULL;
        }
        text += line;
        len -= line;
    }
    return false;
}

static keel_status is_ours(const box *b, keel_call *call, const char *path, const char *id,
                           bool *ours) {
    keel_span head = {NULL, 0};
    keel_status status = b->fs->read(b->fs->ctx, call, b->outbox, path, 0, HEAD_LIMIT, &head);
    *ours = status == KEEL_OK && head.len > 0 && head_has_id(head.data, head.len, id);
    return status == KEEL_E_NOT_FOUND ? KEEL_OK : status; /* moved away since: not here */
}

/* By name first; whoever moves mail may have renamed it, so that foreign names are opened. */
static keel_status look_in(const box *b, keel_call *call, const char *folder, delivery *d) {
    const keel_fs_entry *entries = NULL;
    size_t count = 0;
    keel_status status = b->fs->list(b->fs->ctx, call, b->outbox, folder, &entries, &count);
    if (status == KEEL_E_NOT_FOUND) {
        return KEEL_OK;
    }
    size_t len = strlen(d->name);
    for (size_t i = 0; status == KEEL_OK && i < count && *d->found == 0; i++) {
        const char *name = entries[i].name;
        bool ours = maildir_unique(name) == len && memcmp(name, d->name, len) == 0;
        char path[PATH_SIZE];
        snprintf(path, sizeof path, "%s/%s", folder, name);
        if (!ours && strncmp(name, "keel.", 5) != 0 && entries[i].kind == 1) {
            status = is_ours(b, call, path, d->id, &ours);
        }
        if (ours) {
            memcpy(d->found, path, sizeof path);
        }
    }
    return status;
}

static keel_status look(const box *b, keel_call *call, delivery *d) {
    keel_status status = look_in(b, call, "tmp", d);
    d->in_tmp = *d->found != 0;
    *d->found = 0;
    if (status == KEEL_OK) {
        status = look_in(b, call, "new", d);
    }
    if (status == KEEL_OK && *d->found == 0) {
        status = look_in(b, call, "cur", d);
    }
    /* A mail reader moves from new to cur, perhaps between the two looks. */
    if (status == KEEL_OK && *d->found == 0) {
        status = look_in(b, call, "new", d);
    }
    return status;
}

/* ---- answering ---- */

static void write_ref(keel_json_writer *w, const delivery *d) {
    keel_json_object(w);
    keel_json_set_text(w, "file", d->found);
    keel_json_set_text(w, "id", d->id);
    keel_json_object_end(w);
}

static keel_status reply(const box *b, keel_call *call, keel_buf *out) {
    keel_status status = b->host->reply(b->host->ctx, call, (keel_span){out->data, out->len});
    keel_buf_free(out);
    return status;
}

static keel_status reply_delivered(const box *b, keel_call *call, const delivery *d) {
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    write_ref(&w, d);
    return reply(b, call, &out);
}

static keel_status reply_dry(const box *b, keel_call *call, const delivery *d, size_t size) {
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    keel_json_object(&w);
    keel_json_set_bool(&w, "dry_run", true);
    keel_json_set_text(&w, "id", d->id);
    keel_json_set_int(&w, "size", (int64_t)size);
    keel_json_object_end(&w);
    return reply(b, call, &out);
}

/* ---- delivering ---- */

/* The date is the moment of delivery. The bytes need not be the same on a second try: a checkable
 * write is tried again only where the first is proved not to have been delivered. */
static int64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* keel.fs makes folders only for files, so each gets one for a moment. */
static void make_folders(const box *b, keel_call *call) {
    static const char *const marks[] = {"new/.keel-maildir", "cur/.keel-maildir"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        keel_span none = {"", 0};
        b->fs->write_atomic(b->fs->ctx, call, b->outbox, marks[i], none, 0);
        b->fs->remove(b->fs->ctx, call, b->outbox, marks[i]);
    }
}

static keel_status into_new(const box *b, keel_call *call, const char *from, const char *to) {
    const keel_fs *fs = b->fs;
    keel_status status = fs->rename(fs->ctx, call, b->outbox, from, b->outbox, to);
    if (status == KEEL_E_NOT_FOUND) {
        make_folders(b, call);
        status = fs->rename(fs->ctx, call, b->outbox, from, b->outbox, to);
    }
    return status;
}

static keel_status deliver(const box *b, keel_call *call, delivery *d, const keel_buf *bytes) {
    char from[PATH_SIZE];
    char to[PATH_SIZE];
    snprintf(from, sizeof from, "tmp/%s", d->name);
    snprintf(to, sizeof to, "new/%s", d->name);
    const keel_fs *fs = b->fs;
    keel_status status =
        fs->write_atomic(fs->ctx, call, b->outbox, from, (keel_span){bytes->data, bytes->len}, 0);
    if (status != KEEL_OK) {
        /* What is only in tmp is not delivered, however the writing there ended. */
        bool final = status == KEEL_E_INVALID || status == KEEL_E_DENIED;
        return box_fail(
            b, call, final ? status : KEEL_E_RETRY,
            "the outbox %s cannot be written; nothing was sent; check its disk and mode",
            b->outbox);
    }
    status = into_new(b, call, from, to);
    if (status != KEEL_OK && status != KEEL_E_CONFLICT) {
        return box_fail(b, call, status, "the message lies in %s/%s and could not be moved to new",
                        b->outbox, from);
    }
    memcpy(d->found, to, sizeof to);
    return reply_delivered(b, call, d);
}

static keel_status check_request(const box *b, keel_call *call, const keel_request *r,
                                 delivery *d) {
    if (b->outbox == NULL) {
        return box_fail(b, call, KEEL_E_INVALID,
                        "this connection has no `outbox`: it only reads; set it to a Maildir");
    }
    if (!set_key(d, r->key)) {
        return box_fail(b, call, KEEL_E_INVALID,
                        "a message is sent under a key of letters, digits, \"-\" and \".\"");
    }
    return KEEL_OK;
}

keel_status box_write(box *b, keel_call *call, const keel_request *r) {
    delivery d;
    keel_status status = check_request(b, call, r, &d);
    if (status != KEEL_OK) {
        return status;
    }
    mail_draft draft;
    char problem[DRAFT_PROBLEM] = "";
    keel_buf bytes = KEEL_BUF_INIT;
    if (!draft_parse(&draft, keel_json_view(r->body.data, r->body.len), problem)) {
        status = box_fail(b, call, KEEL_E_INVALID, "%s", problem);
    } else {
        draft_format(&bytes, &draft, b->from_name, b->from, d.id, now_us());
        status = look(b, call, &d);
        if (status != KEEL_OK) {
            status = box_fail(b, call, KEEL_E_RETRY,
                              "the outbox %s cannot be listed; nothing was sent", b->outbox);
        } else if (*d.found != 0) {
            status = reply_delivered(b, call, &d); /* the same effect, delivered before */
        } else if ((r->flags & KEEL_REQUEST_DRY_RUN) != 0) {
            status = reply_dry(b, call, &d, bytes.len);
        } else {
            status = deliver(b, call, &d, &bytes);
        }
    }
    keel_buf_free(&bytes);
    draft_finish(&draft);
    return status;
}

/* Found in new or cur: delivered. Only in tmp: not, since the rename is the delivery, and whoever
 * empties an outbox takes nothing from tmp. Nowhere: not delivered, if nothing else empties it. */
keel_status box_reconcile(box *b, keel_call *call, const keel_request *r) {
    delivery d;
    keel_status status = check_request(b, call, r, &d);
    if (status != KEEL_OK) {
        return status;
    }
    status = look(b, call, &d);
    if (status != KEEL_OK) {
        return box_fail(b, call, status, "the outbox %s cannot be searched; check its mode",
                        b->outbox);
    }
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    keel_json_object(&w);
    if (*d.found != 0) {
        keel_json_key(&w, "ref");
        write_ref(&w, &d);
        keel_json_set_text(&w, "state", "applied");
    } else {
        keel_json_set_text(&w, "state", d.in_tmp || !b->drained ? "absent" : "cannot_tell");
    }
    keel_json_object_end(&w);
    return reply(b, call, &out);
}
