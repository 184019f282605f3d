#include "loopback.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

static const char page[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                           "Content-Length: 100\r\n\r\n"
                           "{\"text\":\"0123456789012345678901234567890123456789"
                           "01234567890123456789012345678901234567890123456789\"}";

/* Requests without a body, each answered when its empty line has come. */
static void *serve_one(void *arg) {
    int fd = (int)(intptr_t)arg;
    char buf[4096];
    size_t have = 0;
    ssize_t n;
    while ((n = recv(fd, buf + have, sizeof buf - 1 - have, 0)) > 0) {
        have += (size_t)n;
        buf[have] = 0;
        if (strstr(buf, "\r\n\r\n")) {
            if (send(fd, page, sizeof page - 1, MSG_NOSIGNAL) < 0) {
                break;
            }
            have = 0;
        }
    }
    close(fd);
    return NULL;
}

static void *accept_all(void *arg) {
    int listener = (int)(intptr_t)arg;
    for (;;) {
        pthread_t thread;
        int one = 1, fd = accept(listener, NULL, NULL);
        if (fd < 0) {
            return NULL;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (pthread_create(&thread, NULL, serve_one, (void *)(intptr_t)fd) != 0) {
            bench_die("no thread for the loopback server");
        }
        pthread_detach(thread);
    }
}

int loopback_serve(void) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof a;
    pthread_t thread;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 16) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) != 0 ||
        pthread_create(&thread, NULL, accept_all, (void *)(intptr_t)fd) != 0) {
        bench_die("no server on loopback");
    }
    pthread_detach(thread);
    return ntohs(a.sin_port);
}

static size_t swallow(char *data, size_t size, size_t count, void *ctx) {
    (void)data;
    (void)ctx;
    return size * count;
}

double loopback_curl_us(int port, int count) {
    char url[64];
    double *took = calloc((size_t)count, sizeof *took);
    CURL *c = curl_easy_init();
    if (!c || !took) {
        bench_die("no libcurl");
    }
    snprintf(url, sizeof url, "http://127.0.0.1:%d/page", port);
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, swallow);
    for (int i = 0; i < count; i++) {
        double from = bench_now();
        if (curl_easy_perform(c) != CURLE_OK) {
            bench_die("the loopback server does not answer");
        }
        took[i] = (bench_now() - from) * 1e6;
    }
    curl_easy_cleanup(c);
    double median = bench_median(took, (size_t)count);
    free(took);
    return median;
}
