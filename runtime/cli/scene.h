/* A scene: one run of an agent as a file, NAME.scene. It holds the input, every call that the run
 * makes with what it is answered, and how the run ends. YAML, so that a person can write it and an
 * editor checks it (sdk/schema/scene.schema.json):
 *
 *   about: a mail that nobody waits for
 *   input: { name: Ada }
 *   previous: { cursor: c1 }                 the result of this role's last run; null without it
 *   calls:
 *     - use: inbox.message.read              CONNECTION.RESOURCE.VERB
 *       args: { limit: 5 }                   args, why, evidence: compared where they are given
 *       ok: { items: [], next: c1 }          or err: { code: denied, why: no rule speaks }
 *     - step: judge a page                   steps and log lines may be left out
 *       gives: []
 *     - log: 0 mails read
 *       level: info
 *     - spawn: helper                        input, key: compared where they are given
 *       ok: { existing: false, run: 8 }
 *     - wait: 8
 *       ok: { state: ended, result: 1 }
 *     - sleep: 90s
 *     - receive: answer                      or null: any; timeout: 7d
 *       ok: { name: answer, body: {} }       or null: the time has passed
 *     - ask: "Which of the two?"            choices, kind, expires, default, why, evidence: compared
 *       choices: [Acme, Zenith]               where they are given
 *       ok: Acme                             or err: { code: expired, why: nobody answered }
 *     - now: 1036400400000000
 *     - random: "00000000000000ff"           64 bits in hex
 *   end: { done: true }                      or failed: { code, message }, or continued: STATE
 *
 * The order of calls is the order of their answers. Calls inside of ctx.all and ctx.any may name
 * their `path`, and `open: true` instead of an answer is a call that is never answered, since
 * another branch of ctx.any was first. */
#ifndef CLI_SCENE_H
#define CLI_SCENE_H

#include <stdbool.h>
#include <stddef.h>

#include "diag.h"
#include "keel/buf.h"
#include "keel/json.h"

#define SCENE_CALLS 4000
#define SCENE_LIMIT (256u << 10) /* bytes: what the reader of YAML takes */

typedef struct scene_call {
    char kind[12]; /* effect step log spawn wait sleep receive ask now random */
    char *path;    /* "" when the scene does not say */
    char *name;    /* effect: its target; step: its name; spawn: the agent; log: the level or "";
                      receive: the event or ""; else "" */
    keel_buf args; /* a canonical object of what is compared: effect {"args"?,"evidence"?,"why"?},
                      spawn {"input"?,"key"?}, wait {"run"}, sleep {"us"}, receive {"timeout_us"?}, ask as it asks */
    bool open;     /* it is made and never answered: another branch of ctx.any was first */
    keel_buf outcome; /* {"ok":V} or {"err":{..}}; step: its result or empty; log: a JSON text */
    int line;         /* in the file, 0: none */
} scene_call;

typedef struct scene {
    char *file; /* for messages */
    char *head; /* the comments before the first key, whole lines; may be "" */
    char *about;
    keel_buf input, previous;
    scene_call *calls;
    size_t count;
    char end[12];    /* ended | failed | continued; "" when the file does not say */
    keel_buf result; /* the value behind it */
    int end_line;
} scene;

/* 0, or a DIAG_ code with file, line and column. */
int scene_parse(scene **out, const char *file, const char *text, size_t len, diag *d);
int scene_load(scene **out, const char *path, diag *d);
scene *scene_create(const char *file);
scene_call *scene_add(scene *s, const char *kind); /* valid until the next one */
void scene_destroy(scene *s);                      /* NULL is fine */

/* The scene as a file. schema: a path or URL for the editor's modeline, which is written where the
 * head has none; NULL: none. */
void scene_write(const scene *s, const char *schema, keel_buf *out);
/* A JSON value as YAML: behind "key:" or "-" of a line that is indented by `indent`. */
void scene_write_value(keel_json v, int indent, keel_buf *out);

/* Appends one line for each place where the two differ, at most `most`:
 * "args.limit: expected 5, got 6". */
void scene_differ(keel_json expected, keel_json actual, const char *place, size_t most,
                  keel_buf *out);
/* A value on one line, cut behind `most` bytes. */
void scene_short(keel_json v, size_t most, keel_buf *out);

#endif
