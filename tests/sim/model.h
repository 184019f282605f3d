/* The reference model: what each effect may be, what each consent is good for, what each budget may
 * hold, and what each run was answered, rebuilt from the journal's records alone with the same table
 * (effect_table.h) and the same rules (rules.h) that the kernel decides by. It is fed each record when it
 * is durable, and compares it with the outside's log on the spot; after each crash it is built anew
 * and must begin with all that was durable before. */
#ifndef MODEL_H
#define MODEL_H

#include "effect_table.h"
#include "manifest.h"
#include "plan.h"
#include "simworld.h"

typedef struct model_effect {
    uint64_t run;
    char path[24];
    effect_state state;
    effect_class class;
    char target[64];
    char key[40];
    char args[DIGEST_HEX]; /* digest of the arguments */
    int64_t attempt;
    bool maybe;        /* an attempt may have been applied */
    bool untold;       /* given up, and said to be perhaps done in a lost life */
    bool consented;    /* an approval of these very arguments was used for an attempt */
    int64_t opened_at; /* since when the other side may know its key */
    int64_t tried_us;  /* BOOTTIME at which the last attempt was durable, or later */
    int64_t sent_us;   /* the same of one that may have been applied */
    int64_t seq;       /* of its last record */
    int64_t went_at;   /* wall clock at which it was sent last */
    bool given_back;   /* and was not sent then */
    bool existing;     /* a spawn that found its run */
    /* for undoing.c */
    bool way_back;    /* that it can be taken back was promised before the act */
    digest outcome;   /* what was recorded of it, when it was done */
    int64_t sent_seq; /* of the record by which it was last sent */
    int64_t done_seq; /* of its end, or while it has none of its last record */
    int64_t rollback; /* the record of the rollback that it is in; 0: none */
    size_t rank;      /* its place in that */
    bool passed;      /* in vain, and a person has seen to it */
    uint64_t stuck;   /* the number of that */
} model_effect;

typedef struct model_item {
    uint64_t number;
    uint64_t run;
    char path[24];
    char approval[DIGEST_HEX]; /* what has to be signed now */
    char args[DIGEST_HEX];
    int64_t expires_at;
    int64_t given_at; /* 0: not */
    bool covers;      /* what was signed is what has to be signed */
    int consumed;
} model_item;

typedef struct model_grant {
    uint64_t number;
    char agent[16], target[64];
    char args[DIGEST_HEX];
    int64_t expires_at;
    int64_t left; /* uses; 0: it has ended, too */
} model_grant;

typedef struct model_answer { /* of a call, or a step */
    int64_t seq;
    char path[24];
    record_kind kind;
    char call[17]; /* "" where the record has none */
    char name[64];
    keel_buf outcome;
} model_answer;

typedef struct model_run {
    uint64_t id;
    char agent[16];
    keel_buf input;
    model_answer *answers;
    size_t count;
    char state[16]; /* "" while it is open */
    keel_buf end;
} model_run;

typedef struct model_account {
    char budget[64], scope[64], window[24], unit[8];
    int64_t spent, held;
} model_account;

typedef struct model {
    struct simulation *s;
    model_effect *effects;
    size_t effect_count;
    model_item *items;
    size_t item_count;
    model_grant *grants;
    size_t grant_count;
    char life[17]; /* the incarnation */
    model_run *runs;
    size_t run_count;
    model_account *accounts;
    size_t account_count;
    char (*requests)[24];
    size_t request_count;
    uint64_t *prints; /* of each record, from seq 1 on */
    size_t count;
    int64_t at;    /* of the last record */
    size_t policy; /* in force: its place in the plan, from 1 */
    bool halted;
    int64_t connected[PLAN_CONNECTIONS]; /* the record by which each is reached now */
    bool known; /* the record was seen before: the outside has gone on since */
} model;

struct simulation;
model *model_create(struct simulation *s);
void model_destroy(model *m);
void model_record(model *m, const journal_row *row);
/* The journal as the store has it after a start: a new model, which the old one must be the
 * beginning of. */
void model_reopen(struct simulation *s);
/* A connector was told to write this: the journal must say so already. */
void model_sent(struct simulation *s, const char *key, keel_json args);
model_effect *model_effect_at(const model *m, uint64_t run, const char *path);
/* What was sent under this key and is out now; NULL: nothing. */
model_effect *model_effect_out(const model *m, const char *key);

const char *model_agent(const model *m, uint64_t run); /* "": there is none of that number */

/* ---- consents.c: what was asked, given and used ---- */
void consents_asked(model *m, const journal_row *row, const model_effect *e);
void consents_given(model *m, const journal_row *row);
void consents_consumed(model *m, const journal_row *row, model_effect *e);
void consents_host(model *m, const journal_row *row); /* grants */

/* ---- undoing.c: what is taken back ---- */
void undoing_record(model *m, const journal_row *row); /* one that is of no effect's own way */
void undoing_moved(model *m, const journal_row *row, model_effect *e, effect_state from);
/* A connector was told to take back by this key. The key of what it takes back; NULL: nobody knows. */
const char *undoing_sent(model *m, const char *key, keel_json outcome);
void undoing_at_rest(const model *m);

/* ---- counts.c: what sums and counts of policy have seen ---- */
void counts_record(model *m, const journal_row *row, model_effect *e); /* before it moves */
/* ---- paces.c: what rates let go ---- */
void paces_record(model *m, const journal_row *row, model_effect *e); /* once it has moved */

/* ---- ledger.c ---- */
void ledger_record(model *m, const journal_row *row);
void ledger_at_rest(const model *m); /* against the table, and nothing is held */

/* ---- runs.c ---- */
void runs_record(model *m, const journal_row *row);
void runs_replay(const model *m); /* each one that is over, from its record */
void runs_free(model *m);

#endif
