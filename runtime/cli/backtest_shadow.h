/* What rules in shadow would have decided, as a recorded decision tells it. */
#ifndef CLI_BACKTEST_SHADOW_H
#define CLI_BACKTEST_SHADOW_H

#include "policy.h"

/* Memory of one that was read; zeroed before the first use. */
typedef struct shadow_text {
    char rule[128], file[256], band[16];
    keel_buf why;
} shadow_text;

/* false: no rule in shadow spoke. now: what would have been decided, by which of them; its texts are in
 * `text` until the next one is read. */
bool shadow_read(keel_json decision, shadow_text *text, policy_decision *now);

#endif
