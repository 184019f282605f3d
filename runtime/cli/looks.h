/* What a person looks at in the full-screen `keel inbox`: items in groups, the lines of their bodies,
 * which of these have been on the screen, and what a key does. Pure: keys go in, a screen of text and
 * an action come out; no terminal, no clock, no kernel. One thread.
 *
 * An item has been seen when each of its lines, and each line that it shares with others of its
 * group, has been drawn. What approves takes only items that were seen, that are as they were then,
 * and whose last line did not come on the screen in this very moment; the numbers are fixed when the
 * key is pressed. What comes in later stands in a group of its own at the end, and nothing moves. */
#ifndef CLI_LOOKS_H
#define CLI_LOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keel/buf.h"
#include "keys.h"
#include "term.h"

#define LOOKS_TEXT_MAX 256 /* of a line that is typed; PASSPHRASE_MAX is no more */
#define LOOKS_DWELL_MS 300 /* between the first sight of a body and its approval */

typedef struct looks looks;

typedef struct looks_item {
    int64_t number;
    const char *version; /* another one: the item is not what it was */
    const char *kind;    /* "approval" | "question" | "unknown" | "stuck" */
    const char *agent, *target, *rule;
    int64_t opened_us, expires_us; /* expires_us 0: never */
    int64_t reminders;             /* sent since nobody decided */
    const char *batch; /* those of one may be approved at one look; NULL: of agent, target, rule, */
    size_t most;       /* at most so many */
    size_t choices;    /* of a question: how many answers; 0: it is typed */
} looks_item;

/* Where bodies come from: lines that are safe to show, for `on`. `shared` is what items of one group
 * may have in common. False when it cannot be read; own then says why. */
typedef bool looks_body(void *ctx, const looks_item *item, const term *on, keel_buf *shared,
                        keel_buf *own);

looks *looks_create(looks_body *body, void *ctx, bool colour);
void looks_destroy(looks *l); /* wipes what was typed */

void looks_size(looks *l, size_t rows, size_t columns);
/* All that needs a person now, in the order of the first look. Texts are copied. */
void looks_update(looks *l, const looks_item *list, size_t count);

bool looks_has(const looks *l, int64_t number, const char *version); /* an item that is open */

/* The screen: `*rows` lines without line breaks, valid until the next call. Draws, and so sees. */
const keel_buf *looks_draw(looks *l, int64_t now_ms, int64_t now_us, size_t *rows);
/* Where the cursor stands while a line is typed; false: nowhere. */
bool looks_cursor(const looks *l, size_t *row, size_t *column);

typedef enum looks_action {
    LOOKS_NOTHING,
    LOOKS_QUIT,
    LOOKS_UNLOCK,  /* looks_typed is a passphrase; then looks_unlocked */
    LOOKS_APPROVE, /* looks_numbers */
    LOOKS_DENY,    /* looks_numbers, because of looks_typed */
    LOOKS_EDIT,    /* looks_numbers has the one */
    LOOKS_ANSWER,  /* the same, by looks_choice, or where that is 0 by looks_typed */
    LOOKS_WHY,     /* the same; then looks_overlay */
    LOOKS_REDRAW,  /* all of it anew */
} looks_action;

looks_action looks_key(looks *l, const key *k, int64_t now_ms);
const int64_t *looks_numbers(const looks *l, size_t *count);
bool looks_remembers(const looks *l); /* the approval is to be remembered */
const char *looks_typed(const looks *l);
size_t looks_choice(const looks *l);
void looks_forget_typed(looks *l); /* wipes it */

/* The prompt under which the passphrase is asked, the next time that something is approved. */
void looks_prompt(looks *l, const char *prompt);
void looks_no_passphrase(looks *l); /* none is asked: what approves finds out why */
/* true: it was right, and the action that waited for it is returned; false: asked once more, unless
 * `last`. */
looks_action looks_unlocked(looks *l, bool right, bool last);

/* What became of one number; then, when all are told, looks_settled. `reason` may be "". */
void looks_outcome(looks *l, int64_t number, const char *outcome, const char *reason,
                   int64_t now_us);
void looks_settled(looks *l);
/* Nothing is known of what was asked: the batch is over, its items stay. */
void looks_failed(looks *l, const char *what, const char *next, int64_t now_us);
/* An item was changed here: its body is read again and has to be seen again. */
void looks_changed(looks *l, int64_t number, const char *version);

/* A line for the status; it stays until the next key. */
void looks_say(looks *l, tint t, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* What holds as long as it is not taken back, such as that the kernel does not run; NULL: nothing. */
void looks_warn(looks *l, const char *text);
/* Lines over the pane until a key closes them. */
void looks_overlay(looks *l, const char *text, size_t len);

size_t looks_left(const looks *l); /* open items */
/* What was done, for the normal screen: "6 approved, 1 stale, 3 left." and what did not go well. */
void looks_summary(const looks *l, keel_buf *out);

#endif
