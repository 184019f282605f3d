/* What the kernel says of a connection: where it may go, and how it logs in. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "egress.h"
#include "egress_stream.h"

static char *copy_text(keel_json v) {
    keel_buf b = KEEL_BUF_INIT;
    if (!keel_json_string(v, &b)) {
        keel_buf_free(&b);
        return NULL;
    }
    keel_buf_reserve(&b, 1);
    b.data[b.len] = 0;
    return b.data;
}

static void free_connection(connection *c) {
    for (size_t i = 0; i < c->allow_count; i++) {
        free(c->allow[i]);
    }
    for (size_t i = 0; i < c->origin_count; i++) {
        free(c->origins[i].text);
    }
    free(c->allow);
    free(c->origins);
    free(c->name);
    keel_buf_free(&c->words);
    free(c->ca);
    recipe_destroy(c->recipe);
    scrub_destroy(c->scrub);
    login_forget(c);
    keel_buf_free(&c->user);
    secret_free(&c->access);
    free(c);
}

static void on_multi_closed(void *owner) {
    free_connection(owner);
}

connection *connection_hold(connection *c) {
    c->refs++;
    return c;
}

void connection_drop(connection *c) {
    if (c && --c->refs == 0) {
        multi_close(&c->m);
    }
}

static void set_problem(connection *c, const diag *d) {
    if (!c->problem[0]) {
        snprintf(c->problem, sizeof c->problem, "Connection %s cannot be used: %.200s %.200s",
                 c->name, d->what, d->next);
    }
}

static void read_origins(connection *c, keel_json list) {
    c->origins = keel_alloc((keel_json_count(list) + 1) * sizeof *c->origins);
    for (keel_json_iter it = keel_json_each(list); keel_json_next(&it);) {
        own_origin *own = &c->origins[c->origin_count];
        diag d = {0};
        own->text = copy_text(it.value);
        if (!own->text) {
            continue;
        }
        if (origin_parse(&own->o, own->text, strlen(own->text), &d) < 0) {
            set_problem(c, &d);
            free(own->text);
            continue;
        }
        c->origin_count++;
    }
}

static void read_allow(connection *c, keel_json list) {
    c->limited = keel_json_typeof(list) == KEEL_JSON_ARRAY;
    c->allow = keel_alloc((keel_json_count(list) + 1) * sizeof *c->allow);
    for (keel_json_iter it = keel_json_each(list); keel_json_next(&it);) {
        char *pattern = copy_text(it.value);
        if (pattern) {
            c->allow[c->allow_count++] = pattern;
        }
    }
}

static connection *read_connection(egress *e, uint64_t number, keel_json v) {
    diag d = {0};
    connection *c = keel_alloc(sizeof *c);
    memset(c, 0, sizeof *c);
    c->e = e;
    c->number = number;
    c->name = copy_text(keel_json_get(v, "name"));
    c->name = c->name ? c->name : keel_strdup("?");
    c->ca = copy_text(keel_json_get(v, "ca"));
    c->any = keel_json_true(keel_json_get(v, "any"));
    c->plain = keel_json_true(keel_json_get(v, "plain"));
    c->private_ok = keel_json_true(keel_json_get(v, "private"));
    c->scrub = scrub_create();
    read_origins(c, keel_json_get(v, "origins"));
    read_allow(c, keel_json_get(v, "allow"));
    if (recipe_parse(&c->recipe, keel_json_get(v, "auth"), &d) < 0) {
        c->recipe = NULL;
        set_problem(c, &d);
    }
    return c;
}

static void end_idle_streams(egress *e, const connection *c) {
    uint64_t key;
    door *d;
    for (size_t i = 0; (d = map_next(&e->doors, &i, &key));) {
        stream_replaced(d, c);
    }
}

static void forget(egress *e, connection *old) {
    map_take(&e->connections, old->number);
    old->replaced = true;
    token_stop(old);
    end_idle_streams(e, old);
    connection_drop(old);
}

void connection_forget_logins(egress *e) {
    uint64_t key;
    connection *c;
    for (size_t i = 0; (c = map_next(&e->connections, &i, &key));) {
        login_forget(c);
        token_forget(c);
    }
}

/* The same words again are how the kernel says that a secret has changed. */
static bool is_again(connection *old, const char *body, size_t len) {
    if (!old || len == 0 || old->words.len != len || memcmp(old->words.data, body, len) != 0) {
        return false;
    }
    login_forget(old);
    token_forget(old);
    return true;
}

void connection_set(egress *e, uint64_t number, const char *body, size_t len) {
    keel_json_error err;
    connection *old = number ? map_get(&e->connections, number) : NULL;
    if (is_again(old, body, len)) {
        return;
    }
    if (old) {
        forget(e, old);
    }
    if (len == 0) {
        return;
    }
    if (number == 0 || keel_json_check(body, len, &err) < 0) {
        egress_note(e, "error", "The kernel's words about a connection cannot be read.");
        return;
    }
    connection *c = read_connection(e, number, keel_json_view(body, len));
    keel_buf_append(&c->words, body, len);
    if (multi_open(&c->m, e, c, on_multi_closed) < 0) {
        egress_note(e, "error", "libcurl does not start for a connection.");
        free_connection(c);
        return;
    }
    if (c->problem[0]) {
        egress_note(e, "warn", c->problem);
    }
    map_put(&e->connections, number, connection_hold(c));
}
