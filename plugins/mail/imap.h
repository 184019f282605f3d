/* An IMAP session over keel.stream/1: logged in when it is opened, kept between verbs, opened anew when
 * it broke. One command at a time. */
#ifndef MAIL_IMAP_H
#define MAIL_IMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keel/buf.h"
#include "keel/plugin.h"
#include "keel/stream.h"
#include "wire.h"

#define IMAP_SAID 240

typedef struct imap {
    const keel_host *host;
    const keel_stream *stream;
    keel_call *call; /* of the verb that runs */
    uint64_t id;     /* of the stream; 0: none */
    keel_buf in;
    size_t taken; /* bytes of it that were answered for */
    wire_frame frame;
    unsigned tag;
    bool has_move;
    bool has_uidplus;
    uint64_t validity;    /* UIDVALIDITY of the folder that is open */
    char said[IMAP_SAID]; /* the server's words when it refused, or what broke */
    keel_status broke;    /* why the session ended */
} imap;

typedef enum imap_result {
    IMAP_OK,
    IMAP_NO,  /* the server refused: `said` */
    IMAP_LOST /* no answer: `broke` and `said`; the session is closed */
} imap_result;

/* One untagged response, behind its "* ". */
typedef void imap_on(void *ctx, wire_scan *s);

void imap_init(imap *m, const keel_host *host, const keel_stream *stream);
/* A session for this verb: the one that is there if it still answers, else a new one. */
imap_result imap_begin(imap *m, keel_call *call, const char *address);
void imap_close(imap *m);
void imap_finish(imap *m);

/* A command and what came back; on may be NULL. Texts in it are quoted by the caller. */
imap_result imap_run(imap *m, imap_on *on, void *ctx, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* A folder's name as the protocol has it: quoted, modified UTF-7. false: it cannot be one. */
bool imap_name(keel_buf *out, const char *folder);

/* Opens a folder, to change it or only to look. */
imap_result imap_select(imap *m, const char *folder, bool writable);
/* IMAP_OK and whether there is such a folder. */
imap_result imap_exists(imap *m, const char *folder, bool *exists);
imap_result imap_append(imap *m, const char *folder, const char *flags, const keel_buf *bytes);

typedef struct imap_uids {
    uint64_t *items;
    size_t count;
} imap_uids;
#define IMAP_UIDS 1000000u
void imap_uids_free(imap_uids *u);
void imap_uids_add(imap_uids *u, uint64_t uid);
/* Appends "3,7,9" of the items from `from` on, at most `limit`. */
void imap_uids_write(const imap_uids *u, size_t from, size_t limit, keel_buf *out);

/* UID SEARCH with these criteria, in rising order, none twice. */
imap_result imap_search(imap *m, imap_uids *out, const char *criteria);
/* Those of the open folder whose Message-ID is exactly this one. */
imap_result imap_find(imap *m, const char *message_id, imap_uids *out);
/* Marks as read and moves away. Without MOVE: copied, marked as deleted, and expunged where the server
 * can expunge these alone. */
imap_result imap_move(imap *m, const imap_uids *uids, const char *to);
imap_result imap_delete(imap *m, const imap_uids *uids);

typedef struct imap_message {
    uint64_t uid;
    uint64_t size;
    bool seen;
    bool answered;
    bool has_body;
    wire_word body;
} imap_message;
/* What a FETCH says; false if it is none, or has no UID. */
bool imap_fetch_parse(wire_scan *s, imap_message *out);

#endif
