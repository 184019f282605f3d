/* The label of what is read: who may have written it, and who may see it. A run's is the join of all
 * that it has read; nothing but a person's recorded act lowers it. */
#ifndef HOST_LABEL_H
#define HOST_LABEL_H

#include <stdbool.h>
#include <stddef.h>

/* Ascending. What nobody has declared is internal. */
typedef enum sensitivity {
    SENSITIVITY_PUBLIC,
    SENSITIVITY_INTERNAL,
    SENSITIVITY_CONFIDENTIAL,
    SENSITIVITY_RESTRICTED
} sensitivity;
#define SENSITIVITY_DEFAULT SENSITIVITY_INTERNAL

extern const char *const sensitivity_names[]; /* in that order, and NULL */
const char *sensitivity_name(sensitivity s);
bool sensitivity_named(const char *text, size_t len, sensitivity *out);

typedef struct item_label {
    bool untrusted; /* anybody may have written it */
    sensitivity level;
} item_label;

item_label label_join(item_label a, item_label b);
bool label_within(item_label l, item_label bound); /* l is no worse than bound */
/* "untrusted and confidential", for messages. */
const char *label_words(item_label l);

#endif
