/* The Lua host: one lua_State for one plugin version. What its files share; the outside sees only
 * engine_lua.
 *
 * A run of an agent calls the script's main chunk afresh, in a coroutine of its own: runs share no
 * variable, since the globals are frozen. A run is a tree of tasks: the first one, and one for each
 * function given to ctx.all or ctx.any. At most one task of a run executes; it gives way only in a
 * ctx call that waits, so that the order in which tasks wake, which is the order of the journal,
 * is all that replay must repeat.
 *
 * Callers of Lua API functions here rely on one thing: memory never runs out (lua_alloc.c ends the
 * process), so that only functions called from Lua, on bad arguments, leave by a Lua error. */
#ifndef LUA_HOST_H
#define LUA_HOST_H

#include <lauxlib.h>
#include <lua.h>

#include "egress_client.h"
#include "engine.h"
#include "fs.h"
#include "keel/buf.h"
#include "keel/json.h"
#include "kv.h"
#include "map.h"
#include "run_record.h"

#define LUA_VALUE_DEPTH RUN_VALUE_DEPTH
#define LUA_VALUE_LIMIT RUN_VALUE_LIMIT
#define LUA_TEXT_LIMIT  RUN_TEXT_LIMIT
#define LUA_NAME_LIMIT  RUN_NAME_LIMIT
#define LUA_OVER_MEMORY EXECUTOR_OVER_MEMORY

typedef struct lua_host lua_host;
typedef struct lua_run lua_run;
typedef struct lua_task lua_task;

/* Tables that the library makes carry a metatable that says what they are. */
typedef enum lua_mark {
    MARK_NONE,
    MARK_LIST,      /* an array, also when empty */
    MARK_AGENT,     /* what an agent's script returns */
    MARK_CONNECTOR, /* what a connector's script returns */
    MARK_CONTINUE,  /* ctx.continue(state) */
    MARK_FAIL,      /* keel.fail: why a verb did not do it */
    MARK_VERDICT,   /* keel.applied and the like: what reconcile found */
    MARK_COST,
    MARK_USAGE,
    MARK_ERROR, /* the err of "nil, err" */
    MARK_GUARD, /* a metatable that refuses __gc, __mode and __close */
    MARK_COUNT
} lua_mark;

typedef struct lua_sort_key {
    enum { KEY_INTEGER, KEY_FLOAT, KEY_TEXT } kind;
    union {
        lua_Integer integer;
        lua_Number number;
        const char *text;
    } as;
    size_t len;
} lua_sort_key;

struct lua_host {
    executor *x;
    const executor_config *config;
    lua_State *L;
    size_t used; /* bytes that Lua holds */
    size_t quota;
    char *region; /* small blocks; NULL: all come from malloc */
    size_t region_left;
    void *free_small[16];  /* by size, in steps of 16 bytes */
    size_t collect_at;     /* a full collection when `used` is above */
    lua_task *current;     /* whose code runs; NULL while loading and in a connector */
    bool suspended;        /* the last yield was a ctx call's: coroutine.resume passes it outward */
    bool walled;           /* a coroutine between here and its task cannot wait */
    int marks[MARK_COUNT]; /* registry references of the metatables */
    const void *mark_at[MARK_COUNT];
    int env;      /* the globals that scripts see */
    int fresh;    /* function(env) -> a closure that holds env alone */
    int entry;    /* the script's main chunk */
    int keel;     /* what require "keel" gives */
    int compiled; /* file -> chunk */
    int modules;  /* of the load, and of a connector: name -> what it returned */
    int methods;  /* metatable of each run's ctx */
    int verbs;    /* a connector's table */
    int verb_ctx; /* a connector's c */
    map runs;
    fs *files;
    egress_client *egress; /* NULL without a network need */
    kv kv;                 /* of the verb that runs */
    uint64_t deadline_ns;  /* of it; 0: none */
    bool doubt; /* the other side did not answer its last question by a yes or a "not there" */
    keel_buf failure; /* why its last network call failed; empty: it did not */
    int response;     /* metatable of what c.http gives */
    keel_buf args;    /* of the ctx call being made */
    keel_buf body;    /* of the frame being made */
    keel_buf text;    /* short-lived */
    keel_buf problem; /* why lua_encode refused */
    lua_sort_key *keys;
    size_t key_cap;
};

typedef enum task_state {
    TASK_READY,  /* in the run's queue, or running */
    TASK_WINDOW, /* waits for room in the run's window; nothing else of the run goes on */
    TASK_CALL,   /* waits for the outcome of `path` */
    TASK_JOIN    /* waits for its children */
} task_state;

struct lua_task {
    lua_run *run;
    lua_task *parent;
    lua_task *next; /* of the run's tasks, in the order of their creation */
    lua_task *ready_next;
    lua_State *co;
    int co_ref;
    int args; /* to hand over at the first resume; then 0 */
    task_state state;
    unsigned calls; /* ctx calls so far */
    int depth;      /* components of `prefix` */
    int branch;     /* 1 for the first child of its join */
    size_t prefix_len;
    size_t path_len;
    char prefix[PATH_LIMIT];
    char path[PATH_LIMIT]; /* of the last ctx call */
    const char *outcome;   /* what woke it: valid until its next wait */
    size_t outcome_len;
    keel_buf held; /* a call made while records wait: sent when all were delivered */
    struct {
        bool any;
        int left;
        int winner;
        int results; /* registry references; LUA_NOREF outside of a join */
        int errors;
        int failed; /* the error that a child ended with */
    } join;
};

typedef struct lua_record {
    size_t at; /* in lua_run.record_bytes: X_RECORD's body */
    uint32_t len;
    bool used;
} lua_record;

typedef struct lua_answer lua_answer;

struct lua_run {
    lua_host *host;
    uint64_t id;
    keel_buf start; /* X_START's body until the records are there */
    lua_task *tasks;
    lua_task *tasks_last;
    lua_task *ready_first;
    lua_task *ready_last;
    lua_task *stalled; /* waits for the window */
    lua_answer *answers_first;
    lua_answer *answers_last;
    bool over;      /* sent its end, or dropped: to be destroyed by the pump */
    bool replaying; /* records are left that were not delivered */
    uint64_t sent;  /* one-way records since X_START */
    uint64_t acked;
    int ctx; /* registry references */
    int modules;
    size_t record_want;
    size_t record_count;
    size_t deliver; /* the first record that may still have to be delivered in order */
    size_t guess;   /* behind the last record that was found by its path */
    lua_record *records;
    keel_buf record_bytes;
    uint32_t *by_path; /* open addressing; index + 1; made when a guess fails */
    size_t by_path_cap;
    char **dropped; /* prefixes of tasks that were left behind by ctx.any or an error */
    size_t dropped_count;
    keel_buf child_error; /* message and trace of the last task that failed */
    keel_buf child_trace;
};

static inline lua_host *lua_host_of(lua_State *L) {
    void *ud;
    lua_getallocf(L, &ud);
    return ud;
}

/* lua_alloc.c */
void *lua_quota_alloc(void *ud, void *p, size_t old_size, size_t new_size);
void lua_region_create(lua_host *h);
void lua_region_destroy(lua_host *h);
void lua_host_collect(lua_host *h); /* when it is time: between runs, and in long ones */

/* lua_encode.c: appends the canonical form of a value, without calling Lua code. 0; or -1, `out` as
 * it was, and h->problem says where and why ("input.items[3]: a hole"). root names the value. */
int lua_encode(lua_State *L, int index, const char *root, keel_buf *out);
/* The same as a Lua error with `where` before it, for functions called from Lua. */
void lua_encode_check(lua_State *L, int index, const char *where, const char *root, keel_buf *out);

/* lua_decode.c: pushes the value of canonical bytes. null is nil at the top, else keel.null. */
void lua_decode(lua_State *L, const char *data, size_t len);
void lua_decode_view(lua_State *L, keel_json v); /* none: nil */

/* lua_mark.c */
void lua_marks_create(lua_host *h);
lua_mark lua_mark_of(lua_State *L, int index); /* MARK_NONE for all else */
void lua_mark_set(lua_State *L, int index, lua_mark mark);
int lua_mark_named(lua_State *L); /* for keel.lua: mark(table, "agent") */
/* Wraps the table on the top: what it has can be read and not changed. `advice` ends the error. */
void lua_freeze(lua_State *L, const char *name, const char *advice);
bool lua_is_frozen(lua_State *L, int index);

/* lua_sandbox.c, and the functions that stand in for those of the standard library */
void lua_sandbox_open(lua_host *h);
/* Compiles a file of the plugin, as text. Pushes the chunk; or the message and returns -1. */
int lua_sandbox_compile(lua_State *L, const executor_file *file);
/* Gives the chunk at `index` a cell of its own for its globals, so that `_ENV = x` stays inside. */
void lua_sandbox_renew(lua_State *L, int index);
/* Loads keel.lua. 0, or -1 with the message on the top. */
int lua_sandbox_library(lua_host *h);
int lua_sandbox_require(lua_State *L);
extern const luaL_Reg lua_base_functions[];      /* lua_base.c */
extern const luaL_Reg lua_coroutine_functions[]; /* lua_coroutine.c */
int lua_sorted_pairs(lua_State *L);              /* lua_sorted.c */
int lua_sorted_next(lua_State *L);
int lua_string_format(lua_State *L); /* lua_string.c */
/* Pushes a coroutine that scripts cannot resume. */
lua_State *lua_host_thread(lua_host *h);
/* Pushes what tostring gives, without an address. */
void lua_push_text(lua_State *L, int index);
/* Pushes a function that only says: "NAME is not available: ADVICE". */
void lua_push_refused(lua_State *L, const char *name, const char *advice);

/* lua_error.c: the words of an error value. */
void lua_error_text(lua_State *L, int index, keel_buf *out);
void lua_trace_text(lua_State *L, lua_State *co, keel_buf *out);
/* Splits "FILE:LINE: message" of a load into a diag. */
int lua_error_diag(const char *message, diag *d, const char *next);
/* Appends text as a JSON string, cut at LUA_TEXT_LIMIT; bytes that are no UTF-8 become "?". */
void lua_quote(keel_buf *out, const char *text, size_t len);

/* lua_run.c */
void lua_run_start(lua_host *h, const frame *f);
void lua_run_record(lua_host *h, const frame *f);
void lua_run_answer(lua_host *h, const frame *f);
void lua_run_ack(lua_host *h, const frame *f);
void lua_run_cancel(lua_host *h, uint64_t id);
void lua_run_destroy(lua_run *r);
/* Checks the spec that the script returned. 0, or -1 with h->problem. */
int lua_agent_check(lua_host *h, lua_State *L, int index);
lua_task *lua_task_create(lua_run *r, lua_task *parent, int branch);
void lua_task_ready(lua_task *t);
lua_task *lua_task_waiting(const lua_run *r, const char *path, size_t len);
/* Drops the tasks below t, and what is recorded of them. */
void lua_task_drop_children(lua_task *t);

/* lua_end.c: the last frame of a run. */
void lua_end_result(lua_run *r, lua_State *co, int results);
void lua_end_error(lua_run *r, lua_State *co); /* the error on the top of co */

/* lua_replay.c */
void lua_replay_begin(lua_run *r);
lua_record *lua_replay_find(lua_run *r, const char *path, size_t len);
run_recorded lua_replay_read(const lua_run *r, const lua_record *rec);
/* Delivers the next record in order: true when a task was woken or the run is over. */
bool lua_replay_deliver(lua_run *r);
void lua_replay_finish(lua_run *r);
/* Whether a record is left that no task asked for: sends the mismatch then. */
bool lua_replay_left_over(lua_run *r);
/* Compares with the record, takes it; sends X_MISMATCH and ends the run if it differs: false. */
bool lua_replay_matches(lua_task *t, lua_record *rec, run_call *now);

/* lua_task.c: what ctx functions are made of */
/* The task that calls, with its next path; a Lua error where it cannot wait. */
lua_task *lua_task_enter(lua_State *L, const char *what);
/* Makes the call whose arguments are h->args and waits: return it. k then pushes the results. */
int lua_task_call(lua_State *L, lua_task *t, const char *kind, const char *name, size_t name_len,
                  lua_KFunction k);
int lua_task_wait(lua_State *L, lua_task *t, task_state state, lua_KFunction k);
/* The value of the outcome, true; or nil and err were pushed, false. */
bool lua_task_outcome(lua_State *L, lua_task *t);
/* "a table", "nothing": the kind of an argument, for messages. */
const char *lua_what(lua_State *L, int index);
/* A text argument of 1 to LUA_NAME_LIMIT bytes of UTF-8. */
const char *lua_check_name(lua_State *L, int index, const char *what, size_t *len);
/* Refuses keys of the option table that are not in `known` (ends with NULL). */
void lua_check_options(lua_State *L, int index, const char *what, const char *const *known);
/* "3d", "1h30m" or seconds, as microseconds. */
int64_t lua_check_duration(lua_State *L, int index, const char *what);

/* lua_oneway.c: step and log; lua_ctx.c, lua_effect.c, lua_join.c: the others */
int lua_ctx_step(lua_State *L);
int lua_ctx_log(lua_State *L);
int lua_ctx_use(lua_State *L);
int lua_ctx_ask(lua_State *L); /* lua_ask.c */
int lua_ctx_spawn(lua_State *L);
int lua_ctx_wait(lua_State *L);
int lua_ctx_all(lua_State *L);
int lua_ctx_any(lua_State *L);
void lua_ctx_open(lua_host *h);                       /* makes h->methods */
void lua_ctx_push(lua_run *r, keel_json previous);    /* pushes a run's ctx */
void lua_join_finished(lua_task *child, int results); /* they are on the top of its coroutine */
void lua_join_failed(lua_task *child);                /* so is the error */

/* lua_verb.c */
int lua_connector_create(lua_host *h, int index); /* 0, or -1 with h->problem */
void lua_verb_handle(lua_host *h, const frame *f);

/* The services that a connector has in c. Each pushes its table. */
void lua_fs_push(lua_host *h);     /* lua_fs.c */
void lua_http_push(lua_host *h);   /* lua_http.c, lua_answer.c */
void lua_stream_push(lua_host *h); /* lua_stream.c */
void lua_kv_push(lua_host *h);     /* lua_service.c */
void lua_clock_push(lua_host *h);
/* Pushes nil and a keel.fail, and returns 2. */
int lua_give_failure(lua_State *L, keel_status status, const char *message);
/* The same of a call to egress, which is remembered until one goes well. */
int lua_give_egress_failure(lua_State *L, keel_status status);
/* A text without a NUL, which C would end at. */
const char *lua_check_text(lua_State *L, int index, const char *what);

/* lua_answer.c */
void lua_answer_open(lua_host *h); /* makes h->response */
void lua_answer_push(lua_State *L, const egress_answer *a);

/* lua_url.c: texts for a URL */
void lua_url_encode(keel_buf *out, const char *text, size_t len);
/* Appends the table at `index` as NAME=VALUE&..., by sorted names. */
void lua_url_query(lua_State *L, int index, const char *what, keel_buf *out);
typedef struct lua_name {
    const char *text; /* lives in its table */
    size_t len;
} lua_name;
/* The names of the table at `index`, sorted, in memory that is pushed. */
const lua_name *lua_sorted_names(lua_State *L, int index, const char *what, size_t *count);
/* The text of a string, a number or a boolean, pushed; or an error. */
const char *lua_push_plain(lua_State *L, int index, const char *what, size_t *len);

/* lua_json.c: what keel.lua is lent for keel.json, keel.base64 and keel.url, each of which pushes
 * its table, and keel.digest. */
void lua_json_push(lua_State *L);
void lua_base64_push(lua_State *L);
void lua_url_push(lua_State *L);
int lua_digest(lua_State *L);
/* Pushes the value of ordinary JSON (null: keel.null); or nil and a keel.fail. How many. */
int lua_give_json(lua_State *L, const char *text, size_t len, const char *what);

#endif
