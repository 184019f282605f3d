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

#include "keel/buf.h"
#include "keel/json.h"
#include "term.h"

typedef struct render_source {
    const char *name; /* "the run's input", "the result of 2.1" */
    keel_json value;
} render_source;

typedef struct render_card {
    int64_t number;
    uint64_t run;
    const char *path;
    const char *agent;
    const char *target; /* "inbox.message.write" */
    const char *class;
    const char *kind;     /* "approval" | "unknown" */
    const char *state;    /* of the item: open, stale ... */
    const char *approval; /* digest, hex; or NULL */
    bool way_back;        /* its connector promises to take it back */
    keel_json args;
    keel_json decision;           /* policy.h, policy_explain */
    keel_json why;                /* the agent's words, or none */
    keel_json evidence;           /* or none */
    const render_source *sources; /* what the run was given and what its reads returned */
    size_t source_count;
    int64_t opened_us, expires_us; /* expires_us 0: never */
    int64_t calls;                 /* of the run's tree so far */
    int64_t cost_micros;
    const char *currency;
} render_card;

void render(const render_card *card, const term *on, int64_t now_us, keel_buf *out);
/* One line: number, agent, target, first telling fields. */
void render_brief(const render_card *card, keel_buf *out);
/* The fields of canonical arguments, as in a card. */
void render_fields(keel_json args, const term *on, keel_buf *out);
/* The same, but of larger nested members only how many there are. */
void render_outline(keel_json value, const term *on, keel_buf *out);
/* A few short fields of arguments on one line, most telling first: "to: ann@example.org, ..." */
void render_summary(keel_json args, keel_buf *out);
/* The dim name of a row of a card, padded; and a whole row of one text. */
void render_label(const term *on, keel_buf *out, const char *name);
void render_row(const term *on, keel_buf *out, const char *name, const char *text);
/* What a class promises, in the operator's words. */
const char *render_class(const char *class);

/* ---- evidence.c ---- */

typedef enum quote_found { QUOTE_IN_SOURCE, QUOTE_IN_COPY, QUOTE_NOWHERE } quote_found;
/* Whether a quotation stands word for word in one of the sources (*where: its index), else in
 * `copy`, the text that the agent itself attached. Spacing may differ. */
quote_found evidence_find(keel_json quote, const render_source *sources, size_t count,
                          keel_json copy, size_t *where);

/* ---- gutter.c ---- */

/* Text behind the gutter, each line after `indent` spaces, wrapped to `width` columns in all. */
void gutter_text(keel_buf *out, const char *text, size_t len, size_t indent, size_t width);
/* Whether text can stand on one line of its own: short, no line break. */
bool gutter_short(const char *text, size_t len, size_t width);

#endif
