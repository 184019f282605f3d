/* A workspace on disk: keel.yaml and the paths below. */
#ifndef HOST_WORKSPACE_H
#define HOST_WORKSPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "keel/buf.h"
#include "keel/json.h"
#include "label.h"

/* `poll: { message: 60s }`: a resource that is read again and again for what is new. */
typedef struct workspace_poll {
    char *resource;
    int64_t every_us;
    int line; /* of its name in keel.yaml */
    int column;
} workspace_poll;

typedef struct workspace_connection {
    char *name;
    char *use;       /* "com.keel.mailbox@0.1" */
    keel_buf config; /* canonical JSON object */
    keel_buf auth;   /* `auth`: canonical JSON {"kind":S, ...}, all scalars texts; empty: none. Its
                        words are recipe_parse's (runtime/egress/recipe.h) */
    int auth_line;   /* of the key `auth`, or of the name where there is none */
    int auth_column;
    char *ca;          /* `tls: { ca }`: whole path of a file that can be read, or NULL */
    bool private;      /* may reach private addresses by name */
    bool plain;        /* its streams may go without TLS */
    sensitivity level; /* `sensitivity`: what is read through it is at least that; else public */
    workspace_poll *polls;
    size_t poll_count;
    int line; /* of its name in keel.yaml */
    int column;
} workspace_connection;

/* `notify`: one way to tell a person something. */
typedef enum notify_way { NOTIFY_COMMAND, NOTIFY_DESKTOP, NOTIFY_MAIL } notify_way;

#define NOTIFY_NAME      64 /* bytes of a name, with its end */
#define NOTIFY_MOST      16 /* names */
#define NOTIFY_ARGUMENTS 32

typedef struct workspace_notifier {
    char *name; /* by which policies know it */
    notify_way way;
    char **argv; /* of a command or the mail program: argv[0] is a whole path; NULL-terminated */
    size_t argc;
    bool json;          /* a command reads one line of JSON, and no text */
    int64_t timeout_us; /* how long it may take */
    char *to, *from;    /* mail; from: NULL, the mail program says it */
    int line;           /* of its name in keel.yaml */
    int column;
} workspace_notifier;

typedef struct workspace {
    char *root;       /* absolute */
    char *name;       /* keel.yaml: name, or the folder's */
    char *keel;       /* ROOT/.keel */
    char *db;         /* ROOT/.keel/keel.db */
    char *socket;     /* ROOT/.keel/keel.sock */
    char *lock;       /* ROOT/.keel/lock */
    char *generation; /* ROOT/.keel/generation */
    char *anchor;     /* keel.yaml `anchor:`, or STATE/keel/NAME-HASH/anchor; STATE is
                         $XDG_STATE_HOME or ~/.local/state, NAME the folder's, HASH 8 hex digits
                         of the root's digest: renaming the workspace in keel.yaml moves nothing */
    bool own_anchor;  /* the latter: no other workspace writes there */
    char *anchor_key; /* the same with .key */
    char *currency;   /* keel.yaml: currency, or NULL */
    char *timezone;   /* or NULL: UTC */
    workspace_connection *connections;
    size_t connection_count;
    workspace_notifier *notifiers;
    size_t notifier_count;
    keel_buf secrets;     /* `secrets`: canonical JSON {NAME:{"command":[S...]}|{"credential":S}};
                             empty: none */
    int64_t step_wall_us; /* limits: { wall: 10s, cpu: 5s } of one resume */
    int64_t step_cpu_us;
} workspace;

/* Looks for keel.yaml in `start` and its parents (like git). DIAG_NOT_FOUND says to run keel init.
 */
int workspace_find(workspace **out, const char *start, diag *d);
/* Reads ROOT/keel.yaml; every refusal names file, line and column; a secret in the file, and keys
 * not yet enforced, are refused by name. */
int workspace_load(workspace **out, const char *root, diag *d);
void workspace_destroy(workspace *w);
const workspace_notifier *workspace_notifier_named(const workspace *w,
                                                   const char *name); /* or NULL */
/* Makes .keel, for its owner alone, and the anchor's folder (0700 if it is new). DIAG_AUTH when
 * .keel belongs to another user, DIAG_USAGE when the path is too long for a socket. */
int workspace_prepare(const workspace *w, diag *d);
/* Text of every policies/ *.yaml, sorted by name; none if there is no such folder. A .yml is
 * refused: it would look as if it were in force. */
typedef struct workspace_policy {
    char *file; /* "policies/starter.yaml" */
    keel_buf text;
} workspace_policy;
int workspace_policies(const workspace *w, workspace_policy **out, size_t *count, diag *d);
void workspace_policies_free(workspace_policy *p, size_t count);

#endif
