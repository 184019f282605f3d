#include "editfile.h"

#include <stdlib.h>
#include <string.h>

#define MARK "--- keel: "

void edit_plain(keel_json v, keel_buf *out) {
    keel_buf_puts(out, "");
    if (!keel_json_string(v, out)) {
        keel_buf_append(out, v.data, v.len);
    }
}

int edit_value(keel_json args, const char *name, const char *text, size_t len, keel_buf *out,
               diag *d) {
    keel_json old = keel_json_get(args, name);
    keel_json_error e;
    keel_buf value = KEEL_BUF_INIT;
    int rc = 0;
    if (keel_json_typeof(old) == KEEL_JSON_STRING || !old.data) {
        rc = keel_json_quote(&value, text, len);
        if (rc) {
            rc = diag_set(d, DIAG_USAGE, "The text for %s is not UTF-8.", name);
        }
    } else if (keel_json_canonical(&value, text, len, &e) != 0) {
        diag_set(d, DIAG_USAGE, "%s is not text: write it as JSON. %s.", name, e.message);
        rc = diag_next(d, "It is now: %.*s", old.len > 200 ? 200 : (int)old.len, old.data);
    }
    bool same = rc == 0 && value.len == old.len && memcmp(value.data, old.data, old.len) == 0;
    if (rc == 0 && !same) {
        keel_json_quote(out, name, strlen(name));
        keel_buf_printf(out, ":%s,", value.data);
    }
    keel_buf_free(&value);
    return rc;
}

int edit_close(keel_buf *members, keel_buf *set, diag *d) {
    keel_buf text = KEEL_BUF_INIT;
    keel_json_error e;
    if (members->len) {
        members->len--;
        members->data[members->len] = 0;
    }
    keel_buf_printf(&text, "{%s}", members->len ? members->data : "");
    int rc = keel_json_canonical(set, text.data, text.len, &e);
    keel_buf_free(&text);
    return rc ? diag_set(d, DIAG_USAGE, "The same field is set twice.") : 0;
}

int edit_text(keel_json args, const char *const *fields, size_t count, keel_buf *out, diag *d) {
    keel_buf_puts(out, "# Change the fields below, save and leave. Lines that begin with " MARK
                       "stay as they are.\n# An empty file changes nothing.\n");
    for (size_t i = 0; i < count; i++) {
        keel_buf text = KEEL_BUF_INIT;
        edit_plain(keel_json_get(args, fields[i]), &text);
        bool clash = strncmp(text.data, MARK, strlen(MARK)) == 0 || strstr(text.data, "\n" MARK);
        keel_buf_printf(out, MARK "%s\n", fields[i]);
        keel_buf_append(out, text.data, text.len);
        keel_buf_putc(out, '\n');
        keel_buf_free(&text);
        if (clash) {
            diag_set(d, DIAG_FAILED, "%s holds a line that begins with " MARK, fields[i]);
            return diag_next(d, "Use --set %s=@FILE instead.", fields[i]);
        }
    }
    return 0;
}

static const char *next_mark(const char *at, const char *end) {
    const char *hit = at;
    while ((hit = memmem(hit, (size_t)(end - hit), MARK, strlen(MARK)))) {
        if (hit == at || hit[-1] == '\n') {
            return hit;
        }
        hit++;
    }
    return NULL;
}

int edit_parse(keel_json args, const char *text, size_t len, keel_buf *set, diag *d) {
    keel_buf members = KEEL_BUF_INIT;
    const char *end = text + len, *mark = next_mark(text, end);
    int rc = 0;
    while (rc == 0 && mark) {
        const char *name = mark + strlen(MARK);
        size_t name_len = strcspn(name, "\r\n");
        const char *value = memchr(name, '\n', (size_t)(end - name));
        value = value ? value + 1 : end;
        mark = next_mark(value, end);
        const char *stop = mark ? mark : end;
        stop = stop > value && stop[-1] == '\n' ? stop - 1 : stop;
        char *field = keel_memdup(name, name_len);
        if (keel_json_get(args, field).data) {
            rc = edit_value(args, field, value, (size_t)(stop - value), &members, d);
        } else {
            rc = diag_set(d, DIAG_USAGE, "There is no field %s to edit.", field);
        }
        free(field);
    }
    rc = rc ? rc : edit_close(&members, set, d);
    keel_buf_free(&members);
    return rc;
}
