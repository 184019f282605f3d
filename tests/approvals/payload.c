#include "payload.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fsio.h"
#include "text.h"

static void load(payload *p, const char *name) {
    char path[512];
    keel_buf raw = KEEL_BUF_INIT;
    keel_json_error e;
    diag d = {0};
    *p = (payload){.file = KEEL_BUF_INIT};
    snprintf(p->name, sizeof p->name, "%.*s", (int)strcspn(name, "."), name);
    snprintf(path, sizeof path, "%s/%s", getenv("KEEL_PAYLOADS"), name);
    if (fsio_read(path, 16 << 20, &raw, &d) != 0) {
        fail_msg("%s: %s", path, d.what);
    }
    if (keel_json_canonical(&p->file, raw.data, raw.len, &e) != 0) {
        fail_msg("%s: %s", path, e.message);
    }
    keel_json all = keel_json_view(p->file.data, p->file.len);
    p->args = keel_json_get(all, "args");
    p->shown = keel_json_get(all, "shown");
    p->never = keel_json_get(all, "never");
    if (!p->args.data || keel_json_count(p->shown) == 0) {
        fail_msg("%s has no arguments, or nothing that is to be seen", path);
    }
    keel_buf_free(&raw);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const payload *)a)->name, ((const payload *)b)->name);
}

payload *payloads_load(size_t *count) {
    const char *folder = getenv("KEEL_PAYLOADS");
    assert_non_null(folder);
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    payload *list = NULL;
    size_t n = 0;
    for (const struct dirent *e; (e = readdir(dir));) {
        if (strstr(e->d_name, ".json")) {
            list = keel_realloc(list, (n + 1) * sizeof *list);
            load(&list[n++], e->d_name);
        }
    }
    closedir(dir);
    assert_true(n >= 40);
    qsort(list, n, sizeof *list, by_name);
    *count = n;
    return list;
}

void payloads_free(payload *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        keel_buf_free(&list[i].file);
    }
    free(list);
}

alike_known *payload_known(void) {
    alike_known *k = alike_create();
    alike_add(k, "studio.example", 14, "one of your own domains", true);
    alike_add(k, "amazon.example", 14, "in a list of your policy", false);
    alike_add(k, "ann@client.example", 18, "who stands in what the run read", false);
    return k;
}

render_card payload_card(const payload *p, const alike_known *known) {
    static const char decision[] = "{\"file\":\"policies/p.yaml\",\"line\":3,\"rule\":\"asks\"}";
    return (render_card){.number = 3,
                         .run = 7,
                         .path = "2",
                         .agent = "correspondent",
                         .target = "inbox.message.write",
                         .class = "checkable",
                         .kind = "approval",
                         .state = "open",
                         .approval = "000102030405060708",
                         .args = p->args,
                         .decision = keel_json_view(decision, sizeof decision - 1),
                         .known = known,
                         .opened_us = 1700000000000000,
                         .expires_us = 1700003600000000,
                         .calls = 4};
}

void payload_is_clean(const payload *p, const char *surface, const keel_buf *out) {
    for (size_t at = 0, used = 0; at < out->len; at += used) {
        int32_t cp = text_next(out->data + at, out->len - at, &used);
        if (cp != '\n' && cp != 0xfe0f && (cp < 0 || text_is_hidden(cp))) {
            fail_msg("%s, %s: U+%04x", p->name, surface, (unsigned)cp);
        }
    }
}

void payload_is_seen(const payload *p, const char *surface, const keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    payload_is_clean(p, surface, out);
    for (keel_json_iter it = keel_json_each(p->shown); keel_json_next(&it);) {
        keel_buf_clear(&text);
        keel_json_string(it.value, &text);
        if (!memmem(out->data, out->len, text.data, text.len)) {
            fail_msg("%s, %s: no \"%s\" in:\n%.3000s", p->name, surface, text.data, out->data);
        }
    }
    for (keel_json_iter it = keel_json_each(p->never); keel_json_next(&it);) {
        keel_buf_clear(&text);
        keel_json_string(it.value, &text);
        if (text.len && memmem(out->data, out->len, text.data, text.len)) {
            fail_msg("%s, %s: \"%s\" in:\n%.3000s", p->name, surface, text.data, out->data);
        }
    }
    keel_buf_free(&text);
}
