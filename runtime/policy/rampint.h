/* What the three parts of the trust ramp share. */
#ifndef RAMPINT_H
#define RAMPINT_H

#include "policyint.h"
#include "ramp.h"

/* One attribute of the effects of a group. */
typedef struct ramp_seen {
    const char *name;
    bool declared; /* by the manifest */
    bool folded;   /* a domain */
    bool counted;  /* computed by counting: never below 0 */
    bool covered;  /* a declared attribute is computed from it */
    bool free;     /* no condition can name what it says */
} ramp_seen;

/* What an attribute's values are together. */
typedef enum ramp_kind {
    RAMP_MISSING,
    RAMP_TEXT,
    RAMP_NUMBER,
    RAMP_BOOL,
    RAMP_MONEY,
    RAMP_ODD /* of several types or currencies, or of none */
} ramp_kind;

/* A condition while it is found: in its compiled form too, to see what it lets through. */
typedef struct ramp_bound {
    const check *check; /* of the rule's allow, that it takes the place of; NULL: it is new */
    const char *attr;
    op ops[2];
    uint16_t count;
    attr_value *items; /* of a set */
    size_t which;      /* of the check's comparators */
} ramp_bound;

typedef struct ramp_group {
    const policy *p;
    const policy_rule *rule;
    const ramp_effect *effects;
    const size_t *all; /* the effects of one rule, agent and target, by time */
    size_t all_count;
    size_t after;
    size_t *used; /* of them, those that are weighed */
    size_t used_count;
    ramp_seen *seen;
    size_t seen_count;
    ramp_bound *bounds;
    size_t bound_count;
    ramp_finding *out;
} ramp_group;

/* false, always: for `return ramp_refuse(...)`. */
bool ramp_refuse(ramp_group *g, const char *code, const char *why, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- ramp_shape.c ---- */

const attr *ramp_attr(const ramp_effect *e, const char *name); /* NULL: missing */
ramp_kind ramp_kind_of(const attr *a);
/* Every attribute that some effect of the group has or its manifest declares, in `seen`. */
void ramp_look(ramp_group *g);
/* Leaves those of the commonest shape in `used`. false: they are fewer than is wanted. */
bool ramp_shape(ramp_group *g);
/* The different texts of an attribute in `used`; the caller frees it. */
attr_value *ramp_texts(const ramp_group *g, const ramp_seen *s, size_t *count);
/* Where there are too many: those that are often enough by themselves, and what says nothing else. */
bool ramp_often(ramp_group *g, const ramp_seen *s);

/* ---- ramp_bound.c; bool: false when it is refused ---- */

bool ramp_add(ramp_group *g); /* an allow for a rule without */
ramp_bound *ramp_bound_new(ramp_group *g, const char *name);
void ramp_forget_bounds(ramp_group *g);
void ramp_untainted(ramp_group *g);       /* one more, `tainted: false` */
void ramp_no_more_private(ramp_group *g); /* `sensitivity: { lte: the highest of them }` */
bool ramp_own(const char *name);          /* Keel's own, and not of the arguments */
ramp_kind ramp_kind_in(const ramp_group *g, const char *name); /* in all that are used */
builtin_attr ramp_builtin(const ramp_group *g, const check *c);
bool ramp_checks(const ramp_group *g, const band *b, builtin_attr which);
/* sign 1: the largest of an attribute, -1: the smallest. */
const attr_value *ramp_extreme(const ramp_group *g, const char *name, int sign);
bool ramp_is_below(op_kind kind);
bool ramp_is_above(op_kind kind);
/* Does the rule's ask compare the attribute so? */
bool ramp_asks_by(const ramp_group *g, const char *name, bool (*is)(op_kind));
bool ramp_all_writable(const attr_value *list, size_t count);
bool ramp_unwritable(ramp_group *g, const char *name); /* refuses it */

/* ---- ramp_widen.c ---- */

bool ramp_widen(ramp_group *g); /* the allow that it has; false when it is refused */
bool ramp_admits(const ramp_group *g, const ramp_effect *e);

/* ---- ramp_text.c ---- */

bool ramp_writable(const attr_value *v);             /* a condition can name it */
void ramp_value(const attr_value *v, keel_buf *out); /* as YAML */
void ramp_conditions(ramp_group *g);                 /* bounds and what is free, into out */

#endif
