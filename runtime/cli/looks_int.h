/* What the files of looks.h share. */
#ifndef CLI_LOOKS_INT_H
#define CLI_LOOKS_INT_H

#include "looks.h"

/* ---- looks_lines.c: text in rows of a given width ---- */

typedef struct drawn_line {
    char *text; /* fits; its tints end with it */
    bool drawn;
} drawn_line;

typedef struct line_list {
    drawn_line *list;
    size_t count, room;
    bool plain; /* our own words: they go on without a gutter */
} line_list;

/* Appends each line of text; one that is too long goes on behind a gutter, cut nowhere. */
void lines_add(line_list *to, const char *text, size_t len, const term *on);
void lines_free(line_list *l);

/* ---- items and groups ---- */

typedef struct entry {
    looks_item is; /* its texts are our own */
    bool gone;     /* decided, expired or changed meanwhile */
    bool left_out; /* by the person */
    bool seen;     /* as a whole, once */
    bool unreadable;
    size_t shared_from, shared_to; /* lines of its group that it needs */
    size_t from, to;
} entry;

typedef struct group {
    entry *list;
    size_t count;
    line_list lines;
    size_t width; /* that the lines were made for; 0: they are not made */
    size_t top, cursor;
    bool looked; /* a line of it was drawn */
} group;

typedef enum asking { ASKS_NOTHING, ASKS_PASSPHRASE, ASKS_REASON, ASKS_ANSWER } asking;

/* What may become of an item. A denial is the person's own, or policy's or a budget's in spite of an
 * approval. */
enum {
    OUTCOME_APPROVED,
    OUTCOME_ANSWERED,
    OUTCOME_DENIED,
    OUTCOME_REFUSED,
    OUTCOME_STALE,
    OUTCOME_GONE,
    LOOKS_OUTCOMES
};

struct looks {
    looks_body *body;
    void *ctx;
    term on;
    size_t rows, columns;
    group **groups;
    size_t group_count;
    size_t at;      /* group_count: what was done */
    size_t entries; /* of the list, as far as the layout goes: what comes in moves nothing */
    size_t first;   /* of the list that is on the screen */

    keel_buf *screen;
    size_t screen_rows;

    asking asks;
    bool unlocked;
    keel_buf prompt, ask_label;
    char typed[LOOKS_TEXT_MAX];
    size_t typed_len;
    int64_t *batch;
    size_t batch_count;
    bool remember; /* it is one, to be remembered */
    size_t choice;

    int64_t fresh_ms; /* when a line came on the screen for the first time */
    keel_buf message;
    tint message_tint;
    keel_buf warning;

    bool over; /* the overlay is open */
    keel_buf overlay;
    size_t over_top;
    bool over_plain;

    keel_buf log; /* what was done, and */
    size_t log_top;
    keel_buf bad; /* what did not go well */
    size_t log_count;
    size_t counts[LOOKS_OUTCOMES];
    size_t told[LOOKS_OUTCOMES]; /* of the batch at hand */
    bool denying;
};

/* ---- looks_items.c ---- */

bool entry_approvable(const entry *e); /* an approval that is open and was seen */
size_t group_open(const group *g);
size_t group_ready(const group *g); /* that `a` would approve */
bool group_is_approval(const group *g);
bool entry_is(const entry *e, const char *kind);
group *looks_group(const looks *l); /* that is shown, or NULL */
entry *looks_entry(const looks *l); /* under the cursor, open or not, or NULL */
entry *looks_find(const looks *l, int64_t number);
void group_forget_lines(group *g);
void looks_purge(looks *l, group *g); /* takes out what is gone; the group too when it is empty */
void looks_items_free(looks *l);
size_t looks_entries(const looks *l); /* groups, and what was done */

/* ---- looks_pane.c ---- */

typedef struct layout {
    size_t strip;     /* rows of groups above the pane */
    size_t left;      /* columns of groups beside it */
    size_t pane_row;  /* its first row */
    size_t pane_rows; /* 0: too small for anything */
    size_t pane_columns;
    bool header;
} layout;

layout looks_layout(const looks *l);
/* Makes the lines of a group for the width that the pane has, keeping the place. */
void group_lines(looks *l, group *g, size_t columns);
/* Lines that are drawn from `top` on are drawn now. */
void group_draw(looks *l, group *g, size_t rows, int64_t now_ms);
size_t group_top_most(const group *g, size_t rows);
size_t
entry_first(const entry *e); /* its first line, with what is shared where that stands before it */

/* ---- looks_list.c ---- */

/* Moves the list as little as it takes to have the group that is shown among `rows` rows. */
void looks_list_place(looks *l, size_t rows, bool deep);
/* Row `row` of it, exactly `columns` wide; `deep`: two rows for each. */
void looks_list_row(const looks *l, size_t row, bool deep, size_t columns, int64_t now_us,
                    keel_buf *out);
/* Text of others, cut to columns and padded. */
void looks_fit(keel_buf *out, const char *text, size_t columns);

/* ---- looks_hints.c ---- */

/* The keys that do something now, as many as fit; and what to say when nothing else is said. */
void looks_keys_line(const looks *l, size_t columns, keel_buf *out);
void looks_progress(const looks *l, const layout *at, keel_buf *out);
extern const char looks_help[];

/* ---- looks_told.c ---- */

void looks_counts(const size_t counts[LOOKS_OUTCOMES], keel_buf *out); /* "6 approved, 1 stale" */

/* ---- looks_answer.c ---- */

looks_action looks_key_answer(looks *l, int64_t now_ms);                /* types one */
looks_action looks_key_choice(looks *l, size_t choice, int64_t now_ms); /* from 1 */

/* ---- looks_type.c ---- */

void looks_ask(looks *l, asking what, const char *label);
looks_action looks_type(looks *l, const key *k);

/* ---- looks_move.c ---- */

void looks_page(looks *l, int direction);  /* at an end: the next group */
void looks_step(looks *l, int direction);  /* item by item */
void looks_leave(looks *l, int direction); /* to another group */
void looks_end(looks *l, int direction);   /* the first or last line */

#endif
