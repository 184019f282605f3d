/* The kernel's state: what its files share and nobody else sees. */
#ifndef KERNEL_STATE_H
#define KERNEL_STATE_H

#include <stdbool.h>

#include "budget.h"
#include "effect_table.h"
#include "kernel.h"
#include "map.h"
#include "protocol.h"
#include "restore_point.h"
#include "timer.h"
#include "workers.h"

typedef struct tree tree;
typedef struct poller poller;

/* ---- messages that leave after a commit ---- */

typedef enum message_to { TO_EXECUTOR, TO_CLIENT, TO_NOTIFIER } message_to;

typedef struct message {
    message_to to;
    uint16_t type;
    uint32_t executor;
    uint64_t client;
    uint64_t run;
    uint64_t ref;
    size_t at; /* body in the outbox's bytes */
    size_t len;
} message;

/* A turn with what follows from it. Two exist: one gathers while the other commits. */
typedef struct open_turn {
    turn *records;
    message *messages;
    size_t count, cap;
    keel_buf bytes;
    uint64_t *roots; /* per record: the root of its run's tree, 0: the host's */
    size_t root_cap;
    uint64_t id; /* grows */
    bool news;   /* it has records */
} open_turn;

/* ---- runs ---- */

/* Ended runs are not in memory, but while their end is being told and for what they sent. */
typedef enum run_state { RUN_OPEN, RUN_PAUSED, RUN_OVER } run_state;

/* A branch of a run's program: how far its calls have got. */
typedef struct branch {
    char *prefix;  /* "" or "3.2." */
    uint32_t next; /* ordinal of the next new call */
} branch;

/* A tree of runs: a root and all that came from it. */
struct tree {
    uint64_t root;
    uint32_t open;    /* runs */
    uint32_t denied;  /* effects */
    bool failed;      /* the root */
    run *runs;        /* open ones, by tree_next */
    uint32_t undoing; /* rollbacks that cover it: its budgets count on */
    struct follower *followers;
};

typedef struct event {
    struct event *next;
    int64_t seq;
    char *name;
    keel_buf body;
    item_label label;
} event;

struct run {
    uint64_t id;
    run_state state;
    tree *tree;    /* NULL: it ended, and only what it sent, or what takes it back, is still open */
    uint64_t root; /* of the tree that it was in, once it ended */
    run *tree_prev, *tree_next;
    const plugin *plugin;
    worker *worker; /* where it is, or is to be */
    run *worker_prev, *worker_next;
    uint64_t parent; /* 0: none */
    char *key;
    int depth;
    item_label label;    /* the join of what it has read */
    keel_buf quarantine; /* what may come out of it (quarantine.c); empty: anything */
    bool live;           /* X_START was sent to the worker as it is now */
    bool asleep;         /* it only waits, and is on no worker's list (sleep.c) */
    bool early;          /* the paths of what its worker read of it before it was ready are taken */
    bool fresh;          /* began in this process and has never been started: nothing to replay */
    int64_t last_seq;
    int64_t begin_seq;
    keel_buf start; /* X_START's body while fresh */
    branch *branches;
    size_t branch_count;
    uint32_t ahead;    /* one-way records decided since X_START */
    uint32_t acked;    /* of them acknowledged (halted: fewer than durable) */
    uint64_t ack_turn; /* turn that has an X_ACK queued for this run, and where */
    size_t ack_message;
    uint32_t strikes;
    int64_t strike_seq; /* of the last strike's record: progress since then forgives */
    bool sure;        /* what it does was not done in a life that a restore has lost (restored.c) */
    bool struck;      /* for this death of its executor already */
    uint32_t effects; /* calls in its record, for the warning */
    uint32_t asked;   /* questions, once they are counted (asking.c) */
    bool asked_known;
    call *calls;   /* open ones, by next */
    event *events; /* sent, not received; oldest first */
    int64_t since; /* begin_seq of the first segment of its chain: what is polled from then on */
    struct received *received; /* is its, behind what it received last (polls.h) */
    struct senders *senders;   /* of what it has read, once it has answered some of it (reply.c) */
    uint64_t *waiters;         /* runs that wait for this one */
    size_t waiter_count;
};

typedef enum call_kind {
    CALL_SLEEP,
    CALL_RECEIVE,
    CALL_WAIT,
    CALL_EFFECT,
    CALL_SPAWN,
    CALL_ASK
} call_kind;

/* What a connector has said of a verb whose order's evidence is still to come. */
typedef enum call_heard {
    HEARD_NOTHING,
    HEARD_REPLY,    /* X_REPLY's body */
    HEARD_FAIL,     /* X_FAIL's body */
    HEARD_NONSENSE, /* no canonical JSON */
    HEARD_DEATH     /* its executor died: why, as text */
} call_heard;

/* What egress knows of an order that is over. */
typedef struct order_proof {
    bool known;
    bool sent;     /* a byte that may have changed something was about to leave */
    bool answered; /* and all such were answered */
} order_proof;

/* The first bytes of the digest of each thing that an approval is bound to and that may change under
 * one number or between two; all 0: not known. */
typedef enum seal_part {
    SEAL_ARGS,
    SEAL_CLASS,
    SEAL_CONNECTION,
    SEAL_CONNECTOR,
    SEAL_RULE,
    SEAL_RULE_WORDS,
    SEAL_BEYOND,
    SEAL_PARTS
} seal_part;

typedef struct approval_seal {
    uint64_t part[SEAL_PARTS];
} approval_seal;

/* The shapes of what a person is asked: as it was asked for, and as it was edited. */
#define ASKED_SHAPES 2

typedef enum wait_reason {
    WAIT_APPROVAL,
    WAIT_BUDGET,
    WAIT_HALTED,
    WAIT_BREAKER,
    WAIT_ATTENTION, /* gathered: a person would be asked, and is not now */
    WAIT_RATE,
    WAIT_QUIET,
    WAIT_REASONS
} wait_reason;
extern const char *const wait_reason_names[]; /* as in records and tables */

/* A call that is open: it waits for time, an event, a run, a person or the outside. */
struct call {
    call *next;
    run *run; /* one that ended stays until what it sent settles */
    call_kind kind;
    char path[PATH_LIMIT];
    char call_digest[17]; /* "": stands in the record at `seq`, see call_hash */
    int64_t seq;          /* of a question, and of a restored call that waits inward: its record */
    timer timer;
    uint64_t target_run; /* CALL_WAIT: the segment that is open now */
    char *name;          /* CALL_RECEIVE: event's name or NULL */
    uint64_t
        decided; /* the same, of what is polled: the digest of policy's decision, see poll_decided */

    /* CALL_EFFECT, CALL_SPAWN */
    effect_state state;
    wait_reason reason;
    char target[128];
    connection *connection; /* NULL: a spawn, or there is none of that name any more */
    const manifest_resource *resource;
    const manifest_verb *verb;
    const char *verb_name;
    effect_class class;
    keel_buf request; /* the argument object of X_CALL; the views below point into it, */
    keel_buf edited;  /* or args into this */
    char *tier;       /* a cheaper one was put in place of the one asked for (tier.c); or NULL */
    keel_json args;
    keel_json why;
    keel_json evidence;
    digest args_digest;
    int64_t undoes; /* it takes back what this effect.done says; 0: it is no compensation */
    char key[33];
    bool recorded;      /* args, evidence and why stand in a record already */
    uint32_t attempt;   /* 0: never intended */
    uint32_t parked;    /* of them, given back unsent */
    bool dispatched;    /* this attempt went to a connector */
    bool older;         /* restored: its last record stands in the backup */
    bool doubt;         /* it may have been done in a life that a restore has lost */
    bool untried;       /* it waits again, and all its attempts are of before the backup */
    bool absent, late;  /* was lost and proved absent; and now something stands in its way */
    bool moved;         /* recovered: its connection was changed since it was asked for */
    size_t place;       /* where it is looked for then (restored.c) */
    bool recheck;       /* done, and looked for once more after a restore */
    bool maybe_applied; /* some attempt may have been applied */
    bool ours;          /* unknown: Keel itself looks again when it is due */
    uint32_t looks;     /* reconciles tried since */
    int64_t opened_us, lost_us, expires_us; /* wall clock; lost_us: BOOTTIME */
    uint64_t number;                        /* open item, 0: none */
    uint64_t overridden;                    /* the override that `intended` consumes, 0: none */
    digest approval;                        /* what an approver signs for it, */
    approval_seal seal;                     /* and in parts, to say what has changed */
    uint64_t approved;      /* the item whose consent `intended` consumes, 0: none */
    bool consented;         /* `intended` did; it covers further attempts until expires_us */
    bool rule_asks;         /* open item: as it was asked, its rule asks too, and no budget alone */
    uint64_t grant;         /* the grant of which `intended` uses one, 0: none */
    uint64_t granted;       /* the one of which it did; more attempts use no more */
    int64_t raise_us;       /* open item: a person is shown it then; 0: at once */
    char batch[POLICY_KEY]; /* the same: which may be approved at one look, */
    int batch_max;          /* and how many */
    digest *shapes;         /* of what a person is asked, for denials.h; or NULL */
    budget_hold *holds;     /* room for BUDGET_HOLDS, once there are any */
    size_t hold_count;
    int64_t patience_us;             /* waits for a budget unasked: until then; 0: for ever */
    const budget_refusal *shortfall; /* while it is said why it waits for a budget */
    budget_beyond *beyond;           /* limits that its approval lets it go beyond, or NULL */
    size_t beyond_count;
    uint64_t dispatch; /* ref of the X_VERB under way, 0: none */
    uint64_t order;    /* ref of the unsafe order that is open at egress, 0: none */
    bool sending;      /* egress has announced the first unsafe byte */
    order_proof proof; /* of this attempt, once its order is over */
    call_heard heard;
    keel_buf heard_body;
    keel_buf requests; /* what was sent, as egress digested it: canonical JSON, or empty */
    bool reconcile;    /* what is queued or under way is a look, not the verb */
    worker *worker;    /* that has it */
    call *queue_next;  /* waits for a worker of its connection */
    bool queued;
    int64_t due_us;             /* recovery: when it was due */
    poller *poll;               /* no run's: it reads what is new */
    int64_t sent_us;            /* since when it counts as sent, for sums; 0: it does not */
    struct tally_mark *counted; /* what it added to them, or NULL */
    int64_t paced_us;           /* the same for rates */
    struct pace_mark *paced;
    struct line *line; /* waits for its pace or hour (waits.c), */
    call *ahead, *behind;
    bool held_up; /* and a person has consented: that stands as long as it waits */
};

/* ---- what waits for a person ---- */

/* An item that is open: an approval, a question, an unknown outcome, or what is stuck. */
typedef struct open_item {
    timer due; /* wall clock; in kernel.reminders: when it is told of again */
    uint64_t number;
    uint64_t run;
    char *rule; /* an approval's, whose steps count; NULL: the usual ones */
    int64_t opened_us;
    int64_t raise_us;    /* it is shown then, and reminders count from there; 0: from the opening */
    int64_t announce_us; /* a person is told then that it is shown; 0: it was not gathered */
    int64_t shown_us;    /* an approval's: when a person saw it first; 0: not yet */
    uint32_t escalated;  /* the last step of which a record says that it is told */
    bool untold;         /* and none says what became of that (notices.h) */
    bool ready;          /* that has been told */

    /* stuck */
    char *stuck; /* run | effect | rollback; NULL: it is of a call */
    char *path;
    bool child;             /* of a run that may still be waited for */
    int64_t last_seq;       /* what is known to belong to it */
    struct open_item *next; /* of its run */
} open_item;

/* ---- who follows, what is kept ---- */

typedef struct follower {
    bool quiet;                /* wants the end alone */
    struct follower *next;     /* of its tree */
    struct follower *all_next; /* of the kernel */
    uint64_t client, ref;
    tree *tree; /* NULL: `events` of everything */
} follower;

/* The last result of an agent's runs. */
typedef struct role {
    struct role *next;
    char *agent;
    int64_t seq;      /* its run.end */
    item_label label; /* of the run then */
    keel_buf result;
} role;

typedef struct approver {
    char name[64];
    uint8_t public_key[32];
    uint8_t salt[16];
} approver;

struct kernel {
    kernel_env env;
    store_identity identity;
    kernel_world world;
    library **retired; /* of worlds before, that runs still point into */
    size_t retired_count;
    bool governs; /* a world was taken in this process */
    int (*load_world)(void *ctx, kernel_world *out, keel_buf *warnings, diag *d);
    void *load_ctx;

    open_turn turns[2];
    open_turn *turn;       /* gathers */
    open_turn *committing; /* NULL: none under way */
    uint64_t turn_id;
    int64_t next_seq;
    int64_t durable_seq;
    int64_t at;        /* wall clock of the open turn, never goes back nor slower than BOOTTIME */
    int64_t at_boot;   /* BOOTTIME when it was read */
    bool clock_behind; /* at the start the wall clock was behind the journal */
    timers timers;

    map runs, standing; /* id -> run, open and paused; and -> k: its agent's version is gone */
    run *over;          /* ended, with effects that are out; by worker_next */
    map trees;          /* root id -> tree */
    map executors;      /* executor number -> worker */
    map orders;         /* ref of an unsafe order at egress -> call */
    map items;          /* number -> call */
    map watches;        /* number -> open_item, of all open items */
    map stuck;          /* run -> its watches that are stuck */
    timers reminders;
    timer reminder;         /* for the first of them */
    struct teller *tellers; /* names by which people are told (notices.h) */
    struct notice *notices; /* handed over, and not yet told */
    uint64_t next_notice;
    struct rollback *rollbacks;      /* open ones */
    struct standing_denial *denials; /* the newest first (denials.h) */
    struct override *overrides;      /* not yet used, or of an effect that is not yet over */
    struct recent *recent;
    egress_link egress;
    const char *credentials; /* folder of systemd's, or NULL */
    worker *workers;
    connection *connections;
    poller *polls;
    struct news *news; /* found by polls, and not yet durable (polls.h) */
    budgets *budgets;
    map short_of; /* calls that wait for a budget or for attention, by their address */
    timer short_timer;
    bool day_turns;          /* what is asked for now was gathered, and nobody came by himself */
    uint64_t raising;        /* the turn in which what was gathered is raised */
    int64_t attended_us;     /* when a person decided last */
    keel_buf attended;       /* what of attention the next record books, or empty */
    attr_set *attrs;         /* scratch */
    struct tallies *tallies; /* of world.policy (sums.c) */
    policy_past past;
    struct paces *paces; /* the same of its rates */
    struct sent *sent;   /* over, and not yet durable */
    map lines;           /* what waits for its pace or hour (waits.c) */
    timers line_times;
    timer line_timer;  /* for the first of them */
    const call *going; /* it is its turn */
    follower *followers;
    role *roles;
    approver *approvers;
    size_t approver_count;
    struct grant *grants; /* that did not end (grants.h) */

    uint64_t next_run, next_number, next_batch, next_dispatch, next_connection;
    uint32_t next_executor;
    bool clock_known;       /* at_boot is of this process, or of one before it on this machine */
    int64_t clock_ahead_us; /* the wall clock has jumped, and is not believed; 0: it has not */
    bool halted_by_space, space_low; /* the disk is nearly full; that halt is lifted with it */
    int64_t unanchored_us, anchor_told_us; /* since when no head was signed; 0: the last one was */
    char anchor_trouble[200];
    restore_point restored;
    uint64_t stale;      /* the item that was closed last because it changed, what of it, */
    uint64_t stale_next; /* and the one under which it is asked for since; 0: none */
    char stale_why[160];
    bool halted, stopping, stop_written, has_policy;
    digest policy_digest;
    map journaled;         /* plugins known to stand in the journal, by digest_word */
    timer watchdog, sweep; /* sweep: looks for runs that only wait */
    int64_t sweep_seq;     /* where the journal was at the last look */
    keel_buf scratch;
};

#endif
