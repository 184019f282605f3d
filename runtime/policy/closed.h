/* Closed types: what may come out of a quarantine, so that no words of a stranger do. A schema is a JSON
 * object of 1 to 32 fields:
 *
 *   "bool" | "date"                          true or false; "2026-11-29", of 1900 to 2199
 *   {"enum": ["invoice", "lead"]}            one of 1 to 64 texts of up to 64 bytes
 *   {"number": [0, 1000], "decimals": 2}     within bounds; at most 1,000,000,000 different ones, whole
 *                                            ones without decimals
 *   {"type": "bool"}                         the first two at length
 *
 * each, at length, with "optional": true where null or no field will do. A result is an object of these
 * fields and no others. */
#ifndef POLICY_CLOSED_H
#define POLICY_CLOSED_H

#include "keel/buf.h"
#include "keel/json.h"

enum { CLOSED_FIELDS = 32, CLOSED_WORDS = 64, CLOSED_WORD_BYTES = 64, CLOSED_WHY = 200 };

typedef struct closed_fault {
    char field[CLOSED_WORD_BYTES + 1]; /* of the schema, or "" */
    char why[CLOSED_WHY];              /* "the text type is open: ..." */
} closed_fault;

/* 0, and out has the schema in its one canonical form: two that take the same are the same bytes. Or -1. */
int closed_read(keel_json schema, keel_buf *out, closed_fault *fault);
/* 0: the result fits a schema that closed_read has written. Else -1; the fault tells nothing of what the
 * result holds. */
int closed_fits(keel_json schema, keel_json result, closed_fault *fault);

#endif
