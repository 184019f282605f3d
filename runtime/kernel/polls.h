/* What is new at a connection. A resource that keel.yaml polls is read at the start and then each so
 * often behind the end of the last time; items whose id was not seen before are recorded, and each run
 * that began before that may receive them, in order and once.
 *
 * A poll goes on by the answers' cursor `next` until there is nothing more, one read after the other. A
 * cursor that the last answer gave is where the next poll begins: then only what came since is read. An
 * answer without one is the last page of a list, which is read from its start each time; ids tell what
 * of it is new. Up to POLL_KEPT ids are kept: those of the last poll, and the youngest of the others.
 * So a list without a lasting cursor may be as long, and a longer one is refused and not guessed at.
 *
 * The first poll ever of a resource, or of another account or config, finds what was there before:
 * nobody is told of that. A poll that found nothing writes no record.
 *
 * A poll that comes to no end keeps what it has found, and the next one begins where it began. When
 * that cursor does not hold any more, the list is read from its start: what is unknown is new, if some
 * of it is known and the ids that are kept are all that there ever were; else it is a first time. */
#ifndef KERNEL_POLLS_H
#define KERNEL_POLLS_H

#include "parts.h"

enum {
    POLL_KEPT = 4096,      /* ids */
    POLL_ITEMS = 1000,     /* in an answer */
    POLL_PAGES = 10000,    /* answers in a poller */
    POLL_RECORD = 64,      /* items, from which on a poll under way is recorded */
    POLL_RECORD_KIB = 256, /* the same by what they hold */
    POLL_ID_BYTES = 255
};

typedef struct seen_id {
    struct seen_id *next; /* a younger one */
    uint64_t key;
    uint64_t walk; /* the last poll that met it */
    char *id;
} seen_id;

/* Ids, found by their digests. */
typedef struct seen_list {
    map by_key;
    seen_id *oldest, **last;
} seen_list;

struct poller {
    poller *next;
    char *name;           /* CONNECTION.RESOURCE */
    const char *resource; /* in it */
    connection *cn;       /* NULL: it is not polled any more */
    int64_t every_us;
    char account[17]; /* as keel.yaml says */
    char owner[17];   /* of whom `ids` and `from` tell */
    bool known;       /* there was a first time */
    int64_t since;    /* what stands before that record is another owner's; 0: nothing does */
    keel_buf from;    /* the cursor where a poll begins; empty: at the start */
    bool lost;        /* that one does not hold any more */
    seen_list ids;

    call *call; /* out; of no run: */
    run holder;
    tree tree;
    timer timer;
    bool overdue; /* not now: it goes when the connection works, or the halt is lifted */

    /* the poll under way, over several reads */
    uint64_t walk;
    bool walking;
    bool baseline; /* it finds what was there before */
    bool met_known;
    keel_buf at; /* the cursor of the read that comes next */
    seen_list fresh;
    keel_buf items; /* of those, as a record has them */
    size_t met, pages;
    bool recorded; /* a part of it */

    /* for people; wall clock */
    int64_t last_us, next_us; /* 0: not yet, not now */
    char trouble[TROUBLE_TEXT];
    int64_t trouble_us;
};

/* How far a run has come with what is polled under that name. */
typedef struct received {
    struct received *next;
    int64_t seq, item;
    char name[];
} received;

/* ---- polls.c: when, and what is read ---- */
void polls_take(kernel *k);                        /* what keel.yaml says now */
void polls_go_on(kernel *k, const connection *cn); /* those that are overdue; NULL: of all */
poller *poll_find(kernel *k, const char *name);
void poll_soon(kernel *k, poller *p, int64_t wait_us);
void poll_failed(kernel *k, poller *p, const char *why);
void poll_heard(kernel *k, call *c, call_heard heard, keel_json body); /* c is gone after it */
void poll_unsent(kernel *k, call *c);                                  /* the same */
void polls_write(const kernel *k, const connection *cn, keel_json_writer *w); /* an array */
void polls_free(kernel *k);
/* What keel.yaml says of it can be done: 0, or DIAG_USAGE at its place there. */
int poll_check(const manifest *m, const workspace_connection *c, diag *d);

/* ---- poll_seen.c: ids ---- */
void seen_begin(seen_list *l);
seen_id *seen_find(const seen_list *l, uint64_t key);
void seen_add(seen_list *l, const char *id, uint64_t key, uint64_t walk);
void seen_drop_oldest(seen_list *l);
void seen_move(seen_list *to, seen_list *from); /* all of them, as the youngest */
void seen_free(seen_list *l);

/* ---- poll_take.c: what was answered ---- */
void poll_load(kernel *k, poller *p); /* what is known of it */
void poll_forget_walk(poller *p);     /* the poll under way is begun anew */
void poll_begin_walk(poller *p);
void poll_break_off(kernel *k, poller *p); /* the poll under way comes to no end */
/* An answer. -1 and why: it is none. 0: there is more. 1: that was all, and it stands in a record. */
int poll_page(kernel *k, poller *p, keel_json result, char *why, size_t size);

/* ---- poll_give.c: who receives it ---- */
/* Something was recorded. */
void poll_found(kernel *k, poller *p, int64_t seq, const keel_buf *items);
item_label poll_label(const poller *p); /* of what is read now */
bool poll_give(kernel *k, call *c);     /* true: c has received something, and is gone */
void poll_give_all(kernel *k);          /* what came while it was halted */
void received_set(run *r, const char *name, int64_t seq, int64_t item);
void received_free(run *r);
int received_load(kernel *k, run *only, diag *d); /* NULL: of all that are open */
void news_free(kernel *k);

/* ---- poll_may.c: whether it may ---- */
/* false: c does not ask for what is polled. Else the decision of the read that it is; and where it may
 * not be, the outcome. */
bool poll_asked(kernel *k, call *c, keel_buf *decision, keel_buf *refused);
/* Policy's, for the read that it is; refused: the outcome where it may not be. */
void poll_decide(kernel *k, const call *c, const poller *p, keel_buf *decision, keel_buf *refused);
uint64_t poll_digest(keel_json decision); /* 0: of none */
uint64_t poll_decided(kernel *k,
                      call *c); /* that of c's own record; 0: it asked for no polled thing */
/* Nothing comes any more of what c waits for: the outcome that says so. */
bool poll_is_over(kernel *k, call *c, keel_buf *refused);

#endif
