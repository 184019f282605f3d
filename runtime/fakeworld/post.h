/* The mailboxes of a scripted outside. In memory, one owner. */
#ifndef FAKEWORLD_POST_H
#define FAKEWORLD_POST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keel/buf.h"

#define FLAG_SEEN     1u
#define FLAG_ANSWERED 2u
#define FLAG_FLAGGED  4u
#define FLAG_DELETED  8u
#define FLAG_DRAFT    16u
#define FLAGS         5

extern const char *const flag_names[FLAGS]; /* with their backslash */

typedef struct letter {
    int64_t uid;
    int64_t at_s; /* when it came */
    unsigned flags;
    char *bytes;
    size_t len;
} letter;

typedef struct folder {
    char *user;
    char *name;
    int64_t validity; /* another number when the UIDs are others */
    int64_t next;     /* the UID of the next letter */
    letter *letters;  /* by rising UID */
    size_t count;
} folder;

typedef struct post post;

post *post_create(void);
void post_destroy(post *p);
/* NULL: there is none. INBOX is one in any letters. A folder stays where it is until the end. */
folder *post_find(const post *p, const char *user, const char *name);
folder *post_make(post *p, const char *user, const char *name); /* or the one that is there */
folder *post_each(const post *p, size_t i);                     /* NULL behind the last */
/* The new letter's UID. */
int64_t folder_put(folder *f, const char *bytes, size_t len, unsigned flags, int64_t at_s);
void folder_drop(folder *f, size_t i);
/* As a server that has lost its index: other UIDVALIDITYs, UIDs from 1. */
void post_forget(post *p);
/* No letter anywhere. */
void post_clear(post *p);
/* Canonical JSON: [{"folder","letters":[{"digest","flags","id","uid"}],"user"}]. */
void post_write(const post *p, keel_buf *out);

/* Where the body begins; len where there is none. */
size_t letter_head(const char *bytes, size_t len);
/* The header's value, unfolded, without blanks around it, into `out`, which is empty. false: there
 * is none. */
bool letter_header(const char *bytes, size_t len, const char *name, keel_buf *out);
/* What stands between < and > in its Message-ID; "" if it has none. */
void letter_id(const char *bytes, size_t len, char *out, size_t size);

#endif
