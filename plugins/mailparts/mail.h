/* One message: bytes in, what an agent may know of it out. Pure: no files, no clock, no host.
 *
 * Any bytes are a mail, if a poor one: broken MIME, unknown character sets, NULs and raw 8-bit
 * headers give the best text that can be had, and `truncated` says what was left out. All text that
 * comes out is valid UTF-8 without control characters other than newline and tab. One thread. */
#ifndef MAILPARTS_MAIL_H
#define MAILPARTS_MAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keel/buf.h"
#include "keel/json.h"

#define MAIL_LOOK_LIMIT  (1u << 20) /* bytes of one message that are looked at */
#define MAIL_TEXT_LIMIT  16384      /* bytes of text that are given back, unless config says else */
#define MAIL_LIST_LIMIT  200        /* recipients, references */
#define MAIL_PART_LIMIT  500        /* MIME parts looked at */
#define MAIL_DEPTH_LIMIT 24         /* nested multiparts */
#define MAIL_FILES_LIMIT 50         /* attachments listed */

typedef struct mail_list {
    char **items;
    size_t count;
} mail_list;

typedef struct mail_file {
    char *name;
    char *type;
    int64_t size; /* decoded bytes, as far as looked at */
} mail_file;

typedef struct mail {
    char *message_id; /* without <>; "" if missing or not one that can be quoted in a reply */
    char digest[40];  /* "sha256:" and 32 hex digits of the bytes looked at */
    char *from;       /* address; "" if none could be read */
    char *from_name;
    char
        *sender; /* the one address in From; "" if there are several, or none that can be sent to */
    char *reply_to;
    char *subject;
    char *in_reply_to;
    char *list;      /* the mailing list, "" if none */
    char *bulk;      /* the header that says "bulk", "" if none */
    char *automatic; /* the header that says that no person wrote this, "" if none */
    mail_list to;
    mail_list cc;
    mail_list references;
    int64_t date_us; /* -1: none that can be believed */
    keel_buf text;
    mail_file *files;
    size_t file_count;
    bool truncated; /* text, parts or lists are not whole */
} mail;

/* Initialises GMime and opens the character sets that mail uses, so that no file is needed later.
 */
void mail_warm(void);
/* Fills m from zeroed or undefined memory; finish it with mail_finish. */
void mail_parse(mail *m, const char *bytes, size_t len, size_t text_limit);
void mail_finish(mail *m);

/* The owner's own addresses, as patterns with "*"; compared without case. */
typedef struct mail_owner {
    char **patterns;
    size_t count;
} mail_owner;
bool mail_owner_is(const mail_owner *o, const char *address);

/* What the store around the message knows. */
typedef struct mail_place {
    const char *id; /* unique within its page */
    uint64_t size;  /* of the whole message */
    bool cut;       /* longer than what was looked at */
    bool seen;
    bool answered;
} mail_place;
/* Writes one item of a read's answer: an object, keys in canonical order, without date_us when
 * there is none. */
void mail_write(keel_json_writer *w, const mail *m, const mail_place *at, const mail_owner *o);

/* ---- pieces, each in its own file ---- */

/* mail_words.c: text from hostile bytes. */
/* Appends bytes as clean UTF-8: CRLF becomes LF, controls vanish, bad bytes become U+FFFD. Stops at
 * a character when out is `limit` long; false then. one_line: newlines and tabs become spaces. */
bool words_clean(keel_buf *out, const char *bytes, size_t len, size_t limit, bool one_line);
/* The same as a new string of at most `limit` bytes; NULL gives "". */
char *words_line(const char *text, size_t limit);
/* Whether text is a message id that can stand between < and > in a header. */
bool words_is_id(const char *text);
/* Text with the first <...> taken out of its brackets, cleaned. */
char *words_unbracket(const char *text, size_t limit);

/* mail_charset.c */
void charset_warm(void);
/* Appends bytes of that character set as UTF-8 of at most `limit` bytes; guesses when the name is
 * unknown or wrong. Not yet cleaned. */
void charset_append(keel_buf *out, const char *charset, const char *bytes, size_t len,
                    size_t limit);

/* mail_html.c: the words of an HTML page, blocks on lines of their own, scripts and styles left
 * out. html is UTF-8. */
void html_text(keel_buf *out, const char *html, size_t len);

/* mail_body.c: text, files and truncated of m from a GMimeObject (as void, to keep GMime out of
 * this header). */
void mail_body(mail *m, void *object, size_t text_limit);

/* mail_tame.c: takes out of the bytes what GMime would follow until the stack ends. */
void mail_tame(char *bytes, size_t len);

/* mail_marks.c: list, bulk and automatic of m from a GMimeMessage. */
void mail_marks(mail *m, void *message);

#endif
