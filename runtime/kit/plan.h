/* check.yaml, beside a connector's manifest: how the author wants it exercised. */
#ifndef KIT_PLAN_H
#define KIT_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "diag.h"
#include "keel/buf.h"
#include "keel/json.h"
#include "manifest.h"
#include "yamltree.h"

typedef struct plan_case {
    const char *resource;
    keel_buf write, read, expect; /* canonical JSON; len 0: not given */
    bool corrects;                /* compensate corrects, so that the outside is not as before */
} plan_case;

typedef struct plan {
    bool given;         /* there is a check.yaml */
    keel_buf config;    /* canonical JSON, with {folder}, {base} and {env.NAME} in its texts */
    char *seed;         /* a folder that is copied into {folder}, or NULL */
    char *world;        /* a script of the scripted outside, or NULL */
    keel_buf inlined;   /* the same, where it stands in check.yaml itself */
    keel_buf auth;      /* as in keel.yaml, or empty */
    char *ca;           /* of a test server's certificate, or NULL */
    keel_buf secrets;   /* {NAME: VALUE} of test accounts, or empty */
    const char **state; /* a command whose output is the state of the outside; NULL-terminated */
    plan_case *cases;
    size_t case_count;
    yaml_tree *tree; /* owns texts */
} plan;

/* Without check.yaml: a config that gives each folder of the manifest's needs a fresh one. */
int plan_load(plan **out, const char *folder, const manifest *m, diag *d);
void plan_destroy(plan *p);
const plan_case *plan_find(const plan *p, const char *resource);
/* Appends `from` with {folder}, {base} and {env.NAME} replaced. */
void plan_fill(keel_buf *out, keel_json from, const char *folder, const char *base);

#endif
