/* The journal's record kinds: one line each, with the canonical body. The tables of schema.sql are
 * a projection of these and of nothing else (project.c), so a rebuild gives the same tables.
 *
 * Every kind has the failpoints "journal.NAME.append", "journal.NAME.before_commit" and
 * "journal.NAME.after_commit"; the list below makes them, so there is no kind without.
 *
 * `run` and `path` of a record are columns, not body. Times are microseconds of the wall clock.
 * Optional members are marked ?. DECISION is what policy_explain writes. ARGS of 31.. are the
 * verb's. */
#ifndef RECORDS_H
#define RECORDS_H

/* clang-format off */
#define RECORD_KINDS(X)                                                                            \
    /* the host; run 0, path "" */                                                                 \
    X(1, BOOT, "boot") /* {"approvers":{NAME: public key},"boot","chains":[{"boot","head":hex,"seq"}],"incarnation":hex16,        \
                          "public_key":hex,"version","workspace":hex} */                           \
    X(2, STOP, "stop")             /* {} */                                                        \
    X(3, COMMAND, "command")       /* {"answer","digest":hex,"name","request"} */                  \
    X(4, POLICY, "policy")         /* {"digest":hex,"files":[{"digest":hex,"name"}]} */            \
    X(5, PLUGIN, "plugin")         /* {"digest":hex,"files":[{"digest","name"}],"id","kind",       \
                                       "name","version"} */                                        \
    X(6, CONNECTION, "connection") /* {"auth"?,"ca"?,"config","digest":hex,"name","plain"?,        \
                                       "plugin":id,"private"?,"version"}: auth names secrets and   \
                                       holds none */                                               \
    X(7, HALT, "halt")             /* {"by"?:"space","why"} */                                                   \
    X(8, RESUME, "resume")         /* {} */                                                        \
    X(9, BATCH, "batch")           /* {"batch":N,"numbers":[N]} */                                 \
    X(10, ROLLBACK, "rollback_accepted") /* {"anchor_seq","incarnation","seq","shared"} */         \
    X(11, POLICY_REFUSED, "policy.refused") /* {"column","file","line","what"} */                  \
    X(12, APPROVER, "approver")    /* {"name","public_key":hex,"salt":hex} */                      \
    X(13, BREAKER, "breaker") /* {"connection","state":"open|half_open|closed","until_us"?,"why"} */ \
    X(14, ERASED, "erased") /* {"by","records":[{"body":what is left of it,"seq"}],"why"} */      \
    X(15, ARCHIVED, "archived") /* {"digest":hex,"file","first","head":hex,"last"}: records that   \
                                   moved into a file of the archive */                             \
    /* a run */                                                                                    \
    X(16, RUN_BEGIN, "run.begin")  /* {"agent","continued_from"?,"depth","input","key"?,"parent"?, \
                                       "parent_path"?,"plugin":hex,"previous"?:seq of a run.end,    \
                                       "quarantine"?:what may come out of it, see closed.h,        \
                                       "root","sensitivity"?:of its input, internal without it,    \
                                       "since"?:seq of the run.begin of its first segment,         \
                                       "tainted"?,"version"} */                                    \
    X(17, RUN_END, "run.end")      /* {"dropped"?:true when calls were still open,                \
                                       "error"?:{"code","message","trace"?},"next_run"?,"result"?, \
                                       "state":"ended|failed|cancelled|continued"} */              \
    X(18, RUN_PAUSED, "run.paused")   /* {"detail","reason"} */                                    \
    X(19, RUN_RESUMED, "run.resumed") /* {} */                                                     \
    X(20, RUN_STRIKE, "run.strike")   /* {"strikes":N without progress between them,"why"} */      \
    X(21, STEP, "step")            /* {"name","result"} */                                         \
    X(22, LOG, "log")              /* {"level","text"} */                                          \
    X(23, NOW, "now")              /* {"us"} */                                                    \
    X(24, RANDOM, "random")        /* {"hex"} */                                                   \
    X(25, SLEEP, "sleep")          /* {"call","until_us"} */                                       \
    X(26, RECEIVE, "receive")      /* {"call","decision"?: of the read that it is, when what is    \
                                      received is polled,"name"?,"until_us"?} */               \
    X(27, SPAWN, "spawn")          /* {"agent","approval"?:N,"call","decision","existing":bool,     \
                                       "grant"?:N,"holds"?,"override"?:N,"run","sensitivity"?,     \
                                       "tainted"?}: the label with which a run that was there had  \
                                       begun; a hold counts as spent */                            \
    X(28, WAIT, "wait")            /* {"call","run"} */                                            \
    X(29, WOKEN, "woken")          /* {"by"?,"call","decision"?,"endorsed"?:the rule by which it is \
                                       trusted,"event"?:seq,"from"?:what was polled,              \
                                       "how"?:"answered|declined|expired","item"?:which of that   \
                                       record,"kind":"sleep|receive|wait|ask","number"?,           \
                                       "outcome","sensitivity"?,"tainted"?,"why"?}; how, number: a \
                                       question's; sensitivity, here and below: where it rises for \
                                       the run */                                                  \
    X(30, EVENT, "event")          /* {"body","name","sensitivity"?,"tainted"?}: sent to the run;  \
                                      path ""; internal without sensitivity */                     \
    /* an effect, at its run and path; "target" is CONNECTION.RESOURCE.VERB or run.spawn */        \
    X(31, EFFECT_DENIED, "effect.denied")   /* {"args","call","class","decision","digest","error", \
                                                "evidence"?,"target","tier"?:TIER,"undo"?,"why"?}; \
                                                TIER, here and below: {"budget","from","to",       \
                                                "why"}, a cheaper one that was put in the place    \
                                                of the one asked for; stands with "args" */        \
    X(32, EFFECT_WAITING, "effect.waiting") /* {"approval"?:hex,"args","attention"?:[HOLD]: spent   \
                                                on asking,"batch"?:{"key":hex16,"max":N},           \
                                                "budget"?:{"id","scope",                            \
                                                "soft":bool,"why"}: which is short,"beyond"?:      \
                                                [{"amount","budget","unit"}]: limits that its      \
                                                approval lets it go beyond,"call","class",         \
                                                "connector","decision","digest","evidence"?,       \
                                                "expires_us"?,"held"?: by which rate or hour,      \
                                                "number"?,"raise_us"?: shown then,                 \
                                                "reason":"approval|budget|breaker|halted|          \
                                                attention|rate|quiet",                             \
                                                "remember"?:SCOPE,"seal"?:hex: 8 bytes of the       \
                                                digest of each thing that an approval is bound to,  \
                                                "shapes"?:[hex]: what a denial of it is remembered  \
                                                for,"target","tier"?,"undo"?,"until_us"?: about     \
                                                when it goes,                                      \
                                                "why"?} */                                         \
    X(33, EFFECT_INTENDED, "effect.intended") /* {"approval"?:N,"args"?,"attempt","call","class",  \
                                                  "connector","decision"?,"digest","evidence"?,    \
                                                  "grant"?:N that is used once more,               \
                                                  "holds","key","override"?:N,"target","tier"?,    \
                                                  "undo"?,"why"?}; "args",                         \
                                                  "decision", "undo" only at attempt 1; undo:      \
                                                  "compensate", promised before the act */         \
    X(34, EFFECT_DONE, "effect.done")       /* {"attempt","by"?,"call","cost"?:{"currency",        \
                                                "micros"},"kv"?:[{"connection","key","value"?}],   \
                                                "price"?:{"assumed"?,"at","cache_read",            \
                                                "cache_write","currency","from","input","model",   \
                                                "output"}: the row of policy by which it costs     \
                                                that, "requests"?:[hex: what was sent],"result",   \
                                                "sensitivity"?,                                    \
                                                "settled":[HOLD with "actual","overrun"],          \
                                                "tainted"?,"target","unpriced"?:true,              \
                                                "usage"?:{"cache_read","cache_write","input",      \
                                                "model","output"}}; kv without a value: removed    \
                                                */                                                 \
    X(35, EFFECT_NOT_DONE, "effect.not_done") /* {"attempt","by"?,"call","error","sensitivity"?,   \
                                                  "settled","tainted"?,"target"} */                \
    X(36, EFFECT_UNKNOWN, "effect.unknown") /* {"attempt","number"?,"next_check_us"?,              \
                                                "owner":"keel|operator","why"} */                  \
    X(37, EFFECT_RECONCILING, "effect.reconciling") /* {"attempt"} */                              \
    X(38, EFFECT_RETRY, "effect.retry")     /* {"absent"?,"attempt","maybe"?,"not_before_us",      \
                                                "paced"?:true: a consent stands until then,        \
                                                "settled","unsent"?,"why"}: this attempt was not   \
                                                applied (absent: it was looked for), or (maybe)    \
                                                its class makes a repeat harmless, or (unsent) it  \
                                                was given back before it was sent; the next will   \
                                                be intended */                                     \
    X(39, EFFECT_REJECTED, "effect.rejected") /* {"attention"?,"by","call","error","number",      \
                                                    "stands_us"?: until then the same is not asked  \
                                                    for again,"target","why"} */                    \
    X(40, EFFECT_EXPIRED, "effect.expired") /* {"call","error","number","target"} */               \
    X(41, EFFECT_STALE, "effect.stale")     /* {"number"?,"why"}: shown, asked again */            \
    X(42, APPROVAL_GIVEN, "approval.given") /* {"approval":hex,"attention"?,"by","lifted"?:N: the  \
                                                denial of the same, which stands no more,           \
                                                "nonce":hex,"number","signature":hex} */                                \
    X(43, APPROVAL_EDITED, "approval.edited") /* {"approval":hex,"args","attention"?,"batch"?,      \
                                                  "beyond"?,"by","call","class",                   \
                                                  "connector","decision","digest","evidence"?,     \
                                                  "number","seal":hex,"shapes"?,"target","tier"?,  \
                                                  "undo"?,"why"?} */                               \
    /* taking back: at the path of the effect that is undone; "undo" is the path of the effect that \
       undoes it, in the same run, and "done" the seq of the effect.done that is undone */         \
    X(44, EFFECT_COMPENSATING, "effect.compensating") /* {"done","undo"} */                        \
    X(45, EFFECT_COMPENSATED, "effect.compensated")   /* {"done","undo"} */                        \
    X(46, COMPENSATION_UNKNOWN, "compensation.unknown") /* {"done","undo","why"} */                \
    X(47, COMPENSATION_FAILED, "compensation.failed") /* {"done","undo","why"} */                  \
    X(48, EFFECT_REOPENED, "effect.reopened") /* {"number"}: it is proposed once more */           \
    X(49, EFFECT_RECHECKED, "effect.rechecked") /* {"found":"applied|absent|cannot_tell","why"} */ \
    /* what automation could not finish; the path is that of the step that failed, or "" */        \
    X(50, STUCK, "stuck") /* {"kind":"run|effect|rollback","next","number","owner","reason"} */    \
    X(51, STUCK_CLOSED, "stuck.closed") /* {"by","how":"retry|resolve|drop|compensate|went_on",    \
                                           "number","result"?: as a person says,"why"} */                                      \
    X(52, ESCALATED, "escalated") /* {"number","step":from 1; 0: a digest,"to"?,"told"?:bool,"why"?} */ \
    X(53, RUN_REOPENED, "run.reopened") /* {"from":seq,"keep"?:[seq],"number"}: what the run        \
                                           recorded from there on does not count any more, but for \
                                           what is kept of other branches */                           \
    X(54, RUN_MIGRATED, "run.migrated") /* {"checked_seq","from":hex,"plugin":hex,"version"} */    \
    X(55, ROLLBACK_BEGUN, "rollback.begun") /* {"by","steps":[{"path","run"}],"why"}: newest first */ \
    X(56, ROLLBACK_ENDED, "rollback.ended") /* {"compensated":N,"left":N,"state":"ended|dropped"} */ \
    /* the host again */                                                                           \
    X(57, RESTORED, "restored") /* {"anchor_seq":the highest seq of its signed heads,"from":incarnation,  \
                                   "incarnation","last_us":time of record seq,"lives"?:[{"incarnation", \
                                   "seq": the last record that it shares, -1: not known}]: others that \
                                   may have sent since,"seq":the backup's last} */                 \
    X(58, POLLED, "polled")     /* {"account":hex16,"baseline"?:true: nobody is told,"connection",  \
                                   "drop"?:[{"id"}]: ids that need not be known any more,           \
                                   "items":[{"body"?,"id"}]: not seen before,"next"?: cursor,       \
                                   "resource","sensitivity"?,"untrusted"?} */                      \
    X(59, GRANT_GIVEN, "grant.given") /* {"approval":hex,"by","expires_us","grant":N: the number of   \
                                         the approval,"incarnation":hex16,"nonce":hex,"of":{"path", \
                                         "run"},"remember":hex: digest of scope,"scope":SCOPE,      \
                                         "signature":hex}: SCOPE stands in kernel/grants.h */       \
    X(60, GRANT_ENDED, "grant.ended") /* {"by","grant":N,"why"}; one that expired or was used up has \
                                         none */                                                    \
    /* a run again */                                                                              \
    X(61, QUESTION, "question.asked") /* {"args":{"choices"?,"default"?,"evidence"?,"expires_us"?,   \
                                         "kind"?,"question","why"?},"attention"?,"call",               \
                                         "expires_us"?,"number","raise_us"?: shown then,              \
                                         "tainted"?: by what its run had read} */             \
    X(62, OVERRIDE, "override") /* {"approval":hex,"by","denied":seq,"expires_us","nonce":hex,      \
                                   "number","override":hex: what was signed,"signature":hex,       \
                                   "why"}: one denial is lifted once; approval covers the act. Or           \
                                       {"by","lifted":N,"why"}: what a person has denied as item   \
                                       N may be asked for again */    \
    X(63, RUN_LABEL, "run.label") /* {"by","from":{"sensitivity","tainted"},"nonce":hex,           \
                                     "sensitivity","seq":of the last record that the person saw,   \
                                     "signature":hex,"tainted","why"}: a person lowers the label */
/* clang-format on */

typedef enum record_kind {
#define RECORD_ENUM(id, name, text) RECORD_##name = id,
    RECORD_KINDS(RECORD_ENUM)
#undef RECORD_ENUM
} record_kind;

#define RECORD_KIND_MAX 64

const char *record_kind_name(record_kind k); /* NULL: no such kind */

#endif
