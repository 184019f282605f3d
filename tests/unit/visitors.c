#include "visitors.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct visitor {
    visitors *all;
    int fd;
} visitor;

static bool enter(visitors *v, int fd) {
    pthread_mutex_lock(&v->lock);
    bool room = v->count < VISITORS;
    if (room) {
        v->fds[v->count++] = fd;
    }
    pthread_mutex_unlock(&v->lock);
    return room;
}

static void leave(visitors *v, int fd) {
    pthread_mutex_lock(&v->lock);
    int i = 0;
    while (v->fds[i] != fd) {
        i++;
    }
    v->fds[i] = v->fds[--v->count];
    close(fd);
    pthread_mutex_unlock(&v->lock);
}

static void *visit(void *ctx) {
    visitor one = *(visitor *)ctx;
    free(ctx);
    one.all->visit(one.all->ctx, one.fd);
    leave(one.all, one.fd);
    return NULL;
}

static void *receive(void *ctx) {
    visitors *v = ctx;
    int fd;
    while ((fd = accept(v->listener, NULL, NULL)) >= 0) {
        pthread_t thread;
        visitor *one = calloc(1, sizeof *one);
        if (!one || !enter(v, fd)) {
            abort();
        }
        *one = (visitor){v, fd};
        if (pthread_create(&thread, NULL, visit, one) != 0) {
            abort();
        }
        pthread_detach(thread);
    }
    return NULL;
}

void visitors_start(visitors *v, void (*on_visit)(void *ctx, int fd), void *ctx) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    memset(v, 0, sizeof *v);
    v->visit = on_visit;
    v->ctx = ctx;
    pthread_mutex_init(&v->lock, NULL);
    v->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(v->listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(v->listener, 64), 0);
    assert_int_equal(getsockname(v->listener, (struct sockaddr *)&a, &len), 0);
    v->port = ntohs(a.sin_port);
    assert_int_equal(pthread_create(&v->thread, NULL, receive, v), 0);
}

static int hang_up(visitors *v) {
    pthread_mutex_lock(&v->lock);
    int left = v->count;
    for (int i = 0; i < left; i++) {
        shutdown(v->fds[i], SHUT_RDWR);
    }
    pthread_mutex_unlock(&v->lock);
    return left;
}

void visitors_stop(visitors *v) {
    shutdown(v->listener, SHUT_RDWR);
    pthread_join(v->thread, NULL);
    close(v->listener);
    while (hang_up(v) > 0) {
        usleep(1000);
    }
}
