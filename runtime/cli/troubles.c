#include "troubles.h"

#include <string.h>

#include "rests.h"
#include "text.h"

static keel_json view(const keel_buf *status, const char *key) {
    return keel_json_get(keel_json_view(status->data, status->len), key);
}

static bool troubled(keel_json one) {
    return keel_json_typeof(keel_json_get(one, "trouble")) == KEEL_JSON_STRING;
}

void troubles_ask(cli *c, keel_buf *out) {
    diag ignored;
    if (!cli_running(c) || cli_call(c, "status", NULL, out, &ignored) != 0) {
        keel_buf_clear(out);
    }
}

const char *troubles_state(const keel_buf *status, const char *connection, char *out, size_t size) {
    for (keel_json_iter it = keel_json_each(view(status, "connections")); keel_json_next(&it);) {
        if (keel_json_is(keel_json_get(it.value, "name"), connection)) {
            return keel_json_copy(keel_json_get(it.value, "state"), out, size) > 0 ? out : NULL;
        }
    }
    return NULL;
}

const char *troubles_first(const keel_buf *status, char *out, size_t size) {
    for (keel_json_iter it = keel_json_each(view(status, "connections")); keel_json_next(&it);) {
        if (troubled(it.value)) {
            return keel_json_copy(keel_json_get(it.value, "name"), out, size) > 0 ? out : NULL;
        }
    }
    return NULL;
}

static void print_one(cli *c, const char *name, keel_json one) {
    keel_buf line = KEEL_BUF_INIT, text = KEEL_BUF_INIT;
    int64_t at = 0;
    keel_json_string(keel_json_get(one, "trouble"), &text);
    keel_json_int(keel_json_get(one, "trouble_us"), &at);
    term_put(&c->out, &line, TINT_WAIT, "warning: ");
    text_line(&line, name, strlen(name));
    keel_buf_puts(&line, ": ");
    text_line(&line, text.data, text.len);
    keel_buf_puts(&line, " (");
    text_span(&line, cli_now_us() - at);
    keel_buf_puts(&line, " ago)\n");
    cli_out(&line);
    keel_buf_free(&line);
    keel_buf_free(&text);
}

void troubles_print(cli *c, const keel_buf *status) {
    char name[80];
    keel_json network = view(status, "network");
    if (troubled(network)) {
        print_one(c, "the network process", network);
    }
    for (keel_json_iter it = keel_json_each(view(status, "connections")); keel_json_next(&it);) {
        if (troubled(it.value) &&
            keel_json_copy(keel_json_get(it.value, "name"), name, sizeof name) > 0) {
            print_one(c, name, it.value);
        }
    }
    rests_print(c, NULL);
}
