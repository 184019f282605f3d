/* The compiled form of a policy, shared by the files of this folder only. Built once by compile.c,
 * read-only after. */
#ifndef POLICYINT_H
#define POLICYINT_H

#include "besideint.h"
#include "budget.h"
#include "keepingint.h"
#include "prices.h"
#include "zone.h"

#define POLICY_ATTRS   256 /* distinct attribute names in all rules */
#define POLICY_TALLIES 256 /* different sums and counts in all rules */

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

/* All comparators on one attribute, or on one sum or count. */
typedef struct check {
    uint16_t attr; /* index into policy.attrs; from POLICY_ATTRS on: into policy.tallies */
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
    bool shadow;           /* it decides nothing */
    bool guard;            /* its ask counts only where another rule lets or asks */
    policy_approval approval;
    const char *endorse; /* a schema as closed_read writes it, or NULL */
    digest digest;
};

typedef enum builtin_attr {
    BUILTIN_NONE,
    BUILTIN_CLASS,
    BUILTIN_SENSITIVITY, /* texts, whose ranks stand in `number`: they have an order */
    BUILTIN_SINK,
    BUILTIN_TAINTED,
    BUILTIN_ORIGIN, /* the one that may be missing */
    BUILTINS
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

typedef enum window_kind {
    WINDOW_NONE,
    WINDOW_HOUR,
    WINDOW_DAY,
    WINDOW_MONTH,
    WINDOW_ROLLING
} window_kind;
typedef enum scope_kind {
    SCOPE_WORKSPACE,
    SCOPE_AGENT,
    SCOPE_CONNECTION,
    SCOPE_RUN_TREE
} scope_kind;

/* One sum or count. Conditions that say the same of the same targets share it, and so does what it
 * has counted. */
typedef struct tally_rule {
    const char *label; /* "sum(amount,1d)", "count(1h,agent)": in the inputs of decisions */
    const char *words; /* "sum of amount in 1d", "count in 1h for each agent" */
    const char **on;   /* the rule's */
    size_t on_count;
    bool sum;
    uint16_t of; /* of a sum: index into policy.attrs */
    tally_each each;
    uint16_t each_attr;
    char currency[4];   /* of a sum in money; else empty */
    window_kind window; /* WINDOW_NONE: rolling over per_us */
    int64_t per_us;
    const zone *zone; /* NULL: UTC */
    const char *tz;   /* "": UTC */
} tally_rule;

typedef struct budget_rule {
    const char *id;
    const char *file;
    int line, column;
    scope_kind scope;
    const char **agents; /* none: all */
    size_t agent_count;
    const char **on; /* globs; none: all */
    size_t on_count;
    window_kind window;
    const char *window_text; /* WINDOW_ROLLING: as it is written */
    int64_t window_us;       /* the same: how long, and how long a slice of it is */
    int64_t slice_us;
    const zone *zone; /* NULL: UTC */
    const char *tz;   /* its name, or NULL */
    char currency[4]; /* empty: no limit in money */
    int64_t micros;
    int64_t calls;     /* -1: no limit */
    int64_t tokens;    /* -1: no limit */
    int max_depth;     /* -1: no limit */
    int64_t attention; /* interruptions or seconds in a day; -1: no limit */
    bool minutes;      /* it is seconds */
    int soft;          /* percent of the limit; 0: no soft limit */
    bool soft_notify, soft_ask, soft_batch;
    const char *soft_tier; /* NULL: none */
    budget_hard at_hard;
    int64_t throttle_us;
    policy_verdict then; /* after a throttle */
} budget_rule;

typedef struct arena_block arena_block;

struct policy {
    arena_block *blocks;
    zone **zones;
    size_t zone_count;
    digest digest;
    policy_rule **rules; /* strictest first: the order in which a tie is decided */
    size_t rule_count;
    const char **lists; /* names, also of those that no rule uses */
    size_t list_count;
    budget_rule *budgets;
    size_t budget_count;
    bool limits_depth; /* one of them does */
    egress_rule *egress;
    size_t egress_count;
    retry_rule *retries;
    size_t retry_count;
    breaker_rule *breakers;
    size_t breaker_count;
    rate_rule *rates;
    size_t rate_count;
    price_list prices;
    quiet_rule *quiet;
    size_t quiet_count;
    policy_keeping keeping;
    attr_name attrs[POLICY_ATTRS]; /* in canonical order of names */
    size_t attr_count;
    tally_rule *tallies[POLICY_TALLIES];
    size_t tally_count;
    policy_rule **shadows; /* rules that decide nothing, in the same order */
    size_t shadow_count;
    bool base_reads, base_undo;     /* no rule of that id replaces it */
    bool shadow_reads, shadow_undo; /* one in shadow would */
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
/* The same of any entry's lists; no agents: all. */
bool entry_covers(const char *const *on, size_t on_count, const char *const *agents,
                  size_t agent_count, const char *agent, const char *target);

/* Does some rule of the policy name compensations, and cover this one? Then base.undo is silent. */
bool policy_names_undo(const policy *p, const char *agent, const char *target);
bool shadow_names_undo(const policy *p, const char *agent, const char *target); /* one in shadow */

/* ---- decide.c ---- */

typedef enum holding { FAILS, HOLDS, MISTYPED } holding;
holding op_holds(const op *o, const attr_value *v);
bool check_holds(const check *c, const attr *a, band_kind mode);

/* What a sum or count is of an effect: the past and this one, for the key under which it is highest and
 * the one under which it is lowest (a list counts under the key of each of its members). */
typedef enum tally_odd {
    TALLY_TOLD,
    TALLY_MISSING, /* the effect lacks an attribute that is asked for, */
    TALLY_OTHER,   /* has it in another currency, or as no number, */
    TALLY_BAD,     /* or it cannot be read */
    TALLY_PAST     /* what an effect of the past said cannot be read any more */
} tally_odd;
typedef struct tally_sight {
    tally_odd odd;           /* not told: the others are not set, but */
    uint16_t odd_attr;       /* what it is that is missing, other or bad */
    attr_value most, least;  /* with this effect */
    attr_value before;       /* of `most`, without it */
    const attr_value *whose; /* the member that `most` is of; NULL: it is not by members */
} tally_sight;
void tally_see(const policy *p, uint16_t index, const policy_query *q, tally_sight *out);
/* ---- tally_effect.c ---- */
enum { TALLY_KEY_ALL = 1, TALLY_KEY_ANY, TALLY_KEY_UNREAD, TALLY_KEY_OTHERS };
uint64_t tally_key(const attr_value *v, bool fold); /* of a member */
uint64_t tally_key_agent(const char *agent);
/* What it adds, in micro-units, or 1 to a count; of a list what all its members add together. */
tally_odd tally_amount(const policy *p, const tally_rule *r, const policy_query *q, int64_t *out);
bool tally_unread(const attr *a); /* some member cannot be read */
/* ---- tally.c ---- */
/* What is counted under the key since that slice. */
int64_t tally_counted(const struct tallies *t, uint16_t index, uint64_t key, int64_t first);
/* ---- tally_window.c ---- */
/* A window is cut into slices with numbers that grow: a moment's, and the first that still counts. A
 * slice leaves the window when all of it has, so that never less is counted than the window holds. */
int64_t tally_slice(const tally_rule *t, int64_t us);
int64_t tally_first(const tally_rule *t, int64_t now_us);
int64_t tally_reach_us(const tally_rule *t); /* how far back the window goes, or further */

/* The attributes of one query, looked up once each. */
typedef struct sight {
    const policy *p;
    const policy_query *q;
    uint64_t looked; /* bits of `found` that are filled; attributes beyond 64 are looked up anew */
    const attr *found[64];
    attr_value values[BUILTINS];
    attr builtins[BUILTINS];
    attr_value sums[2]; /* the last sum or count that was looked up */
    attr sum;
} sight;

void sight_init(sight *s, const policy *p, const policy_query *q);
/* NULL: missing. A sum or count lives until the next one is asked for. */
const attr *sight_attr(sight *s, uint16_t id);
const attr *query_attr(const policy *p, const policy_query *q,
                       uint16_t id); /* none of Keel's own */
/* The sum or count that is compared, or NULL: it is an attribute. */
const tally_rule *check_tally(const policy *p, const check *c);
bool band_holds(const band *b, sight *s, band_kind mode);
/* The band of the rule that holds, or BAND_COUNT: it is silent. */
band_kind rule_speaks(const policy_rule *r, sight *s);
const policy_rule *guard_speaks(const policy *p, sight *s); /* the first that asks, or NULL */
/* Rules that can speak about the query; a target that the policy never heard of is matched against
 * every rule, in the caller's array of rule_count pointers. */
size_t policy_candidates(const policy *p, const char *agent, const char *target,
                         const policy_rule *const **out);

/* ---- value.c ---- */

bool value_set_has(const value_set *s, const attr_value *v);
void value_print(const attr_value *v,
                 keel_buf *out); /* for a person: cut, control characters escaped */
void value_write(const attr_value *v, keel_json_writer *w);   /* whole, as JSON */
void value_text(const char *text, size_t len, keel_buf *out); /* the same, quoted */
void money_print(int64_t micros, const char *currency, keel_buf *out);

/* ---- window.c ---- */

/* The window or the slice to which an amount belongs, as it stands in records. */
void budget_window(const budget_rule *r, int64_t now_us, char out[24]);
/* The same for a person: "24h" where a window rolls. */
void budget_window_name(const budget_rule *r, int64_t now_us, char out[24]);
/* Around now, a span in which the window does not change. */
void budget_window_span(const budget_rule *r, int64_t now_us, int64_t *from_us, int64_t *until_us);
/* Where the calendar's window begins and ends, or the slice of one that rolls; life: never. */
void budget_window_ends(const budget_rule *r, int64_t now_us, int64_t *from_us, int64_t *ends_us);
/* The longest slices of which a window has at least a dozen. */
int64_t budget_slice_us(int64_t window_us);
void budget_scope(scope_kind kind, const budget_request *req, char out[64]);
bool budget_rule_counts(const budget_rule *r, const char *agent, const char *target);

/* ---- value.c, too ---- */
void span_print(int64_t us, keel_buf *out); /* "90m", "1d", "250ms" */

/* ---- explain.c ---- */

/* A name that a condition may have: Keel's own and those of later versions are not the field's. */
bool condition_names(const char *name);

/* ---- phrase.c ---- */

/* "to_domain in own_domains and amount below 100 EUR"; "always" for an empty band. */
void phrase_band(const policy *p, const band *b, keel_buf *out);
/* The sentence of a decision. */
void phrase_why(const policy *p, const policy_query *q, const policy_decision *dec, keel_buf *out);

#endif
