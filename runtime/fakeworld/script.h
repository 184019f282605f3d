/* The script of a scripted outside: which routes it has, what they do, and how it misbehaves.
 * sdk/fakeworld.md describes the file for authors. */
#ifndef FAKEWORLD_SCRIPT_H
#define FAKEWORLD_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "yamltree.h"

typedef enum route_act {
    ACT_CREATE,
    ACT_GET,
    ACT_LIST,
    ACT_SEARCH,
    ACT_UPDATE,
    ACT_DELETE
} route_act;

typedef enum route_paging { PAGING_CURSOR, PAGING_PAGE, PAGING_LINK, PAGING_AFTER } route_paging;

typedef struct route {
    const char *method;
    const char *path; /* "/notes/{id}" */
    route_act act;
    const char *key;    /* create: the header that makes a repeat harmless, or NULL */
    int64_t window_us;  /* how long a key is remembered; default 24 h */
    const char *keep;   /* create: the member that keeps the key, or NULL */
    const char *query;  /* search: the parameter; the route is for requests that have it */
    const char *member; /* search: the member that must be equal; default: query */
    const char *as;     /* list and search: the member of the answer that is the list; "": none */
    route_paging paging;
    const char *param;       /* list: the parameter that pages; cursor, page, from or after */
    const yaml_node *filter; /* list and search: parameters that a member must equal; or NULL */
    int64_t size;            /* items of a page; default 10 */
    bool need_match;         /* update: 428 without If-Match */
} route;

typedef enum face_kind { FACE_HTTP, FACE_SMTP, FACE_IMAP, FACES } face_kind;

/* The faces of mail: a port of its own each, and mailboxes behind them. */
typedef struct mail_face {
    bool on;
    int64_t port; /* 0: any that is free */
} mail_face;

typedef struct mail_script {
    mail_face smtp, imap;
    const yaml_node *users;   /* name: password; NULL: every login is taken */
    const char *domain;       /* whose mailboxes are here; NULL: of every domain */
    int64_t size_bytes;       /* the largest message; 32 MiB */
    int64_t deliver_us;       /* from its acceptance until a message is in the mailboxes; 0 */
    const yaml_node *folders; /* of every mailbox, beside INBOX; NULL: Drafts and Sent */
    const yaml_node *without; /* what IMAP does not offer: MOVE, UIDPLUS; or NULL */
} mail_script;

typedef enum fault_kind {
    FAULT_LOST,
    FAULT_REFUSE_BEFORE,
    FAULT_LATE,
    FAULT_ERROR_AFTER,
    FAULT_STATUS,
    FAULT_DRIP,
    FAULT_CUT,
    FAULT_DOUBLE,
    FAULT_MALFORMED,
    FAULT_HUGE,
    FAULT_HANG,
    FAULT_HANG_AFTER,
    FAULT_FORGET_KEYS,
    FAULT_WRONG_OBJECT,
    FAULT_REPLAY_500,
    FAULT_FORGET,
    FAULT_DUPLICATE,
    FAULT_COUNT
} fault_kind;

const char *fault_name(fault_kind k);
const char *face_name(face_kind k);

typedef struct fault {
    fault_kind kind;
    face_kind face;
    const char *method; /* or NULL: any. SMTP: MESSAGE is what comes behind DATA's answer */
    const char *path;   /* a route's path, or NULL: any */
    const char *about;  /* SMTP: a recipient, IMAP: a folder; or NULL: any */
    int64_t at;         /* the first request that it befalls, counted in those that match; 1 */
    int64_t times;      /* how many from then on; 1; INT64_MAX with `always` */
    double chance;      /* instead of at and times; 0: none */
    int64_t after_us, every_us, retry_after_s, status, mib;
    bool broken_http; /* malformed: the HTTP itself, else the JSON */
    int64_t seen;     /* matching requests so far */
} fault;

typedef struct fault_list {
    fault *items;
    size_t count;
    yaml_tree *tree; /* owns the texts */
} fault_list;

typedef struct script {
    route *routes;
    size_t route_count;
    mail_script mail;
    fault_list faults;
    int64_t seed;
    yaml_tree *tree;
} script;

int script_load(script **out, const char *path, diag *d);
void script_destroy(script *s);
/* Reads a list of faults alone, YAML or JSON. What *out held is freed. */
int script_faults(fault_list *out, const char *text, size_t len, diag *d);
void script_faults_free(fault_list *f);

/* Matches a path without its query. `id` gets what stands where the pattern's last {name} does,
 * `place` the path up to there, which names a collection. */
bool script_match(const char *pattern, const char *path, char *place, char *id, size_t size);

#endif
