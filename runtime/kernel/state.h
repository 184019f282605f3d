/* The kernel's state: what its files share and nobody else sees. */
#ifndef KERNEL_STATE_H
#define KERNEL_STATE_H

#include <stdbool.h>

#include "budget.h"
#include "kernel.h"
#include "map.h"
#include "protocol.h"
#include "timer.h"

typedef struct run run;
typedef struct call call;
typedef struct tree tree;
typedef struct worker worker;
typedef struct connection connection;

/* ---- messages that leave after a commit ---- */

typedef enum message_to { TO_EXECUTOR, TO_CLIENT } message_to;

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
    uint64_t id;     /* grows */
    bool news;       /* it has records */
} open_turn;

/* ---- runs ---- */

typedef enum run_state { RUN_OPEN, RUN_PAUSED } run_state; /* ended runs are not in memory */

/* One branch of a run's program: how far its calls have got. */
typedef struct branch {
    char *prefix; /* "" or "3.2." */
    uint32_t next; /* ordinal of the next new call */
} branch;

/* A tree of runs: a root and all that came from it. */
struct tree {
    uint64_t root;
    uint32_t open;   /* runs */
    uint32_t denied; /* effects */
    bool failed;     /* the root */
    run *runs;       /* open ones, by tree_next */
    struct follower *followers;
};

typedef struct event {
    struct event *next;
    int64_t seq;
    char *name;
    keel_buf body;
} event;

struct run {
    uint64_t id;
    run_state state;
    tree *tree; /* NULL: it ended, and only what it sent is still open */
    run *tree_prev, *tree_next;
    const plugin *plugin;
    worker *worker; /* where it is, or is to be */
    run *worker_prev, *worker_next;
    uint64_t parent; /* 0: none */
    char *key;
    int depth;
    bool tainted;
    bool live;      /* X_START was sent to the worker as it is now */
    bool fresh;     /* began in this process and has never been started: nothing to replay */
    int64_t last_seq;
    int64_t begin_seq;
    keel_buf start; /* X_START's body while fresh */
    branch *branches;
    size_t branch_count;
    uint32_t ahead;     /* one-way records decided since X_START */
    uint32_t acked;     /* of them acknowledged (halted: fewer than durable) */
    uint64_t ack_turn;  /* turn that has an X_ACK queued for this run, and where */
    size_t ack_message;
    uint32_t strikes;
    bool struck; /* for this death of its executor already */
    uint32_t effects;   /* all calls ever, for the warning */
    call *calls;        /* open ones, by next */
    event *events; /* sent, not received; oldest first */
    uint64_t *waiters;  /* runs that wait for this one */
    size_t waiter_count;
};

typedef enum call_kind { CALL_SLEEP, CALL_RECEIVE, CALL_WAIT, CALL_EFFECT, CALL_SPAWN } call_kind;

typedef enum effect_state {
    EFFECT_NONE,
    EFFECT_WAITING,
    EFFECT_INTENDED,    /* to be sent, or sent */
    EFFECT_RETRY,       /* proved not applied; will be intended again */
    EFFECT_UNKNOWN,
    EFFECT_RECONCILING
} effect_state;

typedef enum wait_reason { WAIT_APPROVAL, WAIT_BUDGET, WAIT_HALTED } wait_reason;

/* A call that is open: it waits for time, an event, a run, a person or the outside. */
struct call {
    call *next;
    run *run; /* one that ended stays until what it sent settles */
    call_kind kind;
    char path[PATH_LIMIT];
    char call_digest[17];
    timer timer;
    uint64_t target_run; /* CALL_WAIT */
    char *name;          /* CALL_RECEIVE: event's name or NULL */

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
    keel_json args;
    keel_json why;
    keel_json evidence;
    digest args_digest;
    char key[33];
    bool recorded;      /* args, evidence and why stand in a record already */
    uint32_t attempt;   /* 0: never intended */
    bool dispatched;    /* this attempt went to a connector */
    bool maybe_applied; /* some attempt may have been applied */
    uint32_t looks;     /* reconciles tried since */
    int64_t opened_us, lost_us, expires_us; /* wall clock */
    uint64_t number;    /* open item, 0: none */
    digest approval;    /* what an approver signs for it */
    uint64_t approved;  /* the item whose consent `intended` consumes, 0: none */
    budget_hold holds[BUDGET_HOLDS];
    size_t hold_count;
    uint64_t dispatch;  /* ref of the X_VERB under way, 0: none */
    bool reconcile;     /* what is queued or under way is a look, not the verb */
    worker *worker;     /* that has it */
    call *queue_next;   /* waits for a worker of its connection */
    bool queued;
    int64_t due_us; /* recovery: when it was due */
};

/* ---- executors ---- */

typedef enum worker_state {
    WORKER_DOWN,     /* not running; starts when there is work */
    WORKER_BACKOFF,  /* crashed; timer runs */
    WORKER_STARTING, /* spawned, not yet X_READY */
    WORKER_READY,
    WORKER_REFUSED   /* its plugin will not load; said why */
} worker_state;

struct worker {
    worker *next; /* all workers */
    uint32_t id;  /* executor number; a new one at each spawn */
    worker_state state;
    const plugin *plugin;
    connection *connection; /* connectors */
    run *runs;              /* agents */
    call *current;          /* connectors: one dispatch at a time */
    uint64_t current_ref;
    timer timer;            /* back-off, or the deadline of `current` */
    int crashes;            /* in a row */
    int64_t started_boot;
    uint64_t watch_run, watch_ticks; /* watchdog: last seen, */
    int64_t watch_boot, watch_cpu;   /* since when, with how much CPU then */
    bool overdue;      /* `current` passed its deadline: killed for it */
    bool replay_waits; /* runs whose records are not yet durable */
    char refusal[512];
};

struct connection {
    connection *next;
    char *name;
    const plugin *plugin;
    keel_buf config;
    int worker_count;
    bool gone; /* no longer in keel.yaml; stays while calls name it */
    call *queue;
};

typedef struct follower {
    struct follower *next;      /* of its tree */
    struct follower *all_next;  /* of the kernel */
    uint64_t client, ref;
    tree *tree; /* NULL: `events` of everything */
} follower;

/* The last result of an agent's runs. */
typedef struct role {
    struct role *next;
    char *agent;
    int64_t seq; /* its run.end */
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
    kernel_world *retired; /* worlds that runs still point into */
    size_t retired_count;
    int (*load_world)(void *ctx, kernel_world *out, keel_buf *warnings, diag *d);
    void *load_ctx;

    open_turn turns[2];
    open_turn *turn;       /* gathers */
    open_turn *committing; /* NULL: none under way */
    uint64_t turn_id;
    int64_t next_seq;
    int64_t durable_seq;
    int64_t at;   /* wall clock of the open turn, never goes back */
    timers timers;

    map runs;  /* id -> run, open and paused */
    map trees; /* root id -> tree */
    map executors; /* executor number -> worker */
    map items;      /* number -> call */
    struct recent *recent;
    worker *workers;
    connection *connections;
    budgets *budgets;
    attr_set *attrs; /* scratch */
    follower *followers;
    role *roles;
    approver *approvers;
    size_t approver_count;

    uint64_t next_run, next_number, next_batch, next_dispatch;
    uint32_t next_executor;
    bool halted;
    bool stopping, stop_written;
    bool has_policy;
    digest policy_digest;
    map journaled; /* plugins known to stand in the journal, by digest_word */
    timer watchdog;
    keel_buf scratch;
};

/* ---- turn.c: records and messages ---- */
int64_t journal_add(kernel *k, record_kind kind, uint64_t run_id, const char *path,
                    const keel_buf *body);
/* The same for a run's record: keeps run->last_seq. */
int64_t journal_run(kernel *k, record_kind kind, run *r, const char *path, const keel_buf *body);
void turn_send(kernel *k, uint32_t executor, uint16_t type, uint64_t run_id, uint64_t ref,
               const void *body, size_t len);
void turn_reply(kernel *k, uint64_t client, uint16_t type, uint64_t ref, const void *body,
                size_t len);
void turn_ack(kernel *k, run *r); /* X_ACK of all one-way records so far */
void turn_ready(kernel *k);       /* the open turn has begun: artifacts may be added */
int64_t kernel_now(kernel *k);    /* wall clock of this turn, never going back */
void kernel_log(kernel *k, const char *level, uint64_t run_id, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- run.c ---- */
typedef struct run_spec {
    const plugin *plugin;
    keel_json input;
    const char *key;         /* NULL: none */
    run *parent;             /* NULL: a root */
    const char *parent_path;
    uint64_t continued_from; /* 0: none */
    bool tainted;
} run_spec;
run *run_begin(kernel *k, const run_spec *s);
/* state: ended | failed | cancelled | continued. r is gone after it. */
void run_finished(kernel *k, run *r, const char *state, keel_json result, keel_json error);
void run_failed(kernel *k, run *r, const char *code, const char *message);
void run_pause(kernel *k, run *r, const char *reason, keel_json detail);
void run_cancel(kernel *k, run *r, const char *why);
void run_free(run *r);
run *run_restore(kernel *k, uint64_t id, uint64_t root, const plugin *p);
tree *tree_get(kernel *k, uint64_t root);
void tree_release(kernel *k, tree *t); /* frees it when nothing needs it */
void run_start_body(keel_buf *out, keel_json input, keel_json previous);
typedef enum path_order { PATH_BAD, PATH_OLD, PATH_NEW } path_order;
/* Where a call's path stands in its branch; PATH_NEW takes the ordinal. Also used at recovery. */
path_order run_path_order(run *r, const char *path);
void event_free(event *e);

/* ---- replay.c ---- */
void run_start_fresh(kernel *k, run *r); /* at its worker, which is ready */
void run_start_all(kernel *k, worker *w); /* X_START, with what is recorded, for runs not live */

/* ---- recent.c: what committed reads cannot see yet, and each role's last result ---- */
const role *role_find(kernel *k, const char *agent);
void role_ended(kernel *k, const char *agent, int64_t seq, keel_json result);
void key_begun(kernel *k, const char *agent, const char *key, uint64_t run_id, int64_t seq);
uint64_t run_by_key(kernel *k, const char *agent, const char *key); /* 0: none */
void ended_remember(kernel *k, const run *r, int64_t seq, const keel_buf *outcome);
/* The outcome of a run that is not open: 0, or -1 when there is no such run. */
int ended_find(kernel *k, uint64_t run_id, keel_buf *outcome, bool *tainted);
void request_remember(kernel *k, const char *id, const digest *d, keel_json result, int64_t seq);
/* The first answer to a request id: 0, or -1 when it is new. */
int request_find(kernel *k, const char *id, digest *d, keel_buf *result);
void recent_durable(kernel *k); /* after a commit: forgets what can be read now */
void recent_free(kernel *k);

/* ---- calls.c, agent.c: what agents ask ---- */
void agent_frame(kernel *k, worker *w, const frame *f);
call *call_new(run *r, call_kind kind, const char *path, const char *call_digest);
void call_free(kernel *k, call *c); /* unlinks it from run, timers and items */
void call_answer(kernel *k, call *c, const char *outcome, size_t len);
void call_due(kernel *k, call *c, int64_t due_wall_us); /* sets its timer */
void call_sleep(kernel *k, run *r, const char *path, const char *call_digest, keel_json args);
void call_receive(kernel *k, run *r, const char *path, const char *call_digest, keel_json args);
void call_wait(kernel *k, run *r, const char *path, const char *call_digest, keel_json args);
void call_elapsed(kernel *k, timer *t);
void wait_wake(kernel *k, run *waiter, uint64_t target, const char *outcome, size_t len,
               bool tainted);
void event_arrived(kernel *k, run *r, event *e); /* takes e */

/* ---- effect.c: propose, decide, intend ---- */
void effect_propose(kernel *k, run *r, call_kind kind, const char *path, const char *call_digest,
                    keel_json request);
/* Fills what follows from request: target, connection, verb, args, key. -1 and why when it names
 * nothing that there is. */
int effect_resolve(kernel *k, call *c, keel_json request, char *why, size_t size);
/* Finds connection and verb of c->target; NULL verb when there is none any more. */
void effect_rebind(kernel *k, call *c);
void effect_decide(kernel *k, call *c); /* also afresh: after an approval, a resume, a reload */
void effect_query(kernel *k, call *c, policy_query *q); /* q points into k->attrs and c */
void effect_intend(kernel *k, call *c, keel_json decision); /* decision: none at a retry */
void effect_again(kernel *k, call *c);  /* the next attempt, under a new hold */
bool effect_is_out(const call *c);      /* its outcome is open: it may not be dropped */
void effect_give_up(kernel *k, call *c, const char *code, const char *why); /* outcome.c */
/* Pieces of effect bodies in canonical order: args / call, class, connector / digest, evidence /
 * target, why. What stands in a record already is left out. */
void effect_put_args(const call *c, keel_json_writer *w);
void effect_put_common(const call *c, keel_json_writer *w);
void effect_put_digest(const call *c, keel_json_writer *w);
void effect_put_target(const call *c, keel_json_writer *w);
void spawn_go(kernel *k, call *c, keel_json decision);

/* ---- close.c: how an effect ends ---- */
void effect_done(kernel *k, call *c, keel_json result, keel_json cost, const char *by);
void effect_not_done(kernel *k, call *c, const char *code, const char *message, const char *by);
void effect_denied(kernel *k, call *c, keel_json decision, const char *code, const char *rule,
                   const char *why);
void effect_rejected(kernel *k, call *c, const char *by, const char *why);
void effect_expired(kernel *k, call *c);
/* Settles holds into a "settled" array: actual < 0 books each hold in full. */
void holds_settle(kernel *k, call *c, bool dispatched, keel_json cost, keel_json_writer *w);

/* ---- outcome.c: what an attempt came to ---- */
void connector_frame(kernel *k, worker *w, const frame *f);
void effect_lost(kernel *k, call *c, const char *why);  /* may have been applied */
void effect_retry(kernel *k, call *c, const char *why); /* this attempt was not applied */
void effect_unknown(kernel *k, call *c, const char *why); /* a person has to look */
void effect_look(kernel *k, call *c);                   /* reconcile */
void effect_look_later(kernel *k, call *c, const char *why, int64_t delay_us);
void effect_timer(kernel *k, timer *t);
void effect_recover(kernel *k, call *c);                /* open at a restart */

/* ---- approval.c ---- */
void effect_wait(kernel *k, call *c, const policy_decision *d, keel_json decision,
                 wait_reason reason);
void approval_digest(kernel *k, const call *c, const policy_decision *d, digest *out);
bool approval_covers(kernel *k, const call *c, const policy_decision *d);
/* A signature, checked; then, for each that holds, what became of it. */
int approval_check(kernel *k, keel_json item, const char *by, diag *d);
void approval_give(kernel *k, keel_json item, const char *by, keel_json_writer *w);
int approval_edit(kernel *k, call *c, keel_json set, keel_buf *result, diag *d);

/* ---- command_people.c ---- */
int approver_set(kernel *k, keel_json args, bool first, diag *d);

/* ---- worker.c ---- */
worker *worker_for_agent(kernel *k, const plugin *p);
void worker_add_run(kernel *k, worker *w, run *r);
void worker_remove_run(run *r);
void worker_need(kernel *k, worker *w); /* there is work: starts it unless it runs */
void worker_busy(kernel *k);            /* something was sent: the watchdog looks */
void worker_strike(kernel *k, worker *w, uint64_t run_id, const char *why);
void dispatch(kernel *k, call *c);      /* to a worker of its connection; leaves with this turn */
call *worker_take_current(kernel *k, worker *w);   /* the dispatch it answered */
void worker_next(kernel *k, worker *w); /* takes more from its connection's queue */
void worker_drop(kernel *k, call *c);   /* c leaves the queue */
void workers_free(kernel *k);

/* ---- world.c ---- */
void world_take(kernel *k, kernel_world *w); /* journals what is new, swaps */
void world_refused(kernel *k, const diag *d); /* a faulty policy: loud, and the old one stays */
void world_free(kernel *k);
connection *connection_find(kernel *k, const char *name);
const plugin *plugin_find(kernel *k, const digest *d);

/* ---- follow.c ---- */
void follow_add(kernel *k, uint64_t client, uint64_t ref, tree *t); /* NULL: everything */
/* The tree of a run; t NULL when the run is over: the stream ends at once. */
void follow_run(kernel *k, uint64_t client, uint64_t ref, uint64_t run_id, tree *t);
void follow_records(kernel *k, const open_turn *t);
void follow_drop(kernel *k, uint64_t client);

/* ---- recover.c ---- */
int recover(kernel *k, diag *d);      /* the host's state; journals nothing */
int recover_runs(kernel *k, diag *d); /* runs and effects; needs the world */

/* ---- body.c ---- */
void body_error(keel_buf *out, const char *code, const char *rule, const char *why);
void outcome_error(keel_buf *out, const char *code, const char *rule, const char *why);
void outcome_ok(keel_buf *out, keel_json value);
void call_digest(char out[17], const char *kind, const char *name, keel_json arguments);
/* The first eight bytes of a digest, never 0: a key for maps. */
uint64_t digest_word(const digest *d);
/* Copies a text member; false when it is missing or longer than size - 1. */
bool body_text(keel_json object, const char *key, char *to, size_t size);

#endif
