/* What the simulator of egress answers to requests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "egress_sim_int.h"

void sim_send_done(egress_sim *s, uint64_t run, int status, const char *url, const void *body,
                   size_t len) {
    char field[2000];
    keel_buf head = KEEL_BUF_INIT;
    int n = snprintf(field, sizeof field,
                     "{\"headers\":[[\"content-type\",\"text/plain\"],[\"set-cookie\",\"a=1, x\"],"
                     "[\"x-two\",\"1\"],[\"x-two\",\"2\"],[\"set-cookie\",\"b=2\"]],\"status\":%d,"
                     "\"url\":\"%.1500s\"}",
                     status, url);
    frame_put(&head, field, (size_t)n);
    frame_channel_send2(s->channel, E_DONE, 0, run, 0, head.data, head.len, body, len);
    keel_buf_free(&head);
}

static void send_pattern(egress_sim *s, uint64_t run, const char *url, size_t len) {
    char *body = malloc(len + 1);
    sim_pattern(body, 0, len);
    sim_send_done(s, run, 200, url, body, len);
    free(body);
}

/* ---- what breaks the protocol ---- */

static void send_wrong(egress_sim *s, uint64_t run, const char *name) {
    static const struct {
        const char *name;
        uint16_t type;
        const char *body;
    } wrongs[] = {
        {"type", 99, ""},
        {"kind", E_OPENED, ""},
        {"empty", E_DONE, ""},
        {"no-json", E_DONE, "\x03\0{]}"},
        {"failed-empty", E_FAILED, "{}"},
        {"failed-ok", E_FAILED, "{\"code\":\"ok\",\"message\":\"\"}"},
        {"failed-json", E_FAILED, "{\"code\":"},
    };
    static const struct {
        const char *name, *field;
    } fields[] = {
        {"status", "{\"headers\":[],\"status\":7,\"url\":\"u\"}"},
        {"no-status", "{\"headers\":[],\"url\":\"u\"}"},
        {"no-url", "{\"headers\":[],\"status\":200}"},
        {"header", "{\"headers\":[[\"a\"]],\"status\":200,\"url\":\"u\"}"},
        {"header-type", "{\"headers\":[[\"a\",1]],\"status\":200,\"url\":\"u\"}"},
        {"headers", "{\"headers\":{},\"status\":200,\"url\":\"u\"}"},
    };
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        if (strcmp(name, wrongs[i].name) == 0) {
            sim_send_text(s, wrongs[i].type, run, wrongs[i].body);
        }
    }
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (strcmp(name, fields[i].name) == 0) {
            keel_buf head = KEEL_BUF_INIT;
            frame_put(&head, fields[i].field, strlen(fields[i].field));
            frame_channel_send(s->channel, E_DONE, 0, run, 0, head.data, head.len);
            keel_buf_free(&head);
        }
    }
    if (strcmp(name, "future") == 0) {
        sim_send_done(s, run + 100, 200, "u", "", 0);
    } else if (strcmp(name, "data") == 0) {
        sim_send_text(s, E_DATA, run + 100, "x");
    } else if (strcmp(name, "junk") == 0) {
        (void)!send(s->fd,
                    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                    28, MSG_NOSIGNAL);
    }
}

/* ---- HTTP ---- */

static void echo_request(egress_sim *s, uint64_t run, keel_json v, const char *url,
                         const char *data, size_t len) {
    keel_buf b = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &b);
    keel_json_object(&w);
    keel_json_key(&w, "body");
    keel_json_textn(&w, data, len);
    static const char *const members[] = {"follow", "headers",    "limit",
                                          "method", "timeout_us", "url"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        keel_json_set_raw(&w, members[i], keel_json_get(v, members[i]));
    }
    keel_json_object_end(&w);
    sim_send_done(s, run, 200, url, b.data, b.len);
    keel_buf_free(&b);
}

static size_t decode(char *to, const char *from) {
    size_t n = 0;
    for (; *from; from++) {
        unsigned byte = (unsigned char)*from;
        if (*from == '%' && sscanf(from + 1, "%2x", &byte) == 1) {
            from += 2;
        }
        to[n++] = (char)byte;
    }
    return n;
}

static void answer_plain(egress_sim *s, uint64_t run, const char *url, const char *path) {
    char text[600];
    int status;
    size_t n;
    if (sscanf(path, "/status/%d", &status) == 1) {
        snprintf(text, sizeof text, "{\"message\":\"said %d\"}", status);
        sim_send_done(s, run, status, url, text, strlen(text));
    } else if (strncmp(path, "/body/", 6) == 0) {
        n = decode(text, path + 6);
        sim_send_done(s, run, 200, url, text, n);
    } else if (strncmp(path, "/refused/", 9) == 0) {
        n = decode(text, path + 9);
        sim_send_done(s, run, 422, url, text, n);
    } else if (sscanf(path, "/large/%zu", &n) == 1) {
        send_pattern(s, run, url, n);
    } else if (sscanf(path, "/slowly/%zu", &n) == 1) {
        s->slowly = true;
        send_pattern(s, run, url, n);
    }
}

/* Bodies of pieces that could be right, so that some get far. */
static void send_random(egress_sim *s, uint64_t run, unsigned seed) {
    static const char *const pieces[] = {"{",
                                         "}",
                                         "[",
                                         "]",
                                         ",",
                                         ":",
                                         "\"",
                                         "\"code\":",
                                         "\"message\":",
                                         "\"unknown\"",
                                         "200",
                                         "\"a\"",
                                         "\xff",
                                         " ",
                                         "{\"code\":\"ok\",\"message\":\"m\"}",
                                         "{\"headers\":[],\"status\":200,\"url\":\"u\"}"};
    for (int i = 0; i < 20; i++) {
        keel_buf b = KEEL_BUF_INIT;
        for (int n = rand_r(&seed) % 6; n > 0; n--) {
            const char *piece = pieces[(size_t)rand_r(&seed) % (sizeof pieces / sizeof *pieces)];
            if (rand_r(&seed) % 3 == 0) {
                frame_put(&b, piece, strlen(piece));
            } else {
                keel_buf_puts(&b, piece);
            }
        }
        uint64_t to = run + (uint64_t)(rand_r(&seed) % 4) - 2;
        uint16_t type = (uint16_t)(E_DONE + rand_r(&seed) % 4);
        type = rand_r(&seed) % 4 == 0 ? E_DATA : type;
        frame_channel_send(s->channel, type, 0, rand_r(&seed) % 5 ? to : 0, 0, b.data, b.len);
        keel_buf_free(&b);
    }
    sim_send_done(s, run, 200, "u", "", 0);
}

static void answer_fault(egress_sim *s, uint64_t run, const char *url, const char *path) {
    if (strncmp(path, "/failed/", 8) == 0) {
        sim_send_failed(s, E_FAILED, run, path + 8);
    } else if (strncmp(path, "/late/", 6) == 0) {
        s->waiting = run;
        snprintf(s->waiting_code, sizeof s->waiting_code, "%.20s", path + 6);
    } else if (strcmp(path, "/deaf") == 0) {
        s->deaf = true;
        sim_send_done(s, run, 200, url, "", 0);
    } else if (strncmp(path, "/random/", 8) == 0) {
        send_random(s, run, (unsigned)atoi(path + 8));
    } else if (strcmp(path, "/close") == 0) {
        s->over = true;
    } else if (strcmp(path, "/cut") == 0) {
        s->cut = 30000;
        send_pattern(s, run, url, 50000);
    } else if (strcmp(path, "/stale") == 0) {
        sim_send_done(s, s->older, 200, url, "stale", 5);
        sim_send_done(s, run, 200, url, "right", 5);
    } else if (strncmp(path, "/wrong/", 7) == 0) {
        send_wrong(s, run, path + 7);
    }
}

void sim_on_http(egress_sim *s, const frame *f) {
    frame_reader r = frame_read(f);
    const char *field;
    size_t len;
    char url[2000] = "", method[40] = "";
    if (frame_get(&r, &field, &len) < 0) {
        sim_note(s, "http without a field");
        return;
    }
    keel_json v = keel_json_view(field, len);
    keel_json_error e;
    if (keel_json_check(field, len, &e) < 0) {
        sim_note(s, "http with a field that is not canonical: %s", e.message);
        return;
    }
    keel_json_copy(keel_json_get(v, "url"), url, sizeof url);
    keel_json_copy(keel_json_get(v, "method"), method, sizeof method);
    sim_note(s, "http %llu %s %s", (unsigned long long)f->ref, method, url);
    char path[sizeof url];
    snprintf(path, sizeof path, "%s",
             strncmp(url, SIM, strlen(SIM)) == 0 ? url + strlen(SIM) : url);
    path[strcspn(path, "?")] = '\0';
    size_t body = (size_t)(r.end - r.p);
    if (strncmp(path, "/echo", 5) == 0 || strncmp(path, "/v1/echo", 8) == 0 ||
        strncmp(path, "/v1/notes", 9) == 0) {
        echo_request(s, f->run, v, url, r.p, body);
    } else if (strcmp(path, "/length") == 0) {
        char text[60];
        snprintf(text, sizeof text, "%zu %u", body, sim_sum(0, r.p, body));
        sim_send_done(s, f->run, 200, url, text, strlen(text));
    } else {
        answer_plain(s, f->run, url, path);
        answer_fault(s, f->run, url, path);
    }
    s->older = f->run;
}
