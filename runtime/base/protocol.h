/* The words of the two conversations over frames: kernel and executor (X_), kernel and CLI (C_).
 * "rest" is what stands behind the length-prefixed fields of a body; JSON is canonical and is
 * checked by whoever receives it from a less trusted side. */
#ifndef PROTOCOL_H
#define PROTOCOL_H

#include <stdatomic.h>
#include <stdint.h>

/* ---- kernel and executor ----
 * Descriptors that an executor inherits: */
enum {
    EXECUTOR_FD_FRAMES = 3,
    EXECUTOR_FD_PAGE = 4,   /* struct executor_page, shared */
    EXECUTOR_FD_NATIVE = 5, /* sealed memfd of the .so; /dev/null for Lua */
    EXECUTOR_FD_LOCK = 6,   /* shared lock on .keel/generation, only to be held open */
    EXECUTOR_FD_EGRESS = 7, /* to egress (egress_protocol.h); /dev/null without a network need */
    EXECUTOR_FD_GRANTS = 8  /* first granted folder, then the others in order */
};
/* How an executor ends when its plugin wants more memory than the manifest lets it. */
#define EXECUTOR_OVER_MEMORY 86

/* The executor names what it is about to run before it runs it, and clears it after; `ticks` grows
 * with each change. The kernel's watchdog reads it: the same tick for too long is a kill, and costs
 * only the named run (or dispatch) a strike. */
typedef struct executor_page {
    _Atomic uint64_t run; /* agents: run id; connectors: dispatch ref; 0: idle */
    _Atomic uint64_t ticks;
} executor_page;

/* One-way records (X_STEP, X_LOG) of a run that may be ahead of the journal. */
#define RUN_WINDOW 16
#define PATH_LIMIT 120 /* bytes of an effect path such as "3.2.1", and its depth: */
#define PATH_DEPTH 16

enum {
    /* kernel -> executor */
    X_CONFIG =
        1,    /* {"abi":[major,minor],"config","entry","grants":[{"fd","mode","path"}],"http":bool,
                 "id","kind":"agent|connector","libraries","memory","name","native":bool,
                 "stream":bool,"version"}; http, stream: the services that its needs open */
    X_FILE,   /* field name, rest: bytes. "keel.lua" is the library, then entry and templates */
    X_LOAD,   /* load now; answered by X_READY or X_REFUSED */
    X_START,  /* run; ref: how many X_RECORDs follow; {"input","previous"} */
    X_RECORD, /* run; fields path, kind, name, call; rest: outcome, see below */
    X_ANSWER, /* run; field path; rest: outcome */
    X_ACK,    /* run; ref: one-way records durable since X_START, recorded ones not counted */
    X_CANCEL, /* run: drop its coroutine, answer nothing */
    X_VERB,   /* ref: dispatch; {"attempt","body","deadline_us","flags":[],"key","kv"?,
                 "mode","outcome","resource","verb"}; kv: what keel.kv/1 has in force; mode: "effect" for reconcile; flags: "dry_run";
                 deadline_us: how long from now, 0 or absent: no deadline */
    X_STOP,   /* finish and exit 0 */

    /* executor -> kernel */
    X_READY = 64, /* {"id","version"} as the code itself says */
    X_REFUSED,    /* {"message","next"}: not loaded, and why */
    X_STEP,       /* run; fields path, name; rest: result */
    X_LOG,        /* run; fields path, level; rest: a JSON string */
    X_CALL,       /* run; fields path, kind, call; rest: arguments, see below */
    X_END,        /* run; {"state":"ended|continued","result"} or
                     {"state":"failed","error":{"code","message","trace"}} */
    X_MISMATCH,   /* run;
                     {"path","recorded":{"call","kind","name"},"now":{"args","call","kind","name"}} */
    X_REPLY,      /* ref: dispatch; {"cost":{"currency","micros"}?,"kv":{KEY:VALUE|null}?,"result",
                "usage":{"cache_read","cache_write","input","model","output"}?}; of reconcile, result is {"ref"?,"state":"applied|absent|pending|cannot_tell"}, ref: the
                write's result; kv: puts, null removes */
    X_FAIL, /* ref: dispatch; {"code","cost"?,"message"}, code one of plugin.h's status names */
    X_NOTE  /* {"level","text"}: what a connector or the loader logs */
};

/* An outcome is {"ok":VALUE} or {"err":{"code","rule"?,"why"}}.
 *
 * X_CALL kinds and their arguments (the same in the journal):
 *   now      {}                                  -> microseconds since 1970
 *   random   {}                                  -> 64 random bits as 16 hex digits
 *   sleep    {"us":N}                            -> null
 *   receive  {"name":S?,"timeout_us":N?}         -> {"body","name"} or null after the timeout
 *   spawn    {"agent","input","key"?,"quarantine"?:true,"returns"?}
 *                                                -> {"existing":bool,"run":N}
 *   wait     {"run":N}                           -> {"result"} or {"error"}, with "state"
 *   ask      {"choices"?,"default"?,"evidence"?,"expires_us"?,"kind"?,"question","why"?}
 *                                                -> the answer; base/question.h
 *   effect   {"args","evidence"?,"resource","use","verb","why"?}  -> the verb's result
 * `name` of an effect is "USE.RESOURCE.VERB", of a spawn "run.spawn", of a step its name; else "".
 * `call` is the first 16 hex digits of BLAKE2b-256(kind NUL name NUL arguments): what replay
 * compares. For a step it covers kind and name alone. */

/* ---- kernel and CLI ---- */
enum {
    C_COMMAND = 128, /* ref: the client's number; {"args","command","request"} */
    C_ANSWER, /* ref; {"result"} or {"error":{"code","column","exit","file","line","next","what"}}
               */
    C_EVENT,  /* ref; one line of a stream that the command asked for */
    C_DONE    /* ref; {"exit":N,"waiting":[numbers]}: the stream is over */
};

#endif
