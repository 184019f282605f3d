/* Bytes from a terminal as keys, by a small table. No terminal in here.
 *
 * A sequence that is not in the table is no key, and neither is any part of it, however slowly its
 * bytes come: the last byte of an arrow is the letter A. What is pasted (the terminal brackets it) is
 * told apart from what is typed, and so is what follows a paste at once: a pasted text may hold the
 * end of the bracket. */
#ifndef CLI_KEYS_H
#define CLI_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum key_code {
    KEY_TEXT,  /* one character, in text */
    KEY_PASTE, /* the same, pasted */
    KEY_ENTER,
    KEY_ESCAPE,
    KEY_TAB,
    KEY_BACK_TAB,
    KEY_UP,
    KEY_DOWN,
    KEY_PAGE_UP,
    KEY_PAGE_DOWN,
    KEY_HOME,
    KEY_END,
    KEY_BACKSPACE,
    KEY_CLEAR,  /* Ctrl-U */
    KEY_REDRAW, /* Ctrl-L */
} key_code;

typedef struct key {
    key_code code;
    char text[5]; /* UTF-8, NUL-terminated */
} key;

#define KEYS_SEQUENCE_MAX 16

typedef struct keys {
    int state;
    char bytes[KEYS_SEQUENCE_MAX]; /* of a sequence or a character that has begun */
    size_t len;
    size_t matched;     /* bytes of the end of a paste */
    int64_t last_ms;    /* when the last byte came */
    int64_t escaped_ms; /* when an ESC was taken for the key */
    int64_t pasted_ms;  /* when a paste ended */
} keys;

void keys_begin(keys *k);
/* One byte that came; true when it completes a key. */
bool keys_feed(keys *k, unsigned char byte, int64_t now_ms, key *out);
/* Nothing has come until now: an ESC that stays alone is a key. */
bool keys_idle(keys *k, int64_t now_ms, key *out);
/* How long to wait for a byte before keys_idle is to be called; -1: as long as one likes. */
int keys_wait_ms(const keys *k);

#endif
