#include "grantwords.h"

#include <inttypes.h>

#include "render.h"
#include "text.h"

static void put_text(keel_json v, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    keel_json_string(v, &text);
    text_line(out, text.data ? text.data : "", text.len);
    keel_buf_free(&text);
}

static size_t put_list(keel_json list, keel_buf *out) {
    size_t count = keel_json_count(list), i = 0;
    for (keel_json_iter it = keel_json_each(list); keel_json_next(&it); i++) {
        keel_buf_puts(out, i == 0 ? "" : i + 1 == count ? " and " : ", ");
        put_text(it.value, out);
    }
    return count;
}

void grant_shape(keel_json scope, keel_buf *out) {
    keel_buf vary = KEEL_BUF_INIT, looks = KEEL_BUF_INIT;
    size_t free_fields = put_list(keel_json_get(scope, "vary"), &vary);
    keel_buf_puts(out, "all arguments the same");
    if (free_fields) {
        keel_buf_printf(out, " but %s, which may be anything or missing", vary.data);
    }
    if (free_fields && put_list(keel_json_get(scope, "looks"), &looks)) {
        keel_buf_printf(out, " as long as %s stays the same", looks.data);
    }
    keel_json level = keel_json_get(scope, "sensitivity");
    bool untrusted = keel_json_true(keel_json_get(scope, "tainted"));
    keel_buf_puts(out, untrusted ? "; also of runs that have read untrusted text"
                                 : "; of runs that have read nothing untrusted");
    if (level.len && !keel_json_is(level, "restricted")) {
        keel_buf_puts(out, untrusted ? ", but nothing above " : " and nothing above ");
        put_text(level, out);
    }
    keel_buf_free(&vary);
    keel_buf_free(&looks);
}

static void grant_words(keel_json scope, keel_buf *out) {
    int64_t uses = 0, span = 0;
    keel_json_int(keel_json_get(scope, "max_uses"), &uses);
    keel_json_int(keel_json_get(scope, "for_us"), &span);
    keel_buf_puts(out, "up to ");
    text_count(out, uses);
    keel_buf_puts(out, " more within ");
    text_span(out, span);
    keel_buf_puts(out, " by ");
    put_text(keel_json_get(scope, "agent"), out);
    keel_buf_puts(out, " to do ");
    put_text(keel_json_get(scope, "target"), out);
    keel_buf_puts(out, ", without asking:");
}

void grant_rows(int64_t number, keel_json scope, const term *on, keel_buf *out) {
    render_label(on, out, "remember");
    keel_buf_printf(out, "with keel approve %" PRId64 " --remember, also ", number);
    grant_words(scope, out);
    keel_buf_putc(out, '\n');
    render_label(on, out, "");
    grant_shape(scope, out);
    keel_buf_putc(out, '\n');
}
