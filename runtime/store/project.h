/* The table that project.c runs. Private to the store. */
#ifndef PROJECT_H
#define PROJECT_H

#include "private.h"

#define AGAIN "*" /* until it changes nothing */

typedef struct project_rule {
    record_kind kind; /* rules of one kind stand together and run in order */
    const char *each; /* for each element of this array of the body (no array: none), or AGAIN */
    const char *need; /* only where the body has this member */
    const char *sql;
} project_rule;

extern const project_rule project_rules[];
extern const size_t project_rule_count;

#endif
