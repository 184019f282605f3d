/* The kernel's socket: a client that does not read is dropped, but never while the kernel is going
 * over those who listen to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "digest.h"
#include "protocol.h"
#include "stream.h"

typedef struct world {
    uv_loop_t loop;
    server *server;
    char folder[64], path[80];
    int fd; /* a client */
    uint64_t id;
    int gone;
    bool sending;
} world;

static void on_frame(void *ctx, uint64_t client, const frame *f) {
    world *w = ctx;
    assert_int_equal(f->type, C_COMMAND);
    w->id = client;
}

static void on_gone(void *ctx, uint64_t client) {
    world *w = ctx;
    assert_false(w->sending);
    assert_int_equal(client, w->id);
    w->gone++;
}

static void say(world *w, const char *text) {
    frame_channel *ch = frame_channel_create();
    const char *data;
    size_t len;
    frame_channel_send(ch, C_COMMAND, 0, 0, 1, text, strlen(text));
    while ((len = frame_channel_output(ch, &data)) > 0) {
        ssize_t n = send(w->fd, data, len, MSG_NOSIGNAL);
        assert_true(n > 0);
        frame_channel_sent(ch, (size_t)n);
    }
    frame_channel_destroy(ch);
}

static world *begin(void) {
    static const server_events none;
    world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    server_events ev = none;
    ev.ctx = w;
    ev.frame = on_frame;
    ev.gone = on_gone;
    strcpy(w->folder, "/tmp/keel-stream-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->path, sizeof w->path, "%s/s", w->folder);
    uv_loop_init(&w->loop);
    assert_int_equal(server_open(&w->server, &w->loop, w->path, &ev, NULL), 0);
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    strcpy(a.sun_path, w->path);
    w->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(w->fd, (struct sockaddr *)&a, sizeof a), 0);
    say(w, "{}");
    for (int i = 0; i < 1000 && !w->id; i++) {
        uv_run(&w->loop, UV_RUN_ONCE);
    }
    assert_int_not_equal(w->id, 0);
    return w;
}

static void end(world *w) {
    server_close(w->server);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0);
    assert_int_equal(access(w->path, F_OK), -1);
    close(w->fd);
    rmdir(w->folder);
    free(w);
}

static void send_all(world *w, size_t bytes) {
    static char text[65536];
    w->sending = true;
    for (size_t sent = 0; sent < bytes; sent += sizeof text) {
        server_send(w->server, w->id, C_EVENT, 1, text, sizeof text);
    }
    w->sending = false;
}

static void a_client_that_does_not_read(void **state) {
    (void)state;
    world *w = begin();
    send_all(w, 16u << 20);
    assert_int_equal(w->gone, 0);
    server_flush(w->server);
    assert_int_equal(w->gone, 1);
    send_all(w, 1 << 20); /* to nobody */
    server_flush(w->server);
    assert_int_equal(w->gone, 1);
    end(w);
}

static void a_client_that_goes(void **state) {
    (void)state;
    world *w = begin();
    shutdown(w->fd, SHUT_RDWR);
    for (int i = 0; i < 1000 && !w->gone; i++) {
        uv_run(&w->loop, UV_RUN_ONCE);
    }
    assert_int_equal(w->gone, 1);
    end(w);
}

static void an_answer_arrives(void **state) {
    char in[64];
    (void)state;
    world *w = begin();
    server_send(w->server, w->id, C_ANSWER, 1, "{}", 2);
    server_flush(w->server);
    assert_true(recv(w->fd, in, sizeof in, 0) > 2);
    end(w);
    /* What is told at the close is written first. */
    w = begin();
    server_send(w->server, w->id, C_ANSWER, 1, "{}", 2);
    int fd = dup(w->fd);
    end(w);
    assert_true(recv(fd, in, sizeof in, 0) > 2);
    assert_int_equal(recv(fd, in, sizeof in, 0), 0);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_that_does_not_read),
        cmocka_unit_test(a_client_that_goes),
        cmocka_unit_test(an_answer_arrives),
    };
    digest_init();
    return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
