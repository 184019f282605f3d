#include "backtest_args.h"

#include <stdlib.h>
#include <string.h>

void backtest_args_free(backtest_args *a) {
    size_t at = 0;
    void *text;
    while ((text = map_next(&a->kept, &at, NULL))) {
        free(text);
    }
    map_free(&a->kept);
    keel_buf_free(&a->child);
}

/* ---- spawns ---- */

/* A spawn's record follows the begin of its child, which has what was given to it. */
void backtest_args_child(backtest_args *a, const journal_row *row) {
    keel_json parent = keel_json_get(row->body, "parent");
    keel_json agent = keel_json_get(row->body, "agent");
    a->child_run = parent.data ? row->run : 0;
    if (!parent.data) {
        return;
    }
    keel_json key = keel_json_get(row->body, "key"), input = keel_json_get(row->body, "input");
    keel_buf_clear(&a->child);
    keel_buf_puts(&a->child, "{\"agent\":");
    keel_buf_append(&a->child, agent.data, agent.len);
    keel_buf_puts(&a->child, ",\"input\":");
    keel_buf_append(&a->child, input.data, input.len);
    if (key.data) {
        keel_buf_puts(&a->child, ",\"key\":");
        keel_buf_append(&a->child, key.data, key.len);
    }
    keel_json returns = keel_json_path(row->body, "quarantine.returns");
    if (returns.data) {
        keel_buf_puts(&a->child, ",\"quarantine\":true,\"returns\":");
        keel_buf_append(&a->child, returns.data, returns.len);
    }
    keel_buf_putc(&a->child, '}');
}

keel_json backtest_args_spawn(backtest_args *a, keel_json run, keel_json agent, bool existing,
                              bool *whole) {
    int64_t id = 0;
    keel_json_int(run, &id);
    *whole = !existing && id > 0 && (uint64_t)id == a->child_run;
    if (!*whole) {
        keel_buf_clear(&a->child);
        a->child_run = 0;
        keel_buf_puts(&a->child, "{\"agent\":");
        keel_buf_append(&a->child, agent.data, agent.len);
        keel_buf_putc(&a->child, '}');
    }
    return keel_json_view(a->child.data, a->child.len);
}

/* ---- what waits ---- */

void backtest_args_keep(backtest_args *a, uint64_t effect, keel_json args) {
    if (args.data) {
        backtest_args_drop(a, effect);
        map_put(&a->kept, effect, keel_memdup(args.data, args.len));
    }
}

keel_json backtest_args_kept(const backtest_args *a, uint64_t effect) {
    const char *text = map_get(&a->kept, effect);
    return text ? keel_json_view(text, strlen(text)) : (keel_json){NULL, 0};
}

void backtest_args_drop(backtest_args *a, uint64_t effect) {
    free(map_take(&a->kept, effect));
}
