/* Maildir names and cursors. Pure: the lists of `new` and `cur` come in, what to read comes out.
 *
 * A message is its unique name, the part before ":"; flags and the move from new to cur do not
 * change it. Messages are taken in the order of these names. A delivery may get its name early and
 * appear late, behind names that were read: the cursor therefore holds the last names one by one
 * (MAILDIR_RECENT of them) and below them only the highest; a message that appears below that is
 * not found any more. */
#ifndef MAILBOX_MAILDIR_H
#define MAILBOX_MAILDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keel/buf.h"
#include "keel/fs.h"

#define MAILDIR_RECENT 32

typedef struct maildir_message {
    const char *name;   /* the file's, borrowed from the lists */
    size_t unique;      /* bytes of it that are the unique name */
    const char *folder; /* "new" or "cur" */
    bool seen;
    bool answered;
} maildir_message;

/* Length of the unique part of a file's name. */
size_t maildir_unique(const char *name);
/* Both folders' files by unique name, without hidden ones; the same name in both counts once, as in
 * cur. Returns how many; *out is to be freed. */
size_t maildir_merge(const keel_fs_entry *fresh, size_t fresh_count, const keel_fs_entry *cur,
                     size_t cur_count, maildir_message **out);

typedef struct maildir_cursor {
    keel_buf floor;   /* this name and all before it were read; empty: none */
    uint32_t *recent; /* hashes of names behind the floor that were read */
    size_t recent_count;
} maildir_cursor;

/* "maildir1:FLOOR:HASHES", eight digits each; false if text is none (c is then empty). */
bool maildir_cursor_parse(maildir_cursor *c, const char *text);
void maildir_cursor_finish(maildir_cursor *c);
bool maildir_was_read(const maildir_cursor *c, const maildir_message *m);
/* The cursor after `all` (sorted) of which those were read that c knows or whose `read` is true. */
void maildir_cursor_next(const maildir_cursor *c, const maildir_message *all, const bool *read,
                         size_t count, keel_buf *out);

#endif
