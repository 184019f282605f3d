/* The fields of a JSON Schema, as people name them: "rules.approval.expires". */
#ifndef CLI_SCHEMA_FIELD_H
#define CLI_SCHEMA_FIELD_H

#include <stdbool.h>

#include "keel/json.h"

typedef struct schema_field {
    char *path; /* from the top; ATTRIBUTE and NAME stand for any */
    keel_json
        node; /* what the schema says of it: the same bytes where it stands in several places */
} schema_field;

typedef struct schema_fields {
    keel_json root;
    schema_field *list;
    size_t count;
} schema_fields;

/* All fields of a schema: canonical JSON that outlives them. */
void schema_fields_read(keel_json root, schema_fields *out);
void schema_fields_free(schema_fields *f);
/* By the whole path, or by its end. */
bool schema_field_is(const schema_field *f, const char *name);

/* What a node says, with what it refers to; none where it says nothing. */
keel_json schema_says(const schema_fields *f, keel_json node, const char *key);
/* "a whole number from 1 to 100", "allow or deny" */
void schema_values(const schema_fields *f, keel_json node, keel_buf *out);
/* A value that the node takes, as YAML writes it. */
void schema_example(const schema_fields *f, keel_json node, keel_buf *out);

#endif
