#include "net.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "egress_process.h"
#include "egress_protocol.h"
#include "fsio.h"
#include "keel/buf.h"
#include "reach.h"

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

static int write_secrets(const char *folder, keel_json secrets, diag *d) {
    int rc = fsio_mkdirs(folder, 0700, d);
    for (keel_json_iter it = keel_json_each(secrets); !rc && keel_json_next(&it);) {
        char name[128];
        keel_buf path = KEEL_BUF_INIT, value = KEEL_BUF_INIT;
        keel_json_copy(it.key, name, sizeof name);
        keel_buf_printf(&path, "%s/%s", folder, name);
        keel_json_string(it.value, &value);
        rc = fsio_write_atomic(path.data, value.data, value.len, 0600, d);
        keel_buf_free(&path);
        keel_buf_free(&value);
    }
    return rc;
}

static void say_start(net *n, const char *folder) {
    keel_buf body = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &body);
    keel_json_object(&w);
    keel_json_key(&w, "secrets");
    keel_json_object(&w);
    keel_json_object_end(&w);
    keel_json_set_text(&w, "secrets_folder", folder);
    keel_json_object_end(&w);
    say(n, G_START, 0, 0, &body);
    keel_buf_free(&body);
}

int net_start(net **out, uv_loop_t *loop, const char *program, const char *temp, keel_json secrets,
              diag *d) {
    net *n = keel_alloc(sizeof *n);
    keel_buf folder = KEEL_BUF_INIT;
    const host_events ev = {n, on_frame, on_exited, on_gathered};
    const egress_spec spec = {.program = program, .lock_fd = -1};
    *n = (net){.loop = loop, .doors = -1};
    keel_buf_printf(&folder, "%s/secrets", temp);
    int rc = write_secrets(folder.data, secrets, d);
    rc = rc ? rc : egress_spawn(&n->process, &n->doors, loop, &spec, &ev, d);
    if (rc) {
        free(n);
    } else {
        say_start(n, folder.data);
        *out = n;
    }
    keel_buf_free(&folder);
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

uint64_t net_connection(net *n, const manifest *m, keel_json config, keel_json auth, const char *ca,
                        diag *d) {
    char name[] = "check";
    workspace_connection c = {.name = name, .ca = ca ? keel_strdup(ca) : NULL};
    keel_buf body = KEEL_BUF_INIT;
    c.plain = c.private = true;
    keel_buf_append(&c.config, config.data, config.len);
    keel_buf_append(&c.auth, auth.data, auth.len);
    int rc = reach_body(&body, m, &c, NULL, 0, false, d);
    if (rc == 0) {
        say(n, G_CONNECTION, ++n->connections, 0, &body);
    }
    keel_buf_free(&body);
    keel_buf_free(&c.config);
    keel_buf_free(&c.auth);
    free(c.ca);
    return rc ? 0 : n->connections;
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
