#include "text.h"

#include <string.h>

#include "keel/json.h"

void text_clean(char *text) {
    keel_buf quoted = KEEL_BUF_INIT;
    int valid = keel_json_quote(&quoted, text, strlen(text)) == 0;
    keel_buf_free(&quoted);
    for (unsigned char *p = (unsigned char *)text; *p; p++) {
        if (*p < 0x20 || *p == 0x7f || (*p >= 0x80 && !valid)) {
            *p = '?';
        }
    }
}
