/* What became of the items that a person decided: one line each, with the six words that the card
 * showed for what was approved. */
#ifndef CLI_RECEIPT_H
#define CLI_RECEIPT_H

#include "card.h"

/* items: [{"number","outcome","why"?}] as the kernel answered. Returns 0 when every outcome is
 * `wanted`, else the exit code of the worst. cards may be NULL. */
int receipt_print(const cli *c, card *const *cards, size_t count, keel_json items,
                  const char *wanted);

#endif
