/* What the kernel's files ask of each other; the data is in state.h. */
#ifndef KERNEL_PARTS_H
#define KERNEL_PARTS_H

#include "labels.h"
#include "state.h"

/* ---- turn.c: records and messages ---- */
int64_t journal_add(kernel *k, record_kind kind, uint64_t run_id, const char *path,
                    const keel_buf *body);
/* The same for a run's record: keeps run->last_seq. */
int64_t journal_run(kernel *k, record_kind kind, run *r, const char *path, const keel_buf *body);
/* The same for a record that moves an effect: takes it to its next state, which the table must know. */
int64_t journal_effect(kernel *k, record_kind kind, call *c, const keel_buf *body);
/* The same for an effect that is over, and has no call any more: state is where it is. */
int64_t journal_past(kernel *k, record_kind kind, run *r, const char *path, effect_state *state,
                     const keel_buf *body);
void turn_send(kernel *k, uint32_t executor, uint16_t type, uint64_t run_id, uint64_t ref,
               const void *body, size_t len);
void turn_reply(kernel *k, uint64_t client, uint16_t type, uint64_t ref, const void *body,
                size_t len);
void turn_notice(kernel *k, uint64_t id, const void *body,
                 size_t len);     /* to a person, by notices.c */
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
    int64_t since;           /* of what it goes on from; 0: none */
    item_label label;        /* of its input; of what it goes on from, or of who began it */
    keel_json quarantine;    /* none: anything may come out of it */
} run_spec;
run *run_begin(kernel *k, const run_spec *s);
/* state: ended | failed | cancelled | continued. r is gone after it. */
void run_finished(kernel *k, run *r, const char *state, keel_json result, keel_json error);
void run_failed(kernel *k, run *r, const char *code, const char *message);
void run_pause(kernel *k, run *r, const char *reason, keel_json detail);
void run_cancel(kernel *k, run *r, const char *why);
void run_cancel_tree(kernel *k, run *r, const char *why); /* with the open runs that it began */
/* Its call differs from its record: X_MISMATCH's body. Paused, with both sides in the record. */
void run_mismatch(kernel *k, run *r, keel_json body);
void run_free(run *r);
void run_over(kernel *k, run *r); /* it ended, and so did the last of what it had sent */
run *run_restore(kernel *k, uint64_t id, uint64_t root, const plugin *p);
run *run_restore_over(kernel *k, uint64_t id, const plugin *p); /* ended, for what it sent */
run *run_find_over(kernel *k, uint64_t id);                     /* NULL: nothing of it is out */
run *run_restore_ended(kernel *k, uint64_t id, uint64_t root, const plugin *p); /* open again */
void run_resume(kernel *k, run *r); /* paused: replayed once more */
void run_forget_paths(run *r);      /* no ordinal of it is taken */
tree *tree_get(kernel *k, uint64_t root);
void tree_release(kernel *k, tree *t); /* frees it when nothing needs it */
void run_start_body(keel_buf *out, keel_json input, keel_json previous);
typedef enum path_order { PATH_BAD, PATH_OLD, PATH_NEW } path_order;
/* Where a call's path stands in its branch; PATH_NEW takes the ordinal. Also used at recovery. */
path_order run_path_order(run *r, const char *path);
void event_free(event *e);

/* ---- sleep.c: runs that only wait need no executor ---- */
bool run_only_waits(const run *r);
void run_rest(run *r);            /* leaves its worker's list, is not live any more */
void run_wake(kernel *k, run *r); /* asleep and open: goes on from its record */
void sleep_watch(kernel *k);      /* something is live: looks at it in a minute */

/* ---- stuck.c: what automation could not finish ---- */
/* A dead letter: it names an owner, a reason and a next action, or it is a bug of ours. kind: run |
 * effect | rollback. Returns its number, which is k->next_number before the call. */
uint64_t stuck_open(kernel *k, run *r, const char *path, const char *kind, const char *owner,
                    const char *reason, const char *next);
void stuck_failed(kernel *k, run *r, keel_json error);  /* r has ended so, and nobody was told */
void stuck_paused(kernel *k, run *r, keel_json detail); /* as replay_mismatch */
void stuck_late(kernel *k, const call *c);              /* applied after it was proved absent */
/* Its run went on, or ended, or somebody was told after all: closes what was stuck of it, but for a
 * rollback. */
void stuck_went_on(kernel *k, uint64_t run_id, const char *why);
/* A rollback of these runs has begun: what is stuck of them is settled by it. */
void stuck_taken_back(kernel *k, bool (*covers)(const void *ctx, uint64_t run_id), const void *ctx);
void stuck_received(kernel *k, uint64_t run_id, const run *by); /* by waited for it, and was told */
/* how: retry | resolve | drop | compensate | went_on. result: none, or what it came to. x is gone
 * after it. */
void stuck_close(kernel *k, open_item *x, const char *by, const char *how, const char *why,
                 keel_json result);
open_item *stuck_find(kernel *k, uint64_t number);           /* NULL: it is not stuck */
uint64_t stuck_of_run(kernel *k, uint64_t run_id);           /* the first, 0: none */
void stuck_settled(kernel *k, uint64_t run_id, int64_t seq); /* the last that was out has ended */
int stuck_recover(kernel *k, diag *d);

/* ---- reopen.c: resuming a run that failed from the step that failed ---- */
/* 0: x was closed, and its run is open again. result: {"from":seq,"path"?,"run":N}. */
int run_reopen(kernel *k, open_item *x, const char *why, keel_json_writer *result, diag *d);

/* ---- escalate.c: reminders of what nobody decides ---- */
/* An open item: found by its number, and told of again. rule NULL: the usual steps. */
void item_open(kernel *k, call *c, const char *rule, int64_t opened_us, uint32_t escalated);
void item_close(kernel *k, call *c); /* c has no number any more */
void item_escalate(kernel *k, const call *c, const char *why);
void item_announce(kernel *k, call *c);        /* it was gathered, and is asked for now */
void item_tell_again(kernel *k, open_item *x); /* nobody knows whether its last step was told */
open_item *watch_open(kernel *k, uint64_t number, uint64_t run_id, int64_t opened_us);
void watch_set(kernel *k, open_item *x); /* for its next step */
void watch_close(kernel *k, open_item *x);
void watch_renew(kernel *k); /* the policy has changed */
void watches_free(kernel *k);

/* ---- undo.c: a compensation, an effect of its own ---- */
/* Its connection is still the one through which it was written. false: c is over. */
bool undo_may_go(kernel *k, call *c);
/* What the write replied; nothing when c takes nothing back. false: it is not in the record. */
bool undo_outcome(kernel *k, const call *c, keel_buf *out);
/* ---- restored.c: what an older file cannot know ---- */
int restored_load(kernel *k, diag *d);
void restored_run(kernel *k, run *r);   /* recovered */
void restored_begin(kernel *k, run *r); /* begun now */
/* recovered */
void restored_call(kernel *k, call *c, int64_t args_seq, int64_t sent_seq, int64_t last_seq);
bool restored_open(kernel *k, call *c); /* it was open in the backup: true when all is done */
/* Before a first attempt is intended: it has to be looked for, and has the key of then. */
bool restored_doubts(kernel *k, call *c);
/* Of one that is not sent in this life: a lost one may have sent it, and nobody has looked. */
bool restored_may_have(const kernel *k, const call *c);
bool restored_elsewhere(kernel *k, call *c); /* absent there: there is another place to look */
bool restored_hidden(const kernel *k, const call *c); /* nobody knows under which key to look */
void restored_look(kernel *k, call *c);   /* after it was intended, instead of being sent */
void restored_absent(kernel *k, call *c); /* it is proved that it was not sent then */
/* recheck.c: looks for what was done shortly before the backup; and such a look is over */
int restored_recheck(kernel *k, diag *d);
void restored_heard(kernel *k, call *c, call_heard heard, keel_json body);
void run_erased(kernel *k, run *r); /* it cannot be replayed */

/* ---- replay.c ---- */
/* Its executor was started: reads what its runs have recorded while that loads. */
void run_read_early(kernel *k, worker *w);
void run_forget_early(kernel *k, worker *w);
void run_start_fresh(kernel *k, run *r);  /* at its worker, which is ready */
void run_start_all(kernel *k, worker *w); /* X_START, with what is recorded, for runs not live */

/* ---- recent.c: what committed reads cannot see yet, and each role's last result ---- */
const role *role_find(kernel *k, const char *agent);
void role_ended(kernel *k, const char *agent, int64_t seq, keel_json result, item_label of);
void key_begun(kernel *k, const char *agent, const char *key, const run *r);
/* 0: none. */
uint64_t run_by_key(kernel *k, const char *agent, const char *key, beginning *begun);
void ending_free(ending *e);
void ended_remember(kernel *k, const run *r, int64_t seq, uint64_t next_run, const ending *end);
/* The run of that number, or the last one that goes on from it (ctx.continue), whose number *run_id is
 * then. NULL: it is not open; out is how it ended, its outcome empty when there is no such run. */
run *run_of_chain(kernel *k, uint64_t *run_id, ending *out);
void request_remember(kernel *k, const char *id, const digest *d, keel_json result, int64_t seq);
/* The first answer to a request id: 0, DIAG_NOT_FOUND when it is new, or why that cannot be told. */
int request_find(kernel *k, const char *id, digest *digest_out, keel_buf *result, diag *d);
void recent_durable(kernel *k); /* after a commit: forgets what can be read now */
void recent_free(kernel *k);

/* ---- calls.c, agent.c: what agents ask ---- */
void agent_frame(kernel *k, worker *w, const frame *f);
call *call_new(run *r, call_kind kind, const char *path, const char *call_digest);
void call_free(kernel *k, call *c);        /* unlinks it from run, timers and items */
const char *call_kind_name(const call *c); /* as X_CALL has it */
const char *call_hash(kernel *k, call *c); /* its digest, from the record if need be */
budget_hold *call_holds(call *c);          /* room for BUDGET_HOLDS */
void call_answer(kernel *k, call *c, const char *outcome, size_t len);
typedef struct woken_by { /* an event's record; or which item of one that a poll made */
    int64_t event;        /* 0: none, it was refused */
    const char *from;     /* NULL: sent */
    int64_t item;
    keel_json decision;   /* policy's, where it is another than when it was asked */
    const char *endorsed; /* the rule by which it is trusted, or NULL */
    /* a question: what became of it, and by whom (NULL: by itself) and why (NULL: not said) */
    const char *how, *who, *why;
    int64_t number; /* 0: none */
} woken_by;
/* One that waits inward is over; c is gone after it. by NULL: no event. */
void call_woken(kernel *k, call *c, const woken_by *by, keel_json outcome, item_label of);
void call_refused(kernel *k, call *c, const char *code, const char *why); /* over at once */
void call_due(kernel *k, call *c, int64_t due_wall_us);                   /* sets its timer */
void call_sleep(kernel *k, run *r, const char *path, const char *call_digest, keel_json args);
void call_receive(kernel *k, run *r, const char *path, const char *call_digest, keel_json args);
void call_wait(kernel *k, run *r, const char *path, const char *call_digest, keel_json args);
void call_elapsed(kernel *k, timer *t);
/* What waited for the run `from` waits for the run that goes on from it. */
void wait_move(kernel *k, run *from, uint64_t to);
void wait_on(call *c, run *target);
/* true: it waited. */
bool wait_wake(kernel *k, run *waiter, uint64_t target, const ending *end);
void event_arrived(kernel *k, run *r, event *e); /* takes e */

/* ---- effect.c: propose, decide, intend; spawn.c ---- */
void effect_propose(kernel *k, run *r, call_kind kind, const char *path, const char *call_digest,
                    keel_json request);
/* Fills what follows from request: target, connection, verb, args, key. -1 and why when it names
 * nothing that there is. */
int effect_resolve(kernel *k, call *c, keel_json request, char *why, size_t size);
/* The key of its run and path in a life of the workspace. */
void effect_mint_key(call *c, const char *incarnation, const char *path);
/* Finds connection and verb of c->target; NULL verb when there is none any more. What was sent stays
 * with the connection that it was sent through: another of its name knows nothing of it. */
void effect_rebind(kernel *k, call *c);
/* The same at recovery, and what follows from the arguments. NULL verb also when it was sent and
 * its connection was changed since sent_seq. */
void effect_restore(kernel *k, call *c, effect_class class, int64_t sent_seq);
void effect_decide(kernel *k, call *c); /* also afresh: after an approval, a resume, a reload */
void effect_query(kernel *k, call *c, policy_query *q); /* q points into k->attrs and c */
policy_reply reply_of(kernel *k, const call *c); /* reply.c: it goes to who wrote what it answers */
void replies_free(run *r);                       /* what that keeps of what the run has read */
void effect_intend(kernel *k, call *c, keel_json decision); /* decision: none at a retry */
void effect_again(kernel *k, call *c); /* retry.c: the next attempt, under a new hold */
/* For whom and through what it asks for budget; what it costs is not in there. */
void effect_request(const call *c, budget_request *q);
/* Holds what it costs: 0, or -1 and why. asked: no soft limit asks for it any more. */
int effect_reserve(kernel *k, call *c, bool asked, budget_refusal *why);
bool effect_is_out(const call *c); /* its outcome is open: it may not be dropped */
void effect_give_up(kernel *k, call *c, const char *code, const char *why); /* outcome.c */
/* Pieces of effect bodies in canonical order: args / call, class, connector / digest, evidence /
 * target, until, why. What stands in a record already is left out. */
void effect_put_args(const call *c, keel_json_writer *w);
void effect_put_common(const call *c, keel_json_writer *w);
void effect_put_digest(const call *c, keel_json_writer *w);
void effect_put_target(const call *c, keel_json_writer *w, int64_t until_us); /* 0: not known */
/* spawn.c */
int spawn_resolve(kernel *k, call *c, char *why, size_t size);
void spawn_go(kernel *k, call *c, keel_json decision);

/* ---- close.c: how an effect ends ---- */
typedef struct paid paid; /* usage.h */
/* said: the connector's whole answer, for "cost" and "kv"; or none. */
void effect_done(kernel *k, call *c, keel_json result, keel_json said, const char *by);
void effect_not_done(kernel *k, call *c, const char *code, const char *message, const char *by);
void effect_denied(kernel *k, call *c, keel_json decision, const char *code, const char *rule,
                   const char *why);
void effect_rejected(kernel *k, call *c, const char *by, const char *why);
void effect_expired(kernel *k, call *c);
/* Settles holds into a "settled" array; p: what it came to (usage.h), or NULL: each hold in full. */
void holds_settle(kernel *k, call *c, bool dispatched, const paid *p, keel_json_writer *w);

/* ---- retry.c: what is sent again ---- */
int64_t effect_backoff_us(kernel *k, const call *c, uint32_t attempt);
/* This attempt is over, and the next comes at not_before (wall clock). */
void effect_retry_at(kernel *k, call *c, const char *why, bool pay, int64_t not_before);
/* What was intended and not sent is not sent now; cn NULL: through no connection. */
void effect_park(kernel *k, connection *cn, const char *why);
void effect_hold(kernel *k, call *c); /* the same of one: its connection rests */
struct hold_up;
void effect_held_up(kernel *k, call *c, const struct hold_up *h); /* or it is not its time */

/* ---- look.c: an outcome that nobody knows ---- */
void effect_unknown(kernel *k, call *c, const char *why);  /* a person has to look */
void effect_look(kernel *k, call *c);                      /* reconcile */
void effect_look_now(kernel *k, call *c, const char *why); /* it is unknown from now on */
void effect_look_later(kernel *k, call *c, const char *why, int64_t delay_us);
/* Looks now, on a person's word, as if nobody had looked before. */
int effect_check(kernel *k, call *c, diag *d);

/* ---- outcome.c: what an attempt came to ---- */
void connector_frame(kernel *k, worker *w, const frame *f);
void effect_lost(kernel *k, call *c, const char *why);  /* may have been applied */
void effect_retry(kernel *k, call *c, const char *why); /* this attempt was not applied */
/* What may have been applied under its key may be sent again: the other side still knows it. */
bool effect_key_lives(kernel *k, const call *c);
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

/* ---- kv.c ---- */
void kv_load(kernel *k, connection *cn);
/* Takes puts in force and writes them as the member "kv" of the record. */
void kv_put(kernel *k, call *c, keel_json puts, keel_json_writer *w);

/* ---- approval.c, approval_edit.c ---- */
void effect_wait(kernel *k, call *c, const policy_decision *d, keel_json decision,
                 wait_reason reason);
void effect_wait_until(kernel *k, call *c, keel_json decision, const struct hold_up *h);
void approval_digest(kernel *k, const call *c, const policy_decision *d, digest *out);
/* All that a consent is bound to. here: at this place of this run; else for whichever run of its agent. */
void approval_bound(kernel *k, const call *c, const policy_decision *d, bool here, digest *out);
void approval_stale(kernel *k, call *c, const char *why); /* closes its number: journals why */
bool approval_covers(kernel *k, const call *c, const policy_decision *d);
/* Where a connection goes, and what brings it there; NULL: "". */
void approval_goes_to(const connection *cn, char goes_to[DIGEST_HEX], char connector[DIGEST_HEX]);
void approval_group(kernel *k, call *c,
                    const policy_decision *d);               /* with which it may be approved */
void approval_put_batch(const call *c, keel_json_writer *w); /* the same, as a member */
/* A signature, checked; then, for each that holds, what became of it. */
int approval_check(kernel *k, keel_json item, const char *by, diag *d);
void approval_give(kernel *k, keel_json item, const char *by, keel_json_writer *w);
const approver *approver_named(const kernel *k, const char *name, diag *d);
int approval_edit(kernel *k, call *c, keel_json set, keel_buf *result, diag *d);

/* ---- command_people.c ---- */
int approver_set(kernel *k, keel_json args, bool first, diag *d);

/* ---- worker.c ---- */
worker *worker_for_agent(kernel *k, const plugin *p);
void worker_add_run(kernel *k, worker *w, run *r);
/* The same for a restored run; one that only waits sleeps on. */
void worker_take_run(kernel *k, worker *w, run *r);
void worker_remove_run(run *r);
void worker_need(kernel *k, worker *w); /* there is work: starts it unless it runs */
/* Whether another line of it goes into the log: a flood of them is told of once, and dropped. */
bool worker_may_log(kernel *k, worker *w);
void worker_stop(kernel *k, worker *w); /* when it is idle; its runs are replayed later */
void worker_busy(kernel *k);            /* something was sent: the watchdog looks */
void worker_strike(kernel *k, worker *w, uint64_t run_id, const char *why);
worker *worker_for_connection(kernel *k, connection *cn);    /* one more */
void worker_expect(kernel *k, worker *w, int64_t within_us); /* an answer, or it is killed */

/* ---- dispatch.c ---- */
void dispatch(kernel *k, call *c); /* to a worker of its connection; leaves with this turn */
bool dispatch_ready(const connection *cn);       /* something in its queue may be sent */
call *worker_take_current(kernel *k, worker *w); /* the dispatch it answered */
void worker_next(kernel *k, worker *w);          /* takes more from its connection's queue */
void worker_drop(kernel *k, call *c);            /* c leaves the queue */
void connection_go(kernel *k, connection *cn);   /* what is in its queue may be sent */
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
void follow_move(tree *from, tree *to); /* a run goes on in another tree */
void follow_records(kernel *k, const open_turn *t);
void follow_drop(kernel *k, uint64_t client);

/* ---- recover.c ---- */
int recover(kernel *k, diag *d);      /* the host's state; journals nothing */
int recover_runs(kernel *k, diag *d); /* runs, budgets and effects; needs the world */
/* What the table `run` says of a run, and what was sent to it and not received. */
#define RUN_COLUMNS                                                                                \
    "id, plugin, root, state, parent, depth, key, tainted, begin_seq, strikes, since_seq,"         \
    " sensitivity, quarantine"
void run_columns(kernel *k, run *r, const char *const *columns);
void event_restore(kernel *k, run *r, int64_t seq, const char *name);
/* recover_effect.c: effects that were open, in an array for the caller to free; each goes on by
 * effect_go_on when all else is there. */
int recover_effects(kernel *k, call ***effects, size_t *count, diag *d);
void effect_go_on(kernel *k, call *c);

/* ---- body.c ---- */
/* As much of the text as fits; no character is cut in two: it goes into JSON. */
void text_cut(char *to, size_t size, const char *text);
void body_error(keel_buf *out, const char *code, const char *rule, const char *why);
void outcome_error(keel_buf *out, const char *code, const char *rule, const char *why);
void outcome_ok(keel_buf *out, keel_json value);
void call_digest(char out[17], const char *kind, const char *name, keel_json arguments);
/* The first eight bytes of a digest, never 0: a key for maps. */
uint64_t digest_word(const digest *d);
/* Copies a text member; false when it is missing or longer than size - 1. */
bool body_text(keel_json object, const char *key, char *to, size_t size);

/* ---- clock.c ---- */
void clock_read(kernel *k); /* k->at becomes now */
/* What the wall clock would say if nobody had set it since the last kernel; 0: not known. */
void clock_expect(kernel *k, int64_t wall_us);
int clock_accept(kernel *k, diag *d); /* a person says that the clock is right */

/* ---- space.c ---- */
void space_recover(kernel *k, bool by_space); /* that is why it was halted, when it was */

#endif
