#include "sendable.h"

#include <stdio.h>
#include <string.h>

typedef struct checking {
    sendable_fault *fault;
    void *ctx;
    size_t count;
} checking;

static void tell(checking *c, const char *field, const char *why) {
    c->fault(c->ctx, field, why);
    c->count++;
}

/* Space, tab and line breaks are told apart from the other control characters. */
static const char *control_in(const keel_buf *text, bool line) {
    for (size_t i = 0; i < text->len; i++) {
        unsigned char ch = (unsigned char)text->data[i];
        unsigned char next = i + 1 < text->len ? (unsigned char)text->data[i + 1] : 0;
        if (ch == 0) {
            return "holds a NUL character";
        }
        if (line && (ch == '\n' || ch == '\r')) {
            return "holds a line break, and is one line";
        }
        bool blank = !line && (ch == '\n' || ch == '\r' || ch == '\t');
        bool c1 = ch == 0xc2 && next >= 0x80 && next < 0xa0;
        if ((ch < 0x20 && !blank) || ch == 0x7f || (c1 && line)) {
            return "holds a control character";
        }
    }
    return NULL;
}

/* As connectors write it: ASCII, no name, no list in one text. */
static bool is_address(const keel_buf *text) {
    static const char local[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                ".!#$%&'*+-/=?^_`{|}~";
    static const char domain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    size_t before = strspn(text->data, local);
    if (before == 0 || before > 64 || text->data[before] != '@' || text->data[0] == '-') {
        return false;
    }
    const char *host = text->data + before + 1;
    size_t after = strspn(host, domain);
    return after > 0 && after <= 255 && before + 1 + after == text->len && host[0] != '.' &&
           host[0] != '-' && host[after - 1] != '.' && !strstr(host, "..");
}

static void check_text(checking *c, const char *field, keel_json v, manifest_send form) {
    keel_buf text = KEEL_BUF_INIT;
    if (!keel_json_string(v, &text)) {
        tell(c, field, "is no text");
        keel_buf_free(&text);
        return;
    }
    keel_buf_append(&text, "", 0);
    const char *why = control_in(&text, form != SEND_TEXT);
    why = why || form != SEND_ADDRESS || is_address(&text) ? why : "is no plain address";
    if (why) {
        tell(c, field, why);
    }
    keel_buf_free(&text);
}

static void check_field(checking *c, const char *field, keel_json v, manifest_send form) {
    bool list = keel_json_typeof(v) == KEEL_JSON_ARRAY && form != SEND_TEXT;
    size_t i = 0;
    if (form == SEND_ANY) {
        return;
    }
    if (!list) {
        check_text(c, field, v, form);
        return;
    }
    for (keel_json_iter it = keel_json_each(v); keel_json_next(&it); i++) {
        char name[128];
        snprintf(name, sizeof name, "%.100s[%zu]", field, i);
        check_text(c, name, it.value, form);
    }
}

static const manifest_field *find(const manifest_resource *r, keel_json key) {
    for (size_t i = 0; i < r->send_count; i++) {
        if (keel_json_is(key, r->sends[i].name)) {
            return &r->sends[i];
        }
    }
    return NULL;
}

size_t sendable_check(const manifest_resource *r, keel_json args, sendable_fault *fault,
                      void *ctx) {
    checking c = {fault, ctx, 0};
    if (!r || !r->send_count) {
        return 0;
    }
    if (keel_json_typeof(args) != KEEL_JSON_OBJECT) {
        tell(&c, "all of it", "is no object with fields");
        return c.count;
    }
    for (keel_json_iter it = keel_json_each(args); keel_json_next(&it);) {
        const manifest_field *f = find(r, it.key);
        keel_buf name = KEEL_BUF_INIT;
        keel_json_string(it.key, &name);
        keel_buf_append(&name, "", 0);
        if (!f) {
            tell(&c, name.data, "is no field that its connector sends");
        } else {
            check_field(&c, f->name, it.value, f->form);
        }
        keel_buf_free(&name);
    }
    return c.count;
}
