/* What the kernel's files ask of each other; the data is in state.h. */
#ifndef KERNEL_PARTS_H
#define KERNEL_PARTS_H

#include "state.h"

/* ---- turn.c: records and messages ---- */
int64_t journal_add(kernel *k, record_kind kind, uint64_t run_id, const char *path,
                    const keel_buf *body);
/* The same for a run's record: keeps run->last_seq. */
int64_t journal_run(kernel *k, record_kind kind, run *r, const char *path, const keel_buf *body);
/* The same for a record that moves an effect: takes it to its next state, which the table must know. */
int64_t journal_effect(kernel *k, record_kind kind, call *c, const keel_buf *body);
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
    const char *key; /* NULL: none */
    uint64_t parent; /* 0: none */
    const char *parent_path;
    tree *tree; /* NULL: a root of its own */
    int depth;
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
void run_over(kernel *k, run *r); /* it ended, and so did the last of what it had sent */
run *run_restore(kernel *k, uint64_t id, uint64_t root, const plugin *p);
run *run_restore_over(kernel *k, uint64_t id, const plugin *p); /* ended, for what it sent */
tree *tree_get(kernel *k, uint64_t root);
void tree_release(kernel *k, tree *t); /* frees it when nothing needs it */
void run_start_body(keel_buf *out, keel_json input, keel_json previous);
typedef enum path_order { PATH_BAD, PATH_OLD, PATH_NEW } path_order;
/* Where a call's path stands in its branch; PATH_NEW takes the ordinal. Also used at recovery. */
path_order run_path_order(run *r, const char *path);
void event_free(event *e);

/* ---- replay.c ---- */
void run_start_fresh(kernel *k, run *r);  /* at its worker, which is ready */
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
/* Finds connection and verb of c->target; NULL verb when there is none any more. What was sent stays
 * with the connection that it was sent through: another of its name knows nothing of it. */
void effect_rebind(kernel *k, call *c);
/* The same at recovery, and what follows from the arguments. NULL verb also when it was sent and
 * its connection was changed since args_seq. */
void effect_restore(kernel *k, call *c, effect_class class, int64_t args_seq);
void effect_decide(kernel *k, call *c); /* also afresh: after an approval, a resume, a reload */
void effect_query(kernel *k, call *c, policy_query *q);     /* q points into k->attrs and c */
void effect_intend(kernel *k, call *c, keel_json decision); /* decision: none at a retry */
void effect_again(kernel *k, call *c);                      /* the next attempt, under a new hold */
bool effect_is_out(const call *c); /* its outcome is open: it may not be dropped */
void effect_give_up(kernel *k, call *c, const char *code, const char *why); /* outcome.c */
/* Pieces of effect bodies in canonical order: args / call, class, connector / digest, evidence /
 * target, why. What stands in a record already is left out. */
void effect_put_args(const call *c, keel_json_writer *w);
void effect_put_common(const call *c, keel_json_writer *w);
void effect_put_digest(const call *c, keel_json_writer *w);
void effect_put_target(const call *c, keel_json_writer *w);
void spawn_go(kernel *k, call *c, keel_json decision);

/* ---- close.c: how an effect ends ---- */
/* said: the connector's whole answer, for "cost" and "kv"; or none. */
void effect_done(kernel *k, call *c, keel_json result, keel_json said, const char *by);
void effect_not_done(kernel *k, call *c, const char *code, const char *message, const char *by);
void effect_denied(kernel *k, call *c, keel_json decision, const char *code, const char *rule,
                   const char *why);
void effect_rejected(kernel *k, call *c, const char *by, const char *why);
void effect_expired(kernel *k, call *c);
/* Settles holds into a "settled" array: actual < 0 books each hold in full. */
void holds_settle(kernel *k, call *c, bool dispatched, keel_json cost, keel_json_writer *w);

/* ---- outcome.c: what an attempt came to ---- */
void connector_frame(kernel *k, worker *w, const frame *f);
void effect_lost(kernel *k, call *c, const char *why);    /* may have been applied */
void effect_retry(kernel *k, call *c, const char *why);   /* this attempt was not applied */
void effect_unknown(kernel *k, call *c, const char *why); /* a person has to look */
void effect_look(kernel *k, call *c);                     /* reconcile */
/* What may have been applied under its key may be sent again: the other side still knows it. */
bool effect_key_lives(kernel *k, const call *c);
void effect_park(kernel *k, const char *why); /* what was intended and not sent is not sent now */
void effect_look_later(kernel *k, call *c, const char *why, int64_t delay_us);
void effect_timer(kernel *k, timer *t);
void effect_recover(kernel *k, call *c); /* open at a restart */

/* What was heard of this attempt, judged with c->proof. */
void call_conclude(kernel *k, call *c, call_heard heard, const char *body, size_t len);

/* ---- egress.c ---- */
bool egress_need(kernel *k); /* starts it unless it runs; false: not now, workers are told later */
/* What it may do for the connection, by number. */
void egress_tell(kernel *k, const connection *cn);
void egress_renew(kernel *k); /* the world has changed */
void egress_frame(kernel *k, const frame *f);
void egress_gone(kernel *k, const char *why);
bool egress_silence(const timer *t); /* t waits for an answer of its */
/* Lets the verb that w is about to be given use the network, if its connection has a way out. */
void order_open(kernel *k, worker *w, call *c, int64_t timeout_us);
void order_end(kernel *k, const worker *w, uint64_t ref);
/* Keeps what was heard until the evidence is there, if some is to come: true. */
bool order_keeps(call *c, call_heard heard, const char *body, size_t len);
void order_forget(kernel *k, call *c);

/* ---- trouble.c: the last failure of each connection, for `status` ---- */
void trouble_note(kernel *k, connection *cn, const char *text); /* cn may be NULL */
void trouble_of_network(kernel *k, const char *text);
void trouble_clear(kernel *k, connection *cn); /* the same */
void trouble_connections(const kernel *k, keel_json_writer *w);
void trouble_network(const kernel *k, keel_json_writer *w);

/* ---- kv.c ---- */
void kv_load(kernel *k, connection *cn);
/* Takes puts in force and writes them as the member "kv" of the record. */
void kv_put(kernel *k, call *c, keel_json puts, keel_json_writer *w);

/* ---- approval.c ---- */
void effect_wait(kernel *k, call *c, const policy_decision *d, keel_json decision,
                 wait_reason reason);
void approval_digest(kernel *k, const call *c, const policy_decision *d, digest *out);
void approval_stale(kernel *k, call *c, const char *why); /* closes its number: journals why */
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
/* Whether another line of it goes into the log: a flood of them is told of once, and dropped. */
bool worker_may_log(kernel *k, worker *w);
void worker_stop(kernel *k, worker *w); /* when it is idle; its runs are replayed later */
void worker_busy(kernel *k);            /* something was sent: the watchdog looks */
void worker_strike(kernel *k, worker *w, uint64_t run_id, const char *why);
void dispatch(kernel *k, call *c); /* to a worker of its connection; leaves with this turn */
call *worker_take_current(kernel *k, worker *w); /* the dispatch it answered */
void worker_next(kernel *k, worker *w);          /* takes more from its connection's queue */
void worker_drop(kernel *k, call *c);            /* c leaves the queue */
bool worker_has_work(const worker *w);
bool worker_deadline(const timer *t);                       /* t is the deadline of an executor */
void worker_refuse(kernel *k, worker *w, const char *text); /* it will not load: says why */
void workers_free(kernel *k);

/* ---- world.c ---- */
void world_take(kernel *k, kernel_world *w);  /* journals what is new, swaps */
void world_refused(kernel *k, const diag *d); /* a faulty policy: loud, and the old one stays */
void world_free(kernel *k);
/* What egress is told of a connection, appended; nothing where it has no way out. 0 or DIAG_USAGE at
 * its place in keel.yaml. */
int world_reach(const policy *p, const manifest *m, const workspace_connection *wc, keel_buf *out,
                diag *d);
connection *connection_find(kernel *k, const char *name);
const plugin *plugin_find(kernel *k, const digest *d);

/* ---- follow.c ---- */
void follow_add(kernel *k, uint64_t client, uint64_t ref, tree *t); /* NULL: everything */
/* The tree of a run; t NULL when the run is over: the stream ends at once. */
void follow_run(kernel *k, uint64_t client, uint64_t ref, uint64_t run_id, tree *t, bool quiet);
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

/* ---- space.c ---- */
void space_recover(kernel *k, const char *why); /* why it was halted, when it was */

#endif
