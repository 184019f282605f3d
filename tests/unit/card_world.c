#include "card_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text.h"

const term card_plain = {.terminal = false};

keel_json card_args(keel_buf *out, const char *text) {
    keel_json_error e;
    if (keel_json_canonical(out, text, strlen(text), &e) != 0) {
        fail_msg("%s: %s", text, e.message);
    }
    return keel_json_view(out->data, out->len);
}

render_card card_of(keel_json args) {
    return (render_card){.number = 3,
                         .run = 7,
                         .path = "2",
                         .agent = "correspondent",
                         .target = "inbox.message.write",
                         .class = "checkable",
                         .kind = "approval",
                         .state = "open",
                         .approval = "000102030405060708",
                         .args = args,
                         .opened_us = NOW_US - HOUR_US,
                         .expires_us = NOW_US + HOUR_US,
                         .calls = 4};
}

void card_check_clean(const char *name, const keel_buf *out) {
    for (size_t at = 0, used = 0; at < out->len; at += used) {
        int32_t cp = text_next(out->data + at, out->len - at, &used);
        bool mark = cp == 0xfe0f;
        if (cp != '\n' && !mark && (cp < 0 || text_is_hidden(cp))) {
            fail_msg("%s: U+%04x in the card", name, (unsigned)cp);
        }
    }
}
