/* YAML as the project's files use it: read by libyaml's events under limits (256 KiB, depth 32,
 * 20,000 nodes), into a tree whose every node knows its line and column. Anchors, aliases, tags,
 * directives, merge keys, duplicate keys, several documents, NUL and invalid UTF-8 are refused with
 * their place and a remedy. Plain scalars keep their text: what a scalar means is its reader's
 * business, and `quoted` says whether a plain `no` or a text "no" stood there. */
#ifndef YAMLTREE_H
#define YAMLTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "keel/buf.h"

typedef enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP } yaml_kind;

typedef struct yaml_node yaml_node;
struct yaml_node {
    yaml_kind kind;
    int line; /* 1-based */
    int column;
    bool quoted;       /* scalars */
    const char *text;  /* scalars: NUL-terminated, no NUL within */
    size_t len;        /* scalars: bytes of text */
    size_t count;      /* lists and maps */
    yaml_node **items; /* lists: items; maps: values */
    yaml_node **keys;  /* maps: scalar nodes, in the file's order */
};

typedef struct yaml_tree yaml_tree;

/* `file` is the name used in messages, copied. 0 or a DIAG_ code; an empty file is an empty map. */
int yaml_tree_parse(yaml_tree **out, const char *file, const char *text, size_t len, diag *d);
int yaml_tree_load(yaml_tree **out, const char *path, diag *d);
void yaml_tree_destroy(yaml_tree *t);
const yaml_node *yaml_tree_root(const yaml_tree *t);
const char *yaml_tree_file(const yaml_tree *t);

const yaml_node *yaml_get(const yaml_node *map, const char *key); /* NULL: not there */

/* Typed readers: false when the node is NULL or not of that form (no message: use yaml_fault). */
bool yaml_bool(const yaml_node *n, bool *out);           /* plain true | false */
bool yaml_int(const yaml_node *n, int64_t *out);         /* plain decimal */
bool yaml_duration_us(const yaml_node *n, int64_t *out); /* 250ms 30s 5m 4h 7d */
/* "12.50 USD": micro-units and an ISO code; at most six decimals; refuses overflow. */
bool yaml_money(const yaml_node *n, int64_t *micros, char currency[4]);

/* Fills d with the node's place: "policies/a.yaml:3:7: ...". Returns DIAG_USAGE. */
int yaml_fault(const yaml_tree *t, const yaml_node *n, diag *d, const char *what, ...)
    __attribute__((format(printf, 4, 5)));
/* Refuses keys that are not in the NULL-terminated list, with "did you mean". */
int yaml_known_keys(const yaml_tree *t, const yaml_node *map, const char *const *known, diag *d);

/* Refuses keys of the list: "known, not yet enforced in this version". Call it first. */
int yaml_later_keys(const yaml_tree *t, const yaml_node *map, const char *const *later, diag *d);

/* The nearest of `words` (NULL-terminated) by edit distance, or NULL if none is near. */
const char *did_you_mean(const char *word, const char *const *words);

/* Appends the node as canonical JSON: plain true/false/null and decimal numbers are typed, all
 * other scalars are text. Fails like yaml_fault for a key that repeats or a number out of range. */
int yaml_to_json(const yaml_tree *t, const yaml_node *n, keel_buf *out, diag *d);

#endif
