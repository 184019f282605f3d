/* Mail: any bytes give an item that is canonical JSON and small, and an mbox of them ends. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mail.h"
#include "mbox.h"

typedef struct memory {
    const char *data;
    size_t len;
} memory;

static void must(bool holds) {
    if (!holds) {
        abort();
    }
}

static int read_memory(void *ctx, uint64_t offset, size_t len, const char **data, size_t *got) {
    const memory *m = ctx;
    size_t left = offset < m->len ? m->len - (size_t)offset : 0;
    *got = left < len ? left : len;
    *data = m->data + (left > 0 ? (size_t)offset : 0);
    return 0;
}

static void check_mail(const char *bytes, size_t len) {
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    mail m;
    mail_owner nobody = {NULL, 0};
    mail_parse(&m, bytes, len, 1000);
    mail_place at = {.id = m.digest, .size = len};
    keel_json_write(&w, &out);
    mail_write(&w, &m, &at, &nobody);
    must(m.text.len <= 1000 && keel_json_check(out.data, out.len, NULL) == 0);
    must(*m.message_id == 0 || words_is_id(m.message_id));
    mail_finish(&m);
    keel_buf_free(&out);
}

static void check_mbox(const char *bytes, size_t len) {
    memory in = {bytes, len};
    keel_buf message = KEEL_BUF_INIT;
    mbox_entry e;
    mbox m;
    uint64_t end = 0;
    mbox_begin(&m, read_memory, &in, 0);
    while (mbox_next(&m, &message, 10000, &e) == MBOX_MESSAGE) {
        must(e.start >= end && e.end > e.start && e.end <= len && message.len <= e.size);
        end = e.end;
    }
    keel_buf_free(&message);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    mail_warm();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    check_mail((const char *)data, size);
    check_mbox((const char *)data, size);
    return 0;
}
