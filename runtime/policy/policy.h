/* Policy: YAML in, one immutable table out, a decision in well under a microsecond.
 *
 * A policy is compiled once from all files (merged by name) against the world it governs (agents,
 * connections and their manifests), and never changes after: a reload makes a new one and swaps the
 * pointer. Deciding takes no lock and allocates nothing. */
#ifndef POLICY_H
#define POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "digest.h"
#include "keel/json.h"
#include "manifest.h"

typedef struct policy policy;

typedef struct policy_source {
    const char *file; /* as shown in messages, such as "policies/starter.yaml" */
    const char *text;
    size_t len;
} policy_source;

typedef struct policy_connection {
    const char *name;
    const manifest *plugin;
} policy_connection;

typedef struct policy_world {
    const char *const *agents;
    size_t agent_count;
    const policy_connection *connections;
    size_t connection_count;
    const char *const *notifiers; /* who can be told; NULL: keel.yaml has no `notify` */
    size_t notifier_count;
} policy_world;

typedef void policy_warning(void *ctx, const diag *d); /* shadowed, unreachable, never matching */

/* 0, or a DIAG_ code with the first fault in d (file:line:column). world may be NULL: names are
 * then not checked against it. */
int policy_compile(policy **out, const policy_source *files, size_t count,
                   const policy_world *world, policy_warning *warn, void *warn_ctx, diag *d);
/* The same, but what follows a fault is read too: each is given to `fault`, in no order, and d has
 * the first. Warnings are given when there is no fault. */
#define POLICY_FAULTS 100 /* the most that are told */
typedef struct policy_listener {
    policy_warning *fault, *warn;
    void *ctx;
} policy_listener;
int policy_check(policy **out, const policy_source *files, size_t count, const policy_world *world,
                 const policy_listener *to, diag *d);
void policy_destroy(policy *p);
const digest *policy_digest(const policy *p);
size_t policy_rule_count(const policy *p);
const char *policy_rule_id(const policy *p, size_t i); /* in no order that means anything */

/* ---- deciding ---- */

typedef enum policy_verdict { POLICY_DENY, POLICY_ASK, POLICY_ALLOW } policy_verdict;

typedef enum attr_type { ATTR_TEXT, ATTR_NUMBER, ATTR_MONEY, ATTR_BOOL, ATTR_BAD } attr_type;

typedef struct attr_value {
    attr_type type;
    const char *text; /* TEXT: not NUL-terminated */
    size_t len;
    double number;  /* NUMBER; BOOL: 0 or 1 */
    int64_t micros; /* MONEY */
    char currency[4];
} attr_value;

/* One attribute of one effect; several values when its fields are lists. count 0: missing. */
typedef struct attr {
    const char *name;
    const attr_value *values;
    size_t count;
} attr;

/* What was before the effect, for sums and counts (tally.h). */
typedef struct policy_past {
    const struct tallies *tallies;
    int64_t now_us; /* wall clock */
    bool lost;      /* it could not be read: no sum or count can be told */
} policy_past;

/* to_origin: whether a write goes to nobody but who has written what it answers (reply.h). */
typedef enum policy_reply {
    REPLY_NONE, /* its connector does not say what an answer is */
    REPLY_NO,
    REPLY_YES,
    REPLY_UNTOLD /* what would tell it was erased */
} policy_reply;

typedef struct policy_query {
    const char *agent;
    const char *target; /* "inbox.message.write", "run.spawn" */
    effect_class class;
    bool own_scope;    /* a read of the role's own scope: base.reads applies too */
    bool tainted;      /* the run has read untrusted items */
    sensitivity level; /* the highest that it has read */
    bool sink_external;
    policy_reply reply;
    const attr *attrs;
    size_t attr_count;
    bool ordered; /* a compensation that a person ordered by a rollback: base.undo applies */
    const policy_past *past; /* NULL: nothing */
} policy_query;

typedef struct policy_rule policy_rule; /* opaque; accessors below */

typedef struct policy_decision {
    policy_verdict verdict;
    const policy_rule *rule; /* NULL: no rule speaks (deny) */
    const char *rule_id;     /* "base.reads", "base.undo": built in; "none": no rule speaks */
    const char *file;        /* "" for built-ins */
    int line;
    const char *band; /* "deny" | "allow" | "ask" | "default" */
} policy_decision;

void policy_decide(const policy *p, const policy_query *q, policy_decision *out);

/* What rules in shadow would have said: those that speak, and what would have been decided with them. */
#define POLICY_SHADOWS 8 /* that are told */
typedef struct policy_shadows {
    policy_decision says[POLICY_SHADOWS], would;
    size_t count;
    bool told; /* there is something to tell: one spoke, or would is another verdict */
} policy_shadows;
void policy_shadow(const policy *p, const policy_query *q, const policy_decision *live,
                   policy_shadows *out);

/* The decision and all that it saw, as canonical JSON (the form in effect records, printed by
 * `keel why`):
 * {"band","file","inputs":{attr: value|[values], ...},"line","policy":hex,"rule",
 *  "shadow"?:[{"band","file","line","rule","verdict","why"}],"verdict",
 *  "why": one sentence: which comparator of which rule held or failed, with value and threshold,
 *  "would"?: the verdict, had the rules in shadow decided too} */
void policy_explain(const policy *p, const policy_query *q, const policy_decision *dec,
                    keel_buf *out);

/* Does a rule that covers this effect look at an attribute that is neither Keel's own nor among q's?
 * Then a query that was put together from a part of the arguments may be decided otherwise. */
bool policy_looks_beyond(const policy *p, const policy_query *q);
/* Does one look at a sum or count: at what was before the effect? */
bool policy_looks_back(const policy *p, const policy_query *q);

/* Whom to tell, by a name of keel.yaml's `notify`, when nobody has decided for so long. Who is told where
 * nobody is named: */
#define POLICY_OPERATOR "operator"
#define POLICY_STEPS    8
typedef struct policy_step {
    int64_t after_us; /* of the asking; rising */
    const char *to;   /* NULL: no name was given */
} policy_step;

/* What an `ask` needs of its rule. */
#define POLICY_DIGESTS  24
#define POLICY_BATCH_BY 8
#define POLICY_VARY     16
typedef struct policy_approval {
    int64_t expires_us;      /* default 24 h */
    const char *const *edit; /* fields that may be edited */
    size_t edit_count;
    int batch_max;               /* default 25 */
    const char *const *batch_by; /* none: the agent and the target */
    size_t batch_by_count;
    const policy_step *escalate; /* default none */
    size_t escalate_count;
    const int *digest; /* minutes of the day, rising: it is shown then; none: at once */
    size_t digest_count;
    const struct zone *zone; /* of digest; NULL: UTC */
    const char *tz;          /* its name, or NULL */
    int64_t remember_us;     /* how long a grant lasts, 0: none is given, */
    int remember_uses;       /* and how often it is used */
    const char *const *vary; /* fields in which what it covers may differ */
    size_t vary_count;
} policy_approval;
policy_approval policy_rule_approval(const policy_rule *r); /* r may be NULL: the defaults */
/* When what is asked now is shown to a person: the next of its digest times; 0: at once. */
int64_t policy_raise_us(const policy_approval *a, int64_t now_us);
int64_t policy_digest_gap_us(const policy_approval *a); /* the longest time without one */
/* The same for what may be approved at one look. It holds the rule, and what `batch.by` names. */
#define POLICY_KEY 17
void policy_batch_key(const policy_decision *d, const policy_query *q, char out[POLICY_KEY]);
/* Is it the only rule that asks? */
bool policy_asks_alone(const policy *p, const policy_query *q, const policy_rule *r);
/* Which attributes the rule looks at, besides what is of its run or verb, and what they are: [NAME] and
 * [[VALUE]]. false: one of them cannot be read, and so not be compared. */
bool policy_looked_at(const policy *p, const policy_query *q, const policy_rule *r,
                      keel_json_writer *names, keel_json_writer *values);
digest policy_rule_digest(const policy_rule *r); /* r NULL: all zero */
const char *policy_rule_name(const policy_rule *r);
/* The rule that endorses a schema (closed.h), as closed_read writes it, of what is spawned: one that lets
 * it or asks for it. NULL: none. */
const policy_rule *policy_endorses(const policy *p, const policy_query *q, const char *schema);
/* The rule of that id and digest is still there, and still endorses for that agent. */
bool policy_still_endorses(const policy *p, const char *id, const digest *d, const char *agent);
const policy_rule *policy_rule_named(const policy *p, const char *id); /* NULL: there is none */
/* How strict an ask is, for "the same or a weaker ask": by rule digest equality, else stronger. */

/* A rule in YAML that would have allowed (ask: true: asked for) exactly this, ready to paste. */
void policy_suggest(const policy_query *q, bool ask, keel_buf *out);

/* `keel can AGENT`: one line per target of the world that the agent could use: canonical JSON array
 * of
 * {"budgets":[...],"file","line","pace":["20 in 1h (FILE:LINE)",...],"rule","target","verdict":"allow|ask|deny|depends","when":text}.
 */
void policy_can(const policy *p, const policy_world *world, const char *agent, keel_buf *out);
/* When the time in which a person is to decide on what it asks for stands still: canonical JSON array of
 * texts, "quiet from 20:00 to 08:00 Europe/Madrid (FILE:LINE)". */
void policy_pauses(const policy *p, const char *agent, keel_buf *out);

/* ---- egress ---- */

/* Which addresses a connection may reach: true if some entry's `on` matches it. Then it may reach
 * what those entries list together (patterns of origin.h, given to `each`, which may be NULL, with
 * the entry's place) and its manifest declares; else what its manifest declares. A manifest's
 * "http:*" alone opens nothing. The texts live as long as the policy. */
typedef void policy_egress_to(void *ctx, const char *pattern, const char *file, int line);
bool policy_egress(const policy *p, const char *connection, policy_egress_to *each, void *ctx);

/* ---- retries and breakers ----
 *
 * Of the entries that match, one speaks, and as a whole: the one that spells out most (whose `on` has
 * most characters besides dots, * and ?). Of two that spell out as much the stricter one: fewer attempts,
 * then the longer first wait, then the longer cap; a lower open_at, then fewer of, then longer for. */

typedef struct policy_retrying {
    uint32_t max;     /* attempts in all; 0: what the effect's class allows */
    int64_t first_us; /* the longest first wait, doubled from try to try; the default is 250 ms */
    int64_t cap_us;   /* the longest wait at all, also where Retry-After names one; 2 min */
} policy_retrying;
policy_retrying policy_retry(const policy *p, const char *target);

typedef struct policy_breaking {
    uint32_t open_at; /* opens when so many of the last `of` outcomes are failures, */
    uint32_t of;      /* 10 of 20 by default, */
    int64_t for_us;   /* for so long; 1 min by default */
} policy_breaking;
#define POLICY_BREAKER_OF 1000 /* the most that `of` can be */
policy_breaking policy_breaker(const policy *p, const char *connection);

/* ---- attributes, from the manifest and the canonical arguments ---- */

typedef struct attr_set attr_set; /* owns the values */
attr_set *attr_set_create(void);
void attr_set_destroy(attr_set *s);
/* Computes the resource's attributes, plus one attribute per top-level field of args (so that a
 * rule may name a field without the manifest's help). Views into args: args must outlive the set.
 */
void attr_set_fill(attr_set *s, const manifest_resource *r, keel_json args);
const attr *attr_set_list(const attr_set *s, size_t *count);
/* Each value at a dotted path; a list on the way stands for each of its items. What is missing or null is
 * not seen; none: something on the way has no fields. */
typedef void attr_seen(void *ctx, keel_json v);
void attr_walk(keel_json v, const char *path, attr_seen *seen, void *ctx);

#endif
