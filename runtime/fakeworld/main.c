/* keel-fakeworld: a simulator of an outside service, for tests of connectors. See sdk/fakeworld.md.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "world.h"

typedef struct words {
    const char *script, *log;
    int port;
    bool end_with_parent;
} words;

static int usage(void) {
    fputs(
        "usage: keel-fakeworld SCRIPT [--port N] [--log FILE] [--end-with-parent]\n"
        "  A simulator of an outside on 127.0.0.1: a service over HTTP, and mail over SMTP and "
        "IMAP,\n"
        "  which does and misdoes what SCRIPT says. Prints its port; port 0, the default, is any\n"
        "  that is free. With mail, `smtp PORT` and `imap PORT` follow on lines of their own.\n",
        stderr);
    return 2;
}

static bool read_words(words *o, int argc, char **argv) {
    *o = (words){0};
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (!strcmp(argv[i], "--port") && more) {
            char *end;
            long port = strtol(argv[++i], &end, 10);
            if (*end || port < 0 || port > 65535) {
                return false;
            }
            o->port = (int)port;
        } else if (!strcmp(argv[i], "--log") && more) {
            o->log = argv[++i];
        } else if (!strcmp(argv[i], "--end-with-parent")) {
            o->end_with_parent = true;
        } else if (argv[i][0] != '-' && !o->script) {
            o->script = argv[i];
        } else {
            return false;
        }
    }
    return o->script != NULL;
}

static void on_signal(uv_signal_t *h, int signum) {
    (void)signum;
    uv_stop(h->loop);
}

static int fault_of(const char *what, int rc) {
    fprintf(stderr, "keel-fakeworld: %s: %s\n", what, uv_strerror(rc));
    return 1;
}

/* Appends the line that tells the port. */
static int listen_on(world *w, face_kind kind, int64_t port, keel_buf *told) {
    static const face *const faces[FACES] = {&face_http, &face_smtp, &face_imap};
    listener *l = &w->listeners[kind];
    struct sockaddr_in at;
    struct sockaddr_storage got;
    int len = sizeof got;
    *l = (listener){.w = w, .face = faces[kind]};
    uv_tcp_init(&w->loop, &l->tcp);
    l->tcp.data = l;
    uv_ip4_addr("127.0.0.1", (int)port, &at);
    int rc = uv_tcp_bind(&l->tcp, (struct sockaddr *)&at, 0);
    rc = rc ? rc : uv_listen((uv_stream_t *)&l->tcp, 64, conn_listen);
    rc = rc ? rc : uv_tcp_getsockname(&l->tcp, (struct sockaddr *)&got, &len);
    if (rc) {
        return fault_of("cannot listen", rc);
    }
    memcpy(&at, &got, sizeof at);
    keel_buf_printf(told, kind == FACE_HTTP ? "%s%d\n" : "%s %d\n",
                    kind == FACE_HTTP ? "" : face_name(kind), ntohs(at.sin_port));
    return 0;
}

/* All ports are told at once: whoever has read the first line finds the others too. */
static int listen_all(world *w, int port) {
    const mail_script *m = &w->script->mail;
    keel_buf told = KEEL_BUF_INIT;
    int rc = listen_on(w, FACE_HTTP, port, &told);
    rc = rc || !m->smtp.on ? rc : listen_on(w, FACE_SMTP, m->smtp.port, &told);
    rc = rc || !m->imap.on ? rc : listen_on(w, FACE_IMAP, m->imap.port, &told);
    if (!rc) {
        fwrite(told.data, 1, told.len, stdout);
        fflush(stdout);
    }
    keel_buf_free(&told);
    return rc;
}

static int run(world *w, const words *o) {
    static const int numbers[] = {SIGTERM, SIGINT};
    int rc = uv_loop_init(&w->loop);
    if (rc) {
        return fault_of("no loop", rc);
    }
    for (size_t i = 0; i < 2; i++) {
        uv_signal_init(&w->loop, &w->signals[i]);
        uv_signal_start(&w->signals[i], on_signal, numbers[i]);
    }
    rc = listen_all(w, o->port);
    if (!rc) {
        uv_run(&w->loop, UV_RUN_DEFAULT);
    }
    return rc;
}

int main(int argc, char **argv) {
    words o;
    diag d = {0};
    world w = {.log_fd = -1};
    if (!read_words(&o, argc, argv)) {
        return usage();
    }
    pid_t parent = getppid();
    if (o.end_with_parent && (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)) {
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    if (digest_init() || script_load(&w.script, o.script, &d)) {
        diag_print(stderr, &d);
        return 2;
    }
    w.random = (uint64_t)w.script->seed * 0x9e3779b97f4a7c15u + 1;
    w.faults = w.script->faults;
    w.script->faults = (fault_list){0};
    w.shelf = shelf_create();
    w.post = post_create();
    if (o.log && (w.log_fd = open(o.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) < 0) {
        fprintf(stderr, "keel-fakeworld: %s cannot be written: %s\n", o.log, strerror(errno));
        return 1;
    }
    int rc = run(&w, &o);
    shelf_destroy(w.shelf);
    post_destroy(w.post);
    script_faults_free(&w.faults);
    script_destroy(w.script);
    return rc; /* connections and what was to come later go with the process */
}
