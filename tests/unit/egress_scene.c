#include "egress_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

void scene_connection(scene *s, const char *origin, const char *more) {
    char text[1200];
    snprintf(text, sizeof text, "{\"name\":\"notes\",\"origins\":[\"%s\"]%s}", origin, more);
    egress_connection(s->w, 1, text);
}

void scene_begin(scene *s, const char *more) {
    memset(s, 0, sizeof *s);
    web_start(&s->web);
    s->w = egress_start();
    snprintf(s->base, sizeof s->base, "http://127.0.0.1:%u", s->web.port);
    scene_connection(s, s->base, more);
    s->x = egress_executor(s->w, 7, 1);
}

void scene_end(scene *s) {
    egress_side_free(s->x);
    egress_end(s->w);
    web_stop(&s->web);
}

uint64_t scene_ask(scene *s, uint64_t order, const char *method, const char *path, const char *more,
                   const char *body) {
    char url[1000];
    snprintf(url, sizeof url, "%s%s", s->base, path);
    egress_http(s->x, order, ++s->run, method, url, more, body);
    return s->run;
}

const char *scene_done(scene *s, int status, size_t *len) {
    const char *body;
    size_t n;
    frame f = egress_expect(s->x, E_DONE);
    assert_int_equal(scene_number(egress_answer(&f, &body, &n), "status"), status);
    if (len) {
        *len = n;
    }
    return body;
}

const char *scene_told(scene *s, uint64_t order) {
    static char body[200];
    frame f = egress_next(&s->w->kernel, 0);
    while (f.type == G_SENDING || f.type == G_NOTE) {
        f = egress_next(&s->w->kernel, 0);
    }
    if (!f.type) {
        return "";
    }
    assert_int_equal(f.type, G_ANSWERED);
    assert_int_equal(f.ref, order);
    snprintf(body, sizeof body, "%.*s", (int)f.len, f.body);
    return body;
}

int64_t scene_number(keel_json v, const char *key) {
    int64_t n = -1;
    keel_json_int(keel_json_get(v, key), &n);
    return n;
}

void scene_over(scene *s, uint64_t order, bool sent, bool answered) {
    keel_json e = egress_over(s->w, order);
    assert_int_equal(keel_json_true(keel_json_get(e, "sent")), sent);
    assert_int_equal(keel_json_true(keel_json_get(e, "answered")), answered);
}
