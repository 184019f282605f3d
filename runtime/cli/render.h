/* What a person sees before he signs: rendered by the host from the canonical bytes that will be
 * sent, field by field, so that no text of an agent can change the picture.
 *
 * Data stands behind a gutter, `│` where a line of it begins and `┊` where a line goes on; words
 * of the host never do. Every field shows its length; nothing is cut. Runs of blank lines and of
 * spaces are counted instead of drawn. What the agent says about it stands apart, as its claim. */
#ifndef CLI_RENDER_H
#define CLI_RENDER_H

#include <stdbool.h>
#include <stdint.h>

#include "alike.h"
#include "keel/buf.h"
#include "keel/json.h"
#include "term.h"

/* Where a quotation can stand, in the order of the run's record from its end. */
typedef enum source_kind {
    SOURCE_READ,   /* what a read returned, or what was polled */
    SOURCE_INPUT,  /* what the run was given from outside */
    SOURCE_HANDED, /* the same by another run: that one's words */
    SOURCE_CAME,   /* an event, or what another run ended with */
    SOURCE_OWN,    /* what the run itself wrote, elsewhere */
} source_kind;

typedef struct render_source {
    const char *name; /* "the run's input", "what the read at 2.1 returned" */
    keel_json value;
    source_kind kind;
    const char *path; /* NULL: the input */
} render_source;

typedef struct render_card {
    int64_t number;
    uint64_t run;
    const char *path;
    const char *agent;
    const char *target; /* "inbox.message.write" */
    const char *class;
    const char *kind;     /* "approval" | "question" | "unknown" */
    const char *state;    /* of the item: open, stale ... */
    const char *approval; /* digest, hex; or NULL */
    bool way_back;        /* its connector promises to take it back */
    keel_json args;
    keel_json decision; /* policy.h, policy_explain */
    keel_json budget;   /* which is short, as effect.waiting has it; or nothing */
    keel_json tier;     /* which was put in place of another, and why; or nothing */
    keel_json beyond;   /* limits that an approval lets it go beyond; or nothing */
    keel_json why;      /* the agent's words, or none */
    keel_json evidence; /* or none */
    keel_json remember; /* what an approval may cover further on: a SCOPE, or none */
    int64_t raise_us;   /* the digest that shows it; 0: none */
    keel_json answer;   /* of a question that is over: what its run was told, an outcome; or none */
    bool tainted;       /* a question's run had read what others wrote */
    const render_source *sources; /* what the run was given and what its reads returned */
    size_t source_count;
    size_t erased;                 /* sources whose words were erased */
    const char *unsendable;        /* lines: what its connector would not send; or NULL */
    const alike_known *known;      /* names that others could be mistaken for, or NULL */
    int64_t opened_us, expires_us; /* expires_us 0: never */
    int64_t calls;                 /* of the run's tree so far */
    int64_t cost_micros;
    const char *currency;
} render_card;

void render(const render_card *card, const term *on, int64_t now_us, keel_buf *out);
/* The same card in two parts, close together, for several of one agent, target and rule: what they as
 * a rule have in common, and what is the card's own. Together they say all that the card says. */
void render_shared(const render_card *card, const term *on, keel_buf *out);
void render_own(const render_card *card, const term *on, int64_t now_us, keel_buf *out);
/* The agent's words about it, apart from what will be done; nothing where there are none. */
void render_claim(const render_card *card, const term *on, const char *title, keel_buf *out);
/* One line: number, agent, target, first telling fields, and how much is not on it. */
void render_brief(const render_card *card, keel_buf *out);
/* The fields of canonical arguments, as in a card. */
void render_fields(keel_json args, const term *on, keel_buf *out);
/* With what is to be said of the names in them, beside those that are known (alike.h). */
void render_fields_beside(keel_json args, const alike_known *known, const term *on, keel_buf *out);
/* The same, but of larger nested members only how many there are. */
void render_outline(keel_json value, const term *on, keel_buf *out);
/* A few short fields of arguments on one line, most telling first: "to: ann@example.org, ..." */
void render_summary(keel_json args, keel_buf *out);
size_t render_summary_beside(keel_json args, const alike_known *known, keel_buf *out); /* so many */
/* The dim name of a row of a card, padded; and a whole row of one text. */
void render_label(const term *on, keel_buf *out, const char *name);
/* The row of times, without its end: when it was asked, and how long it stands. */
void render_asked(const render_card *card, const term *on, int64_t now_us, keel_buf *out);
void render_row(const term *on, keel_buf *out, const char *name, const char *text);
/* What a class promises, in the operator's words. */
const char *render_class(const char *class);

/* ---- renderquestion.c ---- */

bool render_is_question(const render_card *card);
void render_question(const render_card *card, const term *on, int64_t now_us, keel_buf *out);
void render_question_shared(const render_card *card, const term *on, keel_buf *out);
void render_question_own(const render_card *card, const term *on, int64_t now_us, keel_buf *out);
/* An answer as people write it: yes, no, a text, a number. */
/* "smart -> fast: budget agent is at 83 %", and the end of the line */
void render_tier(keel_json tier, keel_buf *out);
void render_answer(keel_json value, keel_buf *out);

/* ---- evidence.c ---- */

typedef enum quote_found { QUOTE_IN_SOURCE, QUOTE_IN_COPY, QUOTE_NOWHERE } quote_found;

typedef struct quote_place {
    quote_found found;
    size_t where;   /* QUOTE_IN_SOURCE: its index */
    size_t own;     /* of what the run wrote before that, and has it too; or SIZE_MAX */
    bool elsewhere; /* the entry names another source of the run, in which it is not */
    bool brief;     /* so short that it may stand anywhere */
} quote_place;

/* Where the quotation of an entry {"quote","source"?,"text"?} stands word for word: in the source that
 * it names by its path, or in one of the others; else in "text", which the agent itself attached.
 * Spacing may differ, nothing else. */
quote_place evidence_find(keel_json entry, const render_source *sources, size_t count);

/* ---- render_evidence.c ---- */

void render_evidence(const render_card *card, const term *on, keel_buf *out);

/* ---- gutter.c ---- */

/* Text behind the gutter, each line after `indent` spaces, wrapped to `width` columns in all. */
void gutter_text(keel_buf *out, const char *text, size_t len, size_t indent, size_t width);
/* Whether text can stand on one line of its own: short, no line break. */
bool gutter_short(const char *text, size_t len, size_t width);

#endif
