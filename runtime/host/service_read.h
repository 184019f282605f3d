/* The inner pieces of reading a service's description. Each function gives 0, or DIAG_USAGE with the
 * place of the fault. */
#ifndef SERVICE_READ_H
#define SERVICE_READ_H

#include "manifest.h"
#include "yamltree.h"

typedef struct service_reader {
    const manifest *m;
    const yaml_tree *tree;
    diag *d;
} service_reader;

int service_fault(service_reader *r, const yaml_node *n, const char *what, const char *next);
int service_map(service_reader *r, const yaml_node *n, const char *what);

/* ---- service_text.c: texts that are filled in, and where something stands in an answer ---- */

/* What may stand between braces besides the arguments: {key}, {outcome.id}, {header.etag}; and whether
 * {name?} may, which is left out where there is no such argument. */
enum { FILL_KEY = 1, FILL_OUTCOME = 2, FILL_HEADER = 4, FILL_OPTIONAL = 8 };

/* A text that is not empty, and no number or the like. */
int service_text(service_reader *r, const yaml_node *n);
int service_fill(service_reader *r, const yaml_node *n, int fill);
/* "/notes/{id}?tag={tag?}" */
int service_address(service_reader *r, const yaml_node *n, int fill);
/* "data.0.id" */
int service_path(service_reader *r, const yaml_node *n);
bool service_has_fill(const yaml_node *n);
/* Whether {key} stands anywhere in it. */
bool service_sends_key(const yaml_node *n);

/* ---- service_verb.c ---- */

int service_headers(service_reader *r, const yaml_node *n, int fill);
int service_errors(service_reader *r, const yaml_node *n);
int service_read(service_reader *r, const yaml_node *n);
int service_reconcile(service_reader *r, const yaml_node *n);
/* Of write and compensate. keyed: each request must send the key. */
int service_change(service_reader *r, const yaml_node *n, int fill, bool keyed);

#endif
