/* What a kernel that ended so had begun to tell: a step with a record that says that it is told, and none that
 * says what became of that. */
#include <stdlib.h>

#include "notices.h"

static int on_at(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    *(int64_t *)ctx = strtoll(v[0], NULL, 10);
    return 0;
}

/* When the first record from seq on was written; 0: there is none. */
static int64_t written_us(kernel *k, int64_t seq) {
    char from[24];
    const char *params[] = {from};
    int64_t at = 0;
    snprintf(from, sizeof from, "%lld", (long long)seq);
    reader_query(k->env.reads,
                 "SELECT at FROM journal WHERE seq >= CAST(? AS INTEGER) ORDER BY seq LIMIT 1",
                 params, 1, on_at, &at, NULL);
    return at;
}

/* The first record of the last minutes of work: a notice begun before it was over by then. */
static int64_t last_minutes(kernel *k) {
    int64_t low = 1, high = k->durable_seq;
    int64_t since = written_us(k, high) - NOTICE_LAST_US;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (written_us(k, middle) < since) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static int on_escalated(void *ctx, const journal_row *row) {
    kernel *k = ctx;
    int64_t number = 0, step = 0;
    keel_json_int(keel_json_get(row->body, "number"), &number);
    keel_json_int(keel_json_get(row->body, "step"), &step);
    open_item *x = map_get(&k->watches, (uint64_t)number);
    if (x && x->escalated == step) {
        x->untold = keel_json_typeof(keel_json_get(row->body, "told")) == KEEL_JSON_NONE;
    }
    return 0;
}

int notices_load(kernel *k, diag *d) {
    if (!k->world.workspace->notifier_count || !k->watches.count || k->durable_seq < 1) {
        return 0;
    }
    int rc = reader_scan_kinds(k->env.reads, last_minutes(k), RECORD_BIT(RECORD_ESCALATED),
                               on_escalated, k, d);
    open_item *x;
    for (size_t at = 0; !rc && (x = map_next(&k->watches, &at, NULL)) != NULL;) {
        if (x->untold) {
            x->untold = false;
            item_tell_again(k, x);
        }
    }
    return rc;
}
