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
} policy_world;

typedef void policy_warning(void *ctx, const diag *d); /* shadowed, unreachable, never matching */

/* 0, or a DIAG_ code with the first fault in d (file:line:column). world may be NULL: names are
 * then not checked against it. */
int policy_compile(policy **out, const policy_source *files, size_t count,
                   const policy_world *world, policy_warning *warn, void *warn_ctx, diag *d);
void policy_destroy(policy *p);
const digest *policy_digest(const policy *p);
size_t policy_rule_count(const policy *p);

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

typedef struct policy_query {
    const char *agent;
    const char *target; /* "inbox.message.write", "run.spawn" */
    effect_class class;
    bool own_scope; /* a read of the role's own scope: base.reads applies too */
    bool tainted;   /* the run has read untrusted items */
    bool sink_external;
    const attr *attrs;
    size_t attr_count;
    bool ordered; /* a compensation that a person ordered by a rollback: base.undo applies */
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

/* The decision and all that it saw, as canonical JSON (the form in effect records, printed by
 * `keel why`):
 * {"band","file","inputs":{attr: value|[values], ...},"line","policy":hex,"rule","verdict",
 *  "why": one sentence: which comparator of which rule held or failed, with value and threshold} */
void policy_explain(const policy *p, const policy_query *q, const policy_decision *dec,
                    keel_buf *out);

/* Whom to tell, by a name of the policy's, when nobody has decided for so long. */
#define POLICY_STEPS 8
typedef struct policy_step {
    int64_t after_us; /* of the asking; rising */
    const char *to;   /* NULL: no name was given */
} policy_step;

/* What an `ask` needs of its rule. */
typedef struct policy_approval {
    int64_t expires_us;      /* default 24 h */
    const char *const *edit; /* fields that may be edited */
    size_t edit_count;
    int batch_max;               /* default 25 */
    const policy_step *escalate; /* default none */
    size_t escalate_count;
} policy_approval;
policy_approval policy_rule_approval(const policy_rule *r); /* r may be NULL: the defaults */
digest policy_rule_digest(const policy_rule *r);            /* r NULL: all zero */
const policy_rule *policy_rule_named(const policy *p, const char *id); /* NULL: there is none */
/* How strict an ask is, for "the same or a weaker ask": by rule digest equality, else stronger. */

/* A rule in YAML that would have allowed (ask: true: asked for) exactly this, ready to paste. */
void policy_suggest(const policy_query *q, bool ask, keel_buf *out);

/* `keel can AGENT`: one line per target of the world that the agent could use: canonical JSON array
 * of
 * {"budgets":[...],"file","line","rule","target","verdict":"allow|ask|deny|depends","when":text}.
 */
void policy_can(const policy *p, const policy_world *world, const char *agent, keel_buf *out);

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

#endif
