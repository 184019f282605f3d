/* The compiled form of a policy, shared by the files of this folder only. Built once by compile.c,
 * read-only after. */
#ifndef POLICYINT_H
#define POLICYINT_H

#include "policy.h"
#include "zone.h"

#define POLICY_ATTRS 256 /* distinct attribute names in all rules */

typedef enum op_kind {
    OP_LT,
    OP_LTE,
    OP_GT,
    OP_GTE,
    OP_EQ, /* a bare value: tainted: true */
    OP_IN,
    OP_NOT_IN,
    OP_MATCHES,
    OP_PRESENT
} op_kind;

/* The values of `in`: all of one type; text is found by hash. */
typedef struct value_set {
    attr_type type;
    bool fold;
    const attr_value *items;
    size_t count;
    const uint32_t *slots; /* index + 1, 0 free; NULL: few or no texts */
    uint32_t mask;
    const char *list; /* the name behind $, or NULL */
} value_set;

typedef struct op {
    op_kind kind;
    bool fold;        /* a domain: text compares case-folded */
    bool yes;         /* OP_PRESENT */
    bool suffix;      /* OP_MATCHES: one * in front and no other */
    attr_value value; /* LT to EQ, and MATCHES */
    value_set set;    /* IN, NOT_IN */
} op;

/* All comparators on one attribute. */
typedef struct check {
    uint16_t attr; /* index into policy.attrs */
    uint16_t count;
    const op *ops;
    int line, column;
} check;

typedef struct band {
    bool present;
    uint16_t count;
    check *checks;
    int line, column;
} band;

typedef enum band_kind { BAND_DENY, BAND_ALLOW, BAND_ASK, BAND_COUNT } band_kind;

struct policy_rule {
    const char *id;
    const char *file;
    int line, column;
    const char **on; /* globs */
    size_t on_count;
    const char **agents; /* none: all */
    size_t agent_count;
    band when;
    band bands[BAND_COUNT];
    band_kind first, last; /* of the bands that are there */
    policy_approval approval;
    digest digest;
};

typedef enum builtin_attr {
    BUILTIN_NONE,
    BUILTIN_CLASS,
    BUILTIN_SINK,
    BUILTIN_TAINTED
} builtin_attr;

typedef struct attr_name {
    const char *name;
    builtin_attr builtin;
    bool fold;
} attr_name;

/* Rules that can speak about an effect, strictest first. */
typedef struct candidates {
    const policy_rule **rules;
    uint32_t count;
} candidates;

/* The rules of one or more targets, by agent. */
typedef struct rule_set {
    candidates rest;      /* for an agent that no rule here names */
    const char **agents;  /* hash slots, NULL free; NULL: no rule names an agent */
    candidates *by_agent; /* beside agents */
    uint32_t mask;
} rule_set;

typedef struct target_slot {
    const char *target; /* NULL: free */
    uint64_t hash;
    const rule_set *set;
} target_slot;

typedef enum window_kind { WINDOW_NONE, WINDOW_HOUR, WINDOW_DAY, WINDOW_MONTH } window_kind;
typedef enum scope_kind { SCOPE_WORKSPACE, SCOPE_AGENT, SCOPE_RUN_TREE } scope_kind;

typedef struct budget_rule {
    const char *id;
    const char *file;
    int line, column;
    scope_kind scope;
    window_kind window;
    const zone *zone; /* NULL: UTC */
    char currency[4]; /* empty: no limit in money */
    int64_t micros;
    int64_t calls; /* -1: no limit */
    int max_depth; /* -1: no limit */
    policy_verdict at_hard;
} budget_rule;

/* One entry of `egress`. */
typedef struct egress_rule {
    const char *file;
    int line, column;
    const char **on; /* globs over names of connections */
    size_t on_count;
    const char **to; /* patterns of origin.h */
    size_t to_count;
} egress_rule;

/* One entry of `retries`. Times 0: not said. */
typedef struct retry_rule {
    const char *file;
    int line, column;
    const char **on; /* globs over targets */
    size_t on_count;
    policy_retrying says;
} retry_rule;

/* One entry of `breakers`. */
typedef struct breaker_rule {
    const char *file;
    int line, column;
    const char **on; /* globs over names of connections */
    size_t on_count;
    policy_breaking says;
} breaker_rule;

typedef struct arena_block arena_block;

struct policy {
    arena_block *blocks;
    zone **zones;
    size_t zone_count;
    digest digest;
    policy_rule **rules; /* strictest first: the order in which a tie is decided */
    size_t rule_count;
    budget_rule *budgets;
    size_t budget_count;
    egress_rule *egress;
    size_t egress_count;
    retry_rule *retries;
    size_t retry_count;
    breaker_rule *breakers;
    size_t breaker_count;
    attr_name attrs[POLICY_ATTRS]; /* in canonical order of names */
    size_t attr_count;
    bool base_reads, base_undo; /* no rule of that id replaces it */
    target_slot *targets;
    uint32_t target_mask;
};

/* Memory that goes with the policy. */
void *policy_alloc(policy *p, size_t size); /* zeroed */
const char *policy_copy(policy *p, const char *text, size_t len);

/* ---- matching.c ---- */

/* `*` and `?` stay within a segment; a trailing `*` segment takes all that follows. */
bool target_matches(const char *glob, const char *target);
bool text_matches(const char *glob, size_t glob_len, const char *text, size_t len, bool fold);
bool text_equal(const char *a, size_t alen, const char *b, size_t blen, bool fold);
uint64_t text_hash(const char *text, size_t len, bool fold);
bool rule_covers(const policy_rule *r, const char *agent, const char *target);

/* Does some rule of the policy name compensations, and cover this one? Then base.undo is silent. */
bool policy_names_undo(const policy *p, const char *agent, const char *target);

/* ---- decide.c ---- */

typedef enum holding { FAILS, HOLDS, MISTYPED } holding;
holding op_holds(const op *o, const attr_value *v);
bool check_holds(const check *c, const attr *a, band_kind mode);

/* The attributes of one query, looked up once each. */
typedef struct sight {
    const policy *p;
    const policy_query *q;
    uint64_t looked; /* bits of `found` that are filled; attributes beyond 64 are looked up anew */
    const attr *found[64];
    attr_value values[BUILTIN_TAINTED + 1];
    attr builtins[BUILTIN_TAINTED + 1];
} sight;

void sight_init(sight *s, const policy *p, const policy_query *q);
const attr *sight_attr(sight *s, uint16_t id); /* NULL: missing */
bool band_holds(const band *b, sight *s, band_kind mode);
/* The band of the rule that holds, or BAND_COUNT: it is silent. */
band_kind rule_speaks(const policy_rule *r, sight *s);
/* Rules that can speak about the query; a target that the policy never heard of is matched against
 * every rule, in the caller's array of rule_count pointers. */
size_t policy_candidates(const policy *p, const char *agent, const char *target,
                         const policy_rule *const **out);

/* ---- value.c ---- */

bool value_set_has(const value_set *s, const attr_value *v);
void value_print(const attr_value *v,
                 keel_buf *out); /* for a person: cut, control characters escaped */
void value_text(const char *text, size_t len, keel_buf *out); /* the same, quoted */
void money_print(int64_t micros, const char *currency, keel_buf *out);

/* ---- window.c ---- */

void budget_window(const budget_rule *r, int64_t now_us, char out[24]);
void budget_scope(const budget_rule *r, const char *agent, uint64_t root_run, char out[64]);

/* ---- phrase.c ---- */

/* "to_domain in own_domains and amount below 100 EUR"; "always" for an empty band. */
void phrase_band(const policy *p, const band *b, keel_buf *out);
/* The sentence of a decision. */
void phrase_why(const policy *p, const policy_query *q, const policy_decision *dec, keel_buf *out);

#endif
