/* Prints mails as the mailbox connector gives them to agents: one canonical JSON object a line.
 *   mail_dump [-q] FILE...    each file is one message; -q prints only the count */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail.h"

static int load(const char *path, keel_buf *out) {
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        fprintf(stderr, "mail_dump: %s cannot be opened; give paths of message files\n", path);
        return -1;
    }
    char piece[65536];
    size_t n;
    while ((n = fread(piece, 1, sizeof piece, f)) > 0) {
        keel_buf_append(out, piece, n);
    }
    fclose(f);
    return 0;
}

static void dump(const keel_buf *bytes, bool quiet) {
    const mail_owner nobody = {NULL, 0};
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    mail m;
    mail_parse(&m, bytes->data, bytes->len, MAIL_TEXT_LIMIT);
    mail_place at = {.id = *m.message_id != 0 ? m.message_id : m.digest, .size = bytes->len};
    keel_json_write(&w, &out);
    mail_write(&w, &m, &at, &nobody);
    keel_json_error err;
    if (keel_json_check(out.data, out.len, &err) != 0) {
        fprintf(stderr, "mail_dump: not canonical at byte %zu: %s\n", err.offset, err.message);
        abort();
    }
    if (!quiet) {
        puts(out.data);
    }
    mail_finish(&m);
    keel_buf_free(&out);
}

int main(int argc, char **argv) {
    bool quiet = argc > 1 && strcmp(argv[1], "-q") == 0;
    int count = 0;
    mail_warm();
    for (int i = quiet ? 2 : 1; i < argc; i++) {
        keel_buf bytes = KEEL_BUF_INIT;
        keel_buf_puts(&bytes, "");
        if (load(argv[i], &bytes) != 0) {
            return 1;
        }
        dump(&bytes, quiet);
        keel_buf_free(&bytes);
        count++;
    }
    fprintf(stderr, "%d messages\n", count);
    return 0;
}
