/* One check of one resource: what the checks share. */
#ifndef KIT_TRIAL_H
#define KIT_TRIAL_H

#include "driver.h"

typedef struct trial {
    kit *k;
    const manifest_resource *resource; /* or NULL: the check is of the plugin as a whole */
    const plan_case *c;                /* or NULL: check.yaml has none */
    site site;                         /* fresh */
    keel_buf body, query, before;      /* filled; before: the outside's state at the start */
    char key[64];                      /* not used before */
    keel_buf why;
} trial;

typedef enum trial_needs {
    NEED_WRITE = 1,     /* the resource has a write, and the case a body */
    NEED_READ = 2,      /* the same of read */
    NEED_RECONCILE = 4, /* the write is keyed or checkable */
    NEED_SERVICE = 8,   /* the scripted outside, over keel.http/1 */
    NEED_ORACLE = 16    /* a folder, the scripted outside or a state command */
} trial_needs;

typedef struct check {
    const char *name;
    const char *what;
    unsigned needs;
    kit_verdict (*run)(trial *t);
} check;

/* Each ends with a row without a name. */
extern const check checks_plugin[], checks_read[], checks_write[], checks_kill[], checks_service[];

/* What a verdict rests on, in words. A failure adds to what was said before. */
kit_verdict trial_fail(trial *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
kit_verdict trial_pass(trial *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
kit_verdict trial_skip(trial *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
effect_class trial_class(const trial *t); /* of the write */
void trial_next_key(trial *t);
/* Opens a fresh site in place of t->site. false: t->why says why. */
bool trial_fresh(trial *t);

/* Verbs of the trial's site with its key, body and query. */
void trial_write(trial *t, said *out);
void trial_read(trial *t, keel_json query, said *out);
/* What it reports of a model is as the manifest has declared it; else t->why says what is not. */
bool trial_usage(trial *t, manifest_verb_id verb, const said *s);
/* "applied", "absent", "pending", "cannot_tell"; "none" when there is no reconcile; "" when it failed
 * or answered something else, which t->why then says. */
const char *trial_reconcile(trial *t, said *out);
/* Lets the outside misdo requests that change something: `fault` and its parameters as JSON members,
 * such as "\"fault\":\"lost\"". */
bool trial_faults(trial *t, const char *members);
bool trial_any_faults(trial *t, const char *members); /* requests of every kind */
bool trial_no_faults(trial *t);
/* Appends a canonical object with one member put in. */
void json_with(keel_buf *out, keel_json object, const char *key, keel_json value);

#endif
