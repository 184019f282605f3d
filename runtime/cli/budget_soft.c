/* What a budget does from its soft limit on, in words. */
#include "budget_show.h"

#include <string.h>

const char *budget_unit(const char *unit) {
    return strcmp(unit, "seconds") ? unit : "minutes";
}

void budget_put_soft(const budget_info *b, keel_buf *out) {
    keel_buf tier = KEEL_BUF_INIT;
    const char *words[4];
    size_t count = 0;
    if (b->soft_notify) {
        words[count++] = "notify";
    }
    if (b->soft_ask) {
        words[count++] = "ask";
    }
    if (b->soft_batch) {
        words[count++] = "gather";
    }
    if (b->soft_tier) {
        keel_buf_printf(&tier, "use tier %s", b->soft_tier);
        words[count++] = tier.data;
    }
    keel_buf_printf(out, "at %d%% ", b->soft);
    for (size_t i = 0; i < count; i++) {
        keel_buf_printf(out, "%s%s", i == 0 ? "" : i + 1 == count ? " and " : ", ", words[i]);
    }
    keel_buf_free(&tier);
}
