/* What a simulated workspace is. All of it follows from the dice. What a resource promises stays as it
 * is; policies, versions of connectors and budgets change with each generation (a reload). */
#ifndef PLAN_H
#define PLAN_H

#include "manifest.h"
#include "simworld.h"

#define PLAN_CONNECTIONS 4
#define PLAN_RESOURCES   5
#define PLAN_AGENTS      4
#define PLAN_BUDGETS     4
#define PLAN_OPS         16
#define PLAN_CANARY      "kanarienvogel7Q2hunter2secret"

typedef struct plan_verb {
    effect_class class;           /* CLASS_NONE: there is no such verb */
    int64_t window_us, settle_us; /* what the outside keeps to */
    int64_t cost_micros;
} plan_verb;

typedef struct plan_resource {
    char name[16];
    plan_verb write, undo;
} plan_resource;

typedef struct plan_connection {
    char name[8];
    bool network;
    int version;
    int concurrency;
    plan_resource resources[PLAN_RESOURCES];
    size_t count;
} plan_connection;

typedef struct plan_budget {
    char id[16];
    char unit[8]; /* "calls" or EUR */
    int64_t limit;
} plan_budget;

/* A policy that was written, so that the model knows its limits by the digest in the journal. */
typedef struct plan_rate {
    size_t limit, burst; /* limit 0: there is none */
    int64_t per_us, burst_us;
} plan_rate;

typedef struct plan_policy {
    digest text;
    plan_rate rate;
    plan_budget budgets[PLAN_BUDGETS];
    size_t count;
} plan_policy;

typedef struct plan {
    plan_connection connections[PLAN_CONNECTIONS];
    size_t count;
    plan_policy *policies;
    size_t policy_count;
    sim_program programs[PLAN_AGENTS];
    sim_op ops[PLAN_AGENTS][PLAN_OPS];
    int versions[PLAN_AGENTS];
    size_t agents;
} plan;

struct simulation;
void plan_make(struct simulation *s);  /* with the folder */
void plan_renew(struct simulation *s); /* another generation */
void plan_spoil(struct simulation *s); /* a policy that is refused */
void plan_free(struct simulation *s);
const plan_connection *plan_connection_named(const plan *p, const char *name);
/* "c0.keyed.write", "c0.keyed.compensate" -> its verb; NULL: there is none. */
const plan_verb *plan_target(const plan *p, const char *target);

/* programs.c */
void programs_make(struct simulation *s);
void programs_free(struct simulation *s);

#endif
