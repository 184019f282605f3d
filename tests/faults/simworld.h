/* A kernel in one process without a loop: a virtual clock, a store on the disk whose power fails,
 * executors that are small interpreters in memory, and an outside with a log of its own. The code
 * that decides is the shipped one. */
#ifndef SIMWORLD_H
#define SIMWORLD_H

#include "crashvfs.h"
#include "kernel.h"
#include "outside.h"
#include "policy.h"

#define SIM_ANSWERS   64
#define SIM_HELD      16
#define SIM_EXECUTORS 32
#define SIM_NOTICES   64

/* One call of a program; `args` NULL: a one-way record. Its path is its place in the list. In args,
 * $m is a number that follows from all answers before, $r the run that was spawned last or 0: so a
 * replay with another answer makes another call. */
typedef struct sim_op {
    const char *kind; /* X_CALL's kind, or "step", "log" */
    const char *name;
    const char *args;
} sim_op;

typedef struct sim_program {
    const char *agent;
    const sim_op *ops;
    size_t count;
    const char *end; /* X_END's body; NULL: it ended with a result */
    int segments;    /* how often it goes on by ctx.continue, counted in its input's "n" */
} sim_program;

typedef struct sim_world sim_world;

/* What a bigger simulation puts in the place of the built-in outside, and what it watches. */
typedef struct sim_hooks {
    /* A connector was told a verb. */
    void (*verb)(sim_world *w, uint32_t number, const char *connector, const frame *f);
    /* Does an executor that is started come up? Else it has been given another fate. */
    bool (*comes_up)(sim_world *w, uint32_t number);
    void (*committed)(sim_world *w, const turn *t);
    void (*answered)(sim_world *w, uint64_t ref, const char *body, size_t len); /* C_ANSWER */
    void (*logged)(sim_world *w, const char *level, uint64_t run, const char *text);
    int64_t (*next)(sim_world *w); /* BOOTTIME of what the outside does next, or INT64_MAX */
    void (*due)(sim_world *w);     /* it does it */
} sim_hooks;

/* A verb that a connector was told, while `hold` is set. */
typedef struct sim_verb {
    uint32_t executor;
    uint64_t ref;
    char verb[16], resource[32], key[40], config[64], body[64], outcome[64];
} sim_verb;

typedef struct sim_executor {
    uint32_t number; /* 0: free */
    bool connector;
    uint32_t egress; /* to which it has a channel; 0: none */
    char agent[32];
    char config[64]; /* connectors */
    struct sim_run *runs;
} sim_executor;

/* What the simulated egress knows of an order. */
typedef struct sim_order {
    uint64_t ref; /* 0: free */
    uint64_t connection;
    bool sent, answered;
} sim_order;

typedef struct sim_answer {
    char request[48];
    bool ok;
    char result[2048];
} sim_answer;

/* What a person was to be told. */
typedef struct sim_notice {
    uint64_t id;
    char to[32], body[2048];
    bool over; /* the kernel has heard what became of it, or died */
} sim_notice;

struct sim_world {
    char root[128]; /* workspace folder, shared by all lives */
    crash_disk *disk;
    outside outside;
    uint64_t seed;
    int64_t clock;          /* us, BOOTTIME */
    int64_t wall_ahead;     /* of the wall clock before it */
    int64_t expected_us;    /* what the next kernel is told of the wall clock; 0: nothing */
    const sim_hooks *hooks; /* or NULL */
    void *owner;            /* the hooks' */
    store *store;
    kernel *kernel;
    turn *committing;
    bool dead; /* a commit failed: this life is over */
    sim_executor executors[SIM_EXECUTORS];
    struct sim_event *first, *last;  /* frames and deaths on their way to the kernel */
    sim_answer answers[SIM_ANSWERS]; /* acknowledged commands, over all lives */
    size_t answer_count;
    uint64_t client;
    int told, done, done_after_answer; /* C_ANSWERs, C_DONEs, and C_DONEs behind their answer */
    const sim_program *programs;       /* NULL: the built-in ones */
    size_t program_count;
    int64_t horizon;                 /* us that it waits for a timer, 0: an hour */
    bool no_spawn;                   /* no executor can be started */
    bool egress_deaf;                /* it hangs: answers nothing any more */
    uint32_t egress;                 /* its number; 0: it does not run */
    sim_order orders[SIM_EXECUTORS]; /* unsafe and open */
    bool connected[64];              /* connections that it knows, by number */
    bool hold;                       /* connectors answer when the test does */
    sim_verb held[SIM_HELD];         /* what they were told meanwhile */
    size_t held_count;
    sim_notice notices
        [SIM_NOTICES]; /* handed over to tell people, over all lives; told: what became of it */
    size_t notice_count;
    char fault[256]; /* what broke an invariant of the simulation itself */
};

/* Makes the folder with its plugins and policy once. */
void sim_folder(char root[128]);
/* Lets its connector have the network instead of a folder as its way out. */
void sim_network(const char *root);
void sim_folder_remove(const char *root);
void sim_put(const char *root, const char *name, const char *text);

/* A life: opens store and kernel. false when the disk struck meanwhile. */
bool sim_start(sim_world *w);
/* Ends it without another word, as kill -9 does. */
void sim_end(sim_world *w);
/* One command, answered or not; the same request id may be given again in a later life. */
void sim_command(sim_world *w, const char *request, const char *name, const char *args);
const sim_answer *sim_answered(const sim_world *w, const char *request);
/* Goes on until nothing moves within an hour of virtual time, or the disk struck. */
void sim_run_out(sim_world *w);
/* One commit, frame or timer; false: there was none within the hour. */
bool sim_step(sim_world *w);
/* A number of the database; -1 when there is none. */
int64_t sim_number(sim_world *w, const char *sql);
/* Answers the oldest held verb: with X_REPLY when body has a result, else X_FAIL. */
void sim_answer_held(sim_world *w, const char *body);

/* ---- simpeople.c ---- */
/* What became of the oldest notice that was handed over: why NULL: it was told. */
void sim_notified(sim_world *w, const char *why);
void sim_notify(void *ctx, uint64_t id, const workspace_notifier *by, const char *notice,
                size_t len);                  /* kernel_env's */
void sim_notices_end(sim_world *w);           /* a life is over */
void sim_key(uint8_t pk[32], uint8_t sk[64]); /* the operator's */
/* The arguments of `approve` for what is signed under that number. */
void sim_consent(const sim_world *w, const char *approval, const char *number, char args[800]);
/* The same for what waits under the number now, to be remembered for what its record offers; false: it
 * offers nothing, and nothing is signed as that. */
bool sim_remember(const sim_world *w, int64_t number, char args[800]);
/* Signs what stands open under the number now and approves it. */
void sim_approve(sim_world *w, const char *request, int64_t number);
/* Signs that what that run has read is less, as it stands now; seq 0: at its last record. */
void sim_label(sim_world *w, const char *request, int run, bool untrusted, const char *level,
               int64_t seq);
/* Orders the rollback of the run by the plan as it stands now. */
void sim_rollback(sim_world *w, const char *request, uint64_t run);
/* Signs and approves all open approvals; tries again what is stuck; the operator settles unknown outcomes by the outside's own
 * log. true if there was any. */
bool sim_operator(sim_world *w);

/* ---- simnet.c: egress ---- */
void sim_egress_frame(sim_world *w, const frame *f);
/* An unsafe request under an order: announced; then answered, or not. false: it is not sent, since
 * egress has gone or the order is not open. */
bool sim_egress_request(sim_world *w, uint64_t ref, bool answered);
void sim_egress_kill(sim_world *w);
/* The other side answered so; after_s 0: it did not say when to come again. */
void sim_egress_status(sim_world *w, uint64_t ref, uint64_t connection, int status,
                       int64_t after_s);

/* ---- simexec.c ---- */
/* A connector's answer to the verb of that ref: X_REPLY or X_FAIL with this body. */
void sim_reply(sim_world *w, uint32_t number, uint64_t ref, bool ok, const char *body);
/* Queues a frame from an executor to the kernel. */
void sim_to_kernel(sim_world *w, uint32_t number, uint16_t type, uint64_t run, uint64_t ref,
                   const keel_buf *body);
void sim_gone(sim_world *w, uint32_t number, const char *why);

/* ---- simread.c: a program with the answers that it got, one call after the other ---- */
typedef struct sim_reading {
    const sim_program *program;
    size_t pc;       /* the call that comes next */
    uint64_t memory; /* $m: of all answers so far */
    uint64_t child;  /* $r */
    int segment;     /* its input's "n" */
} sim_reading;
sim_reading sim_read_begin(const sim_program *p, keel_json input);
void sim_read_args(const sim_reading *r, keel_buf *out); /* of the call at pc */
/* Its digest, given all answers before it. */
void sim_read_digest(const sim_reading *r, char out[17]);
/* Its answer; NULL for a one-way record. Goes on to the next. */
void sim_read_answer(sim_reading *r, const char *outcome, size_t len);
void sim_read_end(const sim_reading *r, keel_buf *out); /* X_END's body */
const sim_program *sim_program_of(const sim_world *w, const char *agent);
void sim_spawn(sim_world *w, uint32_t number, const kernel_spawn *s);
void sim_frame(sim_world *w, uint32_t number, uint16_t type, uint64_t run, uint64_t ref,
               const void *body, size_t len);
void sim_kill(sim_world *w, uint32_t number, const char *why);
void sim_executors_free(sim_world *w);

#endif
