/* A session of IMAP4rev1, as the files of that face share it. */
#ifndef FAKEWORLD_IMAP_H
#define FAKEWORLD_IMAP_H

#include "imap_words.h"
#include "mail.h"

#define IMAP_NAME 256

typedef struct imap {
    world *w;
    conn *c; /* NULL: a command that is late, and has no session any more */
    char user[128];
    bool logged_in, waits_plain;
    char open[IMAP_NAME]; /* the folder that is selected; "": none */
    bool writable;
    int64_t *known; /* the UIDs that the client has been told of, in the order of their numbers */
    size_t known_count;
    imap_gather gather;
    imap_words words; /* of the command */
    char tag[64];
    char method[24];
    keel_buf raw;      /* the command's bytes */
    const char *fault; /* of a late one, or NULL */
} imap;

/* One command: appends untagged responses to out. "OK words", "NO words" or "BAD words". */
typedef const char *imap_command(imap *m, const fault *by, keel_buf *out);

folder *imap_folder(const imap *m); /* the one that is open, or NULL */
int64_t imap_last_uid(const folder *f);
/* ---- imap_command.c ---- */
imap_command *imap_command_find(const char *name, bool uid);
/* ---- imap_letters.c ---- */
typedef struct imap_uids {
    int64_t *uids;
    size_t count;
} imap_uids;
/* A change of some letters of a folder, for the log: said before it is done. to: or NULL. */
void imap_told(const imap *m, const fault *by, const folder *f, const char *to, const imap_uids *p);
imap_command imap_append, imap_store, imap_copy, imap_move, imap_expunge, imap_uid_expunge,
    imap_close_folder;
/* ---- imap_fetch.c ---- */
imap_command imap_fetch;
void imap_put_flags(const letter *l, keel_buf *out);
/* ---- imap_search.c ---- */
imap_command imap_search;

#endif
