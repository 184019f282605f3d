/* keel.usage/1 for shared objects. */
#include <string.h>

#include "native.h"
#include "text.h"

_Static_assert(sizeof(((keel_call *)0)->model) == KEEL_USAGE_MODEL + 1, "a name and its NUL");

static bool is_plain(const char *model) {
    char clean[KEEL_USAGE_MODEL + 1];
    size_t n = model ? strnlen(model, sizeof clean) : 0;
    if (n == 0 || n == sizeof clean) {
        return false;
    }
    memcpy(clean, model, n + 1);
    text_clean(clean);
    return memcmp(clean, model, n + 1) == 0;
}

static keel_status service_report(void *ctx, keel_call *call, const char *model,
                                  const keel_tokens *used) {
    native *n = ctx;
    if (!native_is_current(n, call) || !is_plain(model) || !used || used->size < sizeof *used ||
        used->input > KEEL_USAGE_MOST || used->output > KEEL_USAGE_MOST ||
        used->cache_read > KEEL_USAGE_MOST || used->cache_write > KEEL_USAGE_MOST) {
        return KEEL_E_INVALID;
    }
    memcpy(call->model, model, strlen(model) + 1);
    call->used = *used;
    return KEEL_OK;
}

void native_usage_init(native *n) {
    n->usage_table =
        (keel_usage){.size = sizeof n->usage_table, .ctx = n, .report = service_report};
}

void native_usage_put(const keel_call *call, keel_json_writer *w) {
    if (call->model[0]) {
        keel_json_key(w, "usage");
        keel_json_object(w);
        keel_json_set_int(w, "cache_read", (int64_t)call->used.cache_read);
        keel_json_set_int(w, "cache_write", (int64_t)call->used.cache_write);
        keel_json_set_int(w, "input", (int64_t)call->used.input);
        keel_json_set_text(w, "model", call->model);
        keel_json_set_int(w, "output", (int64_t)call->used.output);
        keel_json_object_end(w);
    }
}
