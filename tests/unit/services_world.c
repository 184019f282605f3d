#include "services_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void send_file(child *c, const char *name, const char *path) {
    keel_buf b = KEEL_BUF_INIT;
    char block[4096];
    size_t n;
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    frame_put(&b, name, strlen(name));
    while ((n = fread(block, 1, sizeof block, f)) > 0) {
        keel_buf_append(&b, block, n);
    }
    fclose(f);
    child_send_bytes(c, X_FILE, 0, b.data, b.len);
    keel_buf_free(&b);
}

static const char *flag(unsigned needs, unsigned bit) {
    return needs & bit ? "true" : "false";
}

static void configure(child *c, const char *script, const char *config, unsigned needs) {
    char text[3000];
    keel_buf body = KEEL_BUF_INIT;
    keel_json_error e;
    snprintf(text, sizeof text,
             "{\"abi\":[0,1],\"config\":%s,\"entry\":\"%s\",\"grants\":[],\"http\":%s,"
             "\"id\":\"com.example.abi\",\"kind\":\"connector\",\"libraries\":[],"
             "\"memory\":67108864,\"name\":\"a\",\"native\":%s,\"stream\":%s,"
             "\"version\":\"1.0.0\"}",
             config ? config : "{}", script ? script : "abi.so", flag(needs, NEEDS_HTTP),
             script ? "false" : "true", flag(needs, NEEDS_STREAM));
    assert_int_equal(keel_json_canonical(&body, text, strlen(text), &e), 0);
    keel_buf_putc(&body, '\0');
    child_send(c, X_CONFIG, 0, body.data);
    keel_buf_free(&body);
    if (script) {
        char path[500];
        snprintf(path, sizeof path, SERVICES "/%s", script);
        send_file(c, "keel.lua", KEEL_LUA);
        send_file(c, script, path);
    }
    child_send(c, X_LOAD, 0, "");
}

services_world *world_of(const char *script, const char *config, unsigned needs, bool with_sim) {
    services_world *w = calloc(1, sizeof *w);
    child_spec spec = {.plugin = script ? NULL : "services"};
    if (with_sim) {
        w->sim = sim_start(&spec.egress);
    }
    w->c = child_start_silent(&spec);
    w->ref = 100;
    configure(w->c, script, config, needs);
    child_expect(w->c, X_READY);
    return w;
}

void world_end(services_world *w) {
    child_end(w->c);
    if (w->sim) {
        sim_end(w->sim);
    }
    free(w);
}

void world_verb(services_world *w, const char *verb, const char *resource, const char *body,
                uint64_t deadline_us, const char *kv) {
    keel_buf text = KEEL_BUF_INIT, out = KEEL_BUF_INIT;
    keel_json_error e;
    keel_buf_printf(&text,
                    "{\"attempt\":1,\"body\":%s,\"deadline_us\":%llu,\"flags\":[],"
                    "\"key\":\"k-1\",\"mode\":\"effect\",\"outcome\":{\"id\":7},"
                    "\"resource\":\"%s\",\"verb\":\"%s\"",
                    body ? body : "null", (unsigned long long)deadline_us, resource, verb);
    if (kv) {
        keel_buf_printf(&text, ",\"kv\":%s", kv);
    }
    keel_buf_putc(&text, '}');
    if (keel_json_canonical(&out, text.data, text.len, &e) < 0) {
        fail_msg("%s in %s", e.message, text.data);
    }
    keel_buf_putc(&out, '\0');
    child_send(w->c, X_VERB, ++w->ref, out.data);
    keel_buf_free(&text);
    keel_buf_free(&out);
}

int world_ask(services_world *w, const char *verb, const char *resource, const char *body,
              uint64_t deadline_us, const char *kv, keel_json *answer) {
    int type;
    w->c->inbox_first = 0; /* all was read: begin anew, so that many verbs fit */
    for (size_t i = 0; i < sizeof w->c->inbox / sizeof *w->c->inbox; i++) {
        keel_buf_clear(&w->c->inbox[i].body);
    }
    world_verb(w, verb, resource, body, deadline_us, kv);
    do {
        type = child_next(w->c, 20000, answer);
    } while (type == X_NOTE);
    return type;
}

char *world_say(services_world *w, const char *verb, const char *resource, const char *body,
                uint64_t deadline_us, const char *kv) {
    keel_json answer = {NULL, 0};
    keel_buf b = KEEL_BUF_INIT;
    int type = world_ask(w, verb, resource, body, deadline_us, kv, &answer);
    if (type == X_REPLY) {
        keel_json result = keel_json_get(answer, "result"), puts = keel_json_get(answer, "kv");
        keel_buf_puts(&b, "ok ");
        keel_buf_append(&b, result.data, result.len);
        if (puts.data) {
            keel_buf_puts(&b, " kv ");
            keel_buf_append(&b, puts.data, puts.len);
        }
    } else if (type == X_FAIL) {
        keel_json_string(keel_json_get(answer, "code"), &b);
        keel_buf_puts(&b, ": ");
        keel_json_string(keel_json_get(answer, "message"), &b);
    } else {
        keel_buf_printf(&b, "frame %d, status 0x%x", type, w->c->status);
    }
    return b.data;
}

/* The first of the parts that is not in the text; false: all are. */
static bool missing(const char *parts, const char *text, char *part, size_t size) {
    while (*parts) {
        size_t len = strcspn(parts, "|");
        snprintf(part, size, "%.*s", (int)len, parts);
        if (!strstr(text, part)) {
            return true;
        }
        parts += len + (parts[len] == '|');
    }
    return false;
}

/* The simulator may be a little behind the executor. */
static bool logged(egress_sim *sim, const char *parts, char *part, size_t size, char why[6000]) {
    keel_buf seen = KEEL_BUF_INIT;
    bool all = false;
    for (int i = 0; i < 500 && !all; i++) {
        char *log = sim_log(sim);
        keel_buf_puts(&seen, log);
        free(log);
        all = !missing(parts, seen.data, part, size);
        if (!all) {
            nanosleep(&(struct timespec){0, 10000000}, NULL);
        }
    }
    snprintf(why, 6000, "the simulator did not see \"%s\", but: %.3000s", part, seen.data);
    keel_buf_free(&seen);
    return all;
}

static bool holds(services_world *w, const services_row *row, uint64_t deadline_us,
                  char why[6000]) {
    char part[1000];
    char *said = world_say(w, row->verb ? row->verb : "write", row->resource, row->body,
                           deadline_us, row->kv);
    bool good = !missing(row->expected, said, part, sizeof part);
    snprintf(why, 6000, "%.900s: \"%.900s\" is not in: %.2000s", row->body, part, said);
    free(said);
    return good && (!row->log || logged(w->sim, row->log, part, sizeof part, why));
}

/* What a row with a deadline shows comes of a machine that keeps up with it: where one stood still, the
 * row is asked again, as the same verb, with more time. */
void world_row(services_world *w, const services_row *row) {
    char why[6000];
    uint64_t deadline_us = row->deadline_us;
    bool good = holds(w, row, deadline_us, why);
    for (int again = 0; !good && deadline_us && again < 4; again++) {
        w->ref--;
        deadline_us *= 3;
        good = holds(w, row, deadline_us, why);
    }
    if (!good) {
        fail_msg("%s", why);
    }
}

void world_rows(const char *script, const char *config, unsigned needs, const services_row *table,
                size_t count) {
    services_world *w = world_of(script, config, needs, true);
    for (size_t i = 0; i < count; i++) {
        world_row(w, &table[i]);
    }
    world_end(w);
}

uint64_t world_now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}
