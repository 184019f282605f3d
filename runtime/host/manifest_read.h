/* The inner pieces of reading a manifest. */
#ifndef MANIFEST_READ_H
#define MANIFEST_READ_H

#include "manifest.h"
#include "yamltree.h"

/* What a manifest points into: its tree and the arrays made from it. */
typedef struct manifest_memory {
    yaml_tree *tree;
    void **blocks;
    size_t count, cap;
} manifest_memory;

typedef struct manifest_reader {
    manifest *m;
    manifest_memory *memory;
    const yaml_tree *tree;
    diag *d;
} manifest_reader;

void *manifest_alloc(manifest_reader *r, size_t size); /* zeroed, freed with the manifest */

/* Each: 0, or DIAG_USAGE with the place of the fault. `what` names the value in the message. */
int manifest_text(manifest_reader *r, const yaml_node *n, const char *what, const char **out);
/* A lower-case word: letters, digits, - and _. */
int manifest_word(manifest_reader *r, const yaml_node *n, const char *what, const char **out);
/* A file name without folders. */
int manifest_file_name(manifest_reader *r, const yaml_node *n, const char *what, const char **out);
/* One of two words; *out says whether it is the second. */
int manifest_choice(manifest_reader *r, const yaml_node *n, const char *what, const char *first,
                    const char *second, bool *out);
int manifest_map(manifest_reader *r, const yaml_node *n, const char *what);
int manifest_list(manifest_reader *r, const yaml_node *n, const char *what);
int manifest_fault(manifest_reader *r, const yaml_node *n, const char *what, const char *next);

/* A field's name, with dots between for what lies deeper: "total", "message.to". */
int manifest_path(manifest_reader *r, const yaml_node *n, const char *what, const char **out);
int manifest_cost(manifest_reader *r, const yaml_node *verb, manifest_verb *v); /* cost, tokens */
int manifest_needs(manifest_reader *r, const yaml_node *list);
int manifest_resources(manifest_reader *r, const yaml_node *map);
int manifest_attributes(manifest_reader *r, const yaml_node *n, manifest_resource *res);
int manifest_items(manifest_reader *r, const yaml_node *n,
                   manifest_resource *res);                     /* n may be NULL */
int manifest_origins(manifest_reader *r, const yaml_node *map); /* of all resources */
int manifest_sends(manifest_reader *r, const yaml_node *n, manifest_resource *res);

#endif
