/* IMAP and SMTP servers: any bytes are framed, taken apart and read within their bounds, and the same
 * whether they come at once or in pieces. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "imap.h"
#include "smtp.h"
#include "wire.h"

static void must(bool holds) {
    if (!holds) {
        abort();
    }
}

static void check_words(const char *data, size_t len) {
    wire_scan s;
    wire_word w;
    wire_begin(&s, data, len);
    while (wire_next(&s, &w) != WIRE_END && w.kind != WIRE_BAD) {
        must(w.data == NULL || (w.data >= data && w.data + w.len <= data + len));
        uint64_t n = 0;
        keel_buf text = KEEL_BUF_INIT;
        wire_number(&w, &n);
        wire_code(&w, "UIDVALIDITY", &n);
        if (w.kind == WIRE_TEXT) {
            wire_text(&w, &text);
            must(text.len <= w.len);
        }
        keel_buf_free(&text);
    }
    imap_message m;
    wire_begin(&s, data, len);
    wire_next(&s, &w);
    if (imap_fetch_parse(&s, &m)) {
        must(m.uid > 0 && m.uid <= UINT32_MAX);
        must(!m.has_body || (m.body.data >= data && m.body.data + m.body.len <= data + len));
    }
    char rest[50];
    wire_rest(&s, rest, sizeof rest);
    must(strlen(rest) < sizeof rest);
}

static void check_frames(const char *data, size_t len) {
    wire_frame whole = {0};
    wire_frame slow = {0};
    size_t end = 0;
    size_t slow_end = 0;
    int found = wire_frame_next(&whole, data, len, &end);
    int late = 0;
    for (size_t n = 0; n <= len && late == 0; n++) {
        late = wire_frame_next(&slow, data, n, &slow_end);
    }
    must(found == late);
    if (found > 0) {
        must(end > 0 && end <= len && end == slow_end);
        check_words(data, end);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *bytes = (const char *)data;
    char said[60];
    int code = 0;
    check_frames(bytes, size);
    check_words(bytes, size);
    long n = smtp_answer(bytes, size, &code, said, sizeof said);
    must(n <= (long)size && (n <= 0 || (code >= 200 && code < 600)));
    keel_buf name = KEEL_BUF_INIT;
    char *folder = keel_memdup(bytes, size);
    imap_name(&name, folder);
    free(folder);
    keel_buf_free(&name);
    return 0;
}
