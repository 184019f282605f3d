/* A listener on 127.0.0.1 of a test, and a thread for each who comes. None outlives visitors_stop. */
#ifndef VISITORS_H
#define VISITORS_H

#include <pthread.h>

#define VISITORS 512

typedef struct visitors {
    int listener;
    unsigned port;
    pthread_t thread;
    pthread_mutex_t lock;
    int fds[VISITORS];
    int count;
    void (*visit)(void *ctx, int fd); /* returns when the connection is over; does not close it */
    void *ctx;
} visitors;

void visitors_start(visitors *v, void (*visit)(void *ctx, int fd), void *ctx);
/* Hangs up on all of them and waits until they have gone. */
void visitors_stop(visitors *v);

#endif
