/* What the kernel's files ask of each other about labels and quarantine. */
#ifndef KERNEL_LABELS_H
#define KERNEL_LABELS_H

#include "state.h"

/* How a run began: with which label, and what may come out of it. */
typedef struct beginning {
    item_label label;
    keel_buf quarantine; /* the caller's */
} beginning;

/* How a run ended, as who waits for it is told. */
typedef struct ending {
    keel_buf outcome;
    item_label label;
    char endorsed[64]; /* "", or the rule that endorses the outcome, */
    digest endorser;   /* as it was then */
} ending;

/* ---- labels.c: what a run has read ---- */
#define LABEL_NONE                                                                                 \
    ((item_label){false, SENSITIVITY_PUBLIC}) /* of what says nothing, or is Keel's own */
/* Of what a person gives: what the command says of it, or internal; of nothing at all: public. */
int label_given(keel_json args, keel_json what, item_label *out, diag *d);
item_label label_of_verb(const call *c,
                         const char *by); /* of what comes back; by whom, see close.c */
item_label
label_of_record(keel_json body); /* "sensitivity", "tainted"; internal without the first */
item_label label_of_columns(const char *tainted, const char *level);
/* Members of a record, each where it says something: in two places, since what stands between them in
 * the order of names differs. run_reads also raises the run; a level that it has already is not told
 * again. */
typedef struct label_told {
    bool raised;
    item_label of;
} label_told;
label_told run_reads(run *r, item_label of);
void label_put_level(const label_told *t, keel_json_writer *w);
void label_put_taint(const label_told *t, keel_json_writer *w);
/* Whether max_taint of an agent lets its runs read that. Else why not, as a sentence about `what`. */
bool plugin_takes(const plugin *p, item_label of);
void plugin_refuses(const plugin *p, const char *what, item_label of, char *why, size_t size);

/* ---- quarantine.c: runs out of which only closed values come ---- */
/* {"endorsed"?:{"digest":hex,"rule"},"returns":SCHEMA} of a spawn's arguments; nothing if they ask for
 * none. -1 and why: what they ask for is not closed. */
int quarantine_asked(keel_json args, keel_buf *schema, char *why, size_t size);
void quarantine_write(const char *schema, const policy_rule *endorses, keel_buf *out);
bool quarantine_same(const keel_buf *began, const char *schema);
/* How it ended, for who waits: the child's own words are not in it. quarantine none: all of it is. */
void ending_write(keel_json quarantine, uint64_t run_id, keel_json state, keel_json result,
                  keel_json error, ending *out);
/* The label of an ending for that waiter; *rule: the one that endorses it, or NULL. */
item_label ending_label(kernel *k, const run *waiter, const ending *end, const char **rule);

#endif
