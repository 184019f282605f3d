#include "troubles.h"

#include <string.h>
#include <time.h>

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

keel_json troubles_notifier(const keel_buf *status, const char *name) {
    for (keel_json_iter it = keel_json_each(view(status, "notify")); keel_json_next(&it);) {
        if (keel_json_is(keel_json_get(it.value, "name"), name)) {
            return it.value;
        }
    }
    return (keel_json){NULL, 0};
}

const char *troubles_first(const keel_buf *status, char *out, size_t size) {
    for (keel_json_iter it = keel_json_each(view(status, "connections")); keel_json_next(&it);) {
        if (troubled(it.value)) {
            return keel_json_copy(keel_json_get(it.value, "name"), out, size) > 0 ? out : NULL;
        }
    }
    return NULL;
}

/* "4 more are gathered until Monday 00:00 by budget attention: keel inbox --now" */
void troubles_gathered(const keel_buf *status, keel_buf *out) {
    keel_json one = view(status, "gathered");
    char budget[64] = "", when[48] = "";
    int64_t count = 0, until = 0;
    if (!one.len || !keel_json_int(keel_json_get(one, "count"), &count)) {
        return;
    }
    keel_json_copy(keel_json_get(one, "budget"), budget, sizeof budget);
    keel_json_int(keel_json_get(one, "until_us"), &until);
    text_plural(out, count, "more is", "more are");
    keel_buf_puts(out, " gathered");
    if (until > 0) {
        time_t at = (time_t)(until / 1000000);
        struct tm tm = {0};
        localtime_r(&at, &tm);
        strftime(when, sizeof when, "%A %H:%M", &tm);
        keel_buf_printf(out, " until %s by budget ", when);
        text_line(out, budget, strlen(budget));
    }
    keel_buf_puts(out, ": keel inbox --now\n");
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
    for (keel_json_iter it = keel_json_each(view(status, "notify")); keel_json_next(&it);) {
        char words[96];
        if (troubled(it.value) &&
            keel_json_copy(keel_json_get(it.value, "name"), name, sizeof name) > 0) {
            snprintf(words, sizeof words, "%s was not told", name);
            print_one(c, words, it.value);
        }
    }
    rests_print(c, NULL);
    keel_buf gathered = KEEL_BUF_INIT;
    troubles_gathered(status, &gathered);
    cli_out(&gathered);
    keel_buf_free(&gathered);
    paced_print(c);
}
