#include "can_rows.h"

#include <string.h>

#include "text.h"

#define INDENT 12

void can_head(const cli *c, keel_buf *out, const char *text) {
    keel_buf_putc(out, '\n');
    term_put(&c->out, out, TINT_BOLD, text);
    keel_buf_putc(out, '\n');
}

void can_fill(const cli *c, keel_buf *out, const char *text, size_t at, int indent) {
    size_t width = c->out.width ? c->out.width : 100;
    for (bool first = true; *text; first = false) {
        size_t len = strcspn(text, " "), wide = text_width(text, len);
        if (!first && at + 1 + wide > width) {
            keel_buf_printf(out, "\n%*s", indent, "");
            at = (size_t)indent;
        } else if (!first) {
            keel_buf_putc(out, ' ');
            at++;
        }
        at += wide;
        keel_buf_append(out, text, len);
        text += len + (text[len] == ' ');
    }
    keel_buf_putc(out, '\n');
}

void can_row(const cli *c, keel_buf *out, tint as, const char *word, const char *text) {
    keel_buf padded = KEEL_BUF_INIT;
    keel_buf_printf(&padded, "%-*s", INDENT - 2, word);
    keel_buf_puts(out, "  ");
    term_put(&c->out, out, as, padded.data);
    keel_buf_free(&padded);
    can_fill(c, out, text, INDENT, INDENT);
}
