#include "net.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "egress_process.h"
#include "egress_protocol.h"
#include "keel/buf.h"

#define ORDER_BYTES (64 << 20) /* of all answers of one verb */

struct net {
    uv_loop_t *loop;
    host_process *process; /* NULL: it has ended */
    int doors;
    uint64_t connections;
};

static void say(net *n, uint16_t type, uint64_t run, uint64_t ref, const keel_buf *body) {
    if (n->process) {
        host_send(n->process, type, run, ref, body ? body->data : NULL, body ? body->len : 0);
        host_flush(n->process);
    }
}

static void on_frame(void *ctx, host_process *p, const frame *f) {
    (void)ctx;
    (void)p;
    char text[512];
    keel_json note = keel_json_view(f->body, f->len);
    if (f->type == G_NOTE && keel_json_is(keel_json_get(note, "level"), "error") &&
        keel_json_copy(keel_json_get(note, "text"), text, sizeof text) > 0) {
        fprintf(stderr, "keel-egress: %s\n", text);
    }
}

static void on_exited(void *ctx, host_process *p, int64_t status, int signal, const char *why) {
    net *n = ctx;
    (void)p;
    (void)status;
    if (signal != SIGKILL) {
        fprintf(stderr, "keel-egress %s\n", why);
    }
    n->process = NULL;
}

static void on_gathered(void *ctx, host_process *p) {
    (void)ctx;
    (void)p;
}

static void say_start(net *n, const net_secrets *secrets) {
    keel_buf body = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &body);
    keel_json_object(&w);
    if (secrets->credentials) {
        keel_json_set_text(&w, "credentials", secrets->credentials);
    }
    keel_json_set_raw(&w, "secrets",
                      secrets->declared.len ? secrets->declared : keel_json_view("{}", 2));
    keel_json_set_text(&w, "secrets_folder", secrets->folder);
    keel_json_object_end(&w);
    say(n, G_START, 0, 0, &body);
    keel_buf_free(&body);
}

int net_start(net **out, uv_loop_t *loop, const char *program, const net_secrets *secrets,
              diag *d) {
    net *n = keel_alloc(sizeof *n);
    const host_events ev = {n, on_frame, on_exited, on_gathered};
    const egress_spec spec = {.program = program, .lock_fd = -1};
    *n = (net){.loop = loop, .doors = -1};
    int rc = egress_spawn(&n->process, &n->doors, loop, &spec, &ev, d);
    if (rc) {
        free(n);
    } else {
        say_start(n, secrets);
        *out = n;
    }
    return rc;
}

void net_stop(net *n) {
    if (!n) {
        return;
    }
    if (n->process) {
        host_kill(n->process);
    }
    while (n->process) {
        uv_run(n->loop, UV_RUN_ONCE);
    }
    close(n->doors);
    free(n);
}

/* ---- orders ---- */

uint64_t net_connection(net *n, const keel_buf *body) {
    say(n, G_CONNECTION, ++n->connections, 0, body);
    return n->connections;
}

int net_door(net *n, uint64_t executor, uint64_t connection, diag *d) {
    return egress_door_open(n->doors, executor, connection, d);
}

void net_order(net *n, uint64_t ref, uint64_t executor, uint64_t connection, bool unsafe,
               int64_t us) {
    keel_buf body = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &body);
    keel_json_object(&w);
    keel_json_set_int(&w, "bytes", ORDER_BYTES);
    keel_json_set_int(&w, "connection", (int64_t)connection);
    keel_json_set_bool(&w, "unsafe", unsafe);
    keel_json_set_int(&w, "us", us);
    keel_json_object_end(&w);
    say(n, G_ORDER, executor, ref, &body);
    keel_buf_free(&body);
}

void net_end(net *n, uint64_t ref) {
    say(n, G_END, 0, ref, NULL);
}
