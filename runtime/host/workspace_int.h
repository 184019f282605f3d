/* The inner pieces of workspace.h. */
#ifndef WORKSPACE_INT_H
#define WORKSPACE_INT_H

#include "workspace.h"
#include "yamltree.h"

/* Fills what keel.yaml says into a workspace that has its root; the rest gets its defaults. */
int workspace_read(workspace *w, diag *d);

/* ---- what the readers of keel.yaml share ---- */

typedef struct workspace_reader {
    workspace *w;
    const yaml_tree *tree;
    diag *d;
} workspace_reader;

#define SMALL  "abcdefghijklmnopqrstuvwxyz"
#define LARGE  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

int workspace_fault(const workspace_reader *r, const yaml_node *n, const char *what,
                    const char *next);
/* A scalar that is not empty. */
bool workspace_is_text(const yaml_node *n);
/* Of 1 to `most` bytes, the first out of one set and the others out of another. */
bool workspace_is_word(const char *text, const char *first, const char *rest, size_t most);
/* secret_name_ok of runtime/egress/secret.h. */
bool workspace_is_secret(const yaml_node *n);

int workspace_read_connections(const workspace_reader *r, const yaml_node *n);
/* `auth` of a connection, as canonical JSON: a map with a kind, whose scalars are all texts. A
 * secret that stands there itself is refused, and not repeated. */
int workspace_read_auth(const workspace_reader *r, const yaml_node *n, keel_buf *out);
int workspace_read_polls(const workspace_reader *r, const yaml_node *n, workspace_connection *c);
int workspace_read_notify(const workspace_reader *r, const yaml_node *n);
void workspace_notify_free(workspace *w);
int workspace_read_secrets(const workspace_reader *r, const yaml_node *n);

#endif
