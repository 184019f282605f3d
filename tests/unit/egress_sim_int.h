/* The inside of the simulator of egress: egress_sim.c has the thread and streams, egress_sim_http.c
 * the answers to requests. */
#ifndef EGRESS_SIM_INT_H
#define EGRESS_SIM_INT_H

#include <pthread.h>

#include "egress_protocol.h"
#include "egress_sim.h"
#include "frame.h"
#include "keel/json.h"

#define STREAMS 8

typedef struct sim_stream {
    uint64_t run; /* 0: free */
    char kind[16];
    size_t left; /* of a flow */
    size_t at;
    size_t under_way;
    size_t got;
    uint32_t sum;
} sim_stream;

struct egress_sim {
    int fd;
    bool over; /* no byte is written any more */
    bool slowly;
    bool deaf;  /* no byte is read any more */
    size_t cut; /* bytes left before the connection ends; 0: it goes on */
    pthread_t thread;
    pthread_mutex_t lock; /* of log */
    keel_buf log;
    frame_channel *channel;
    sim_stream streams[STREAMS];
    uint64_t waiting; /* a request or open that waits for E_CANCEL */
    char waiting_code[24];
    uint64_t older;
};

void sim_note(egress_sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_send_text(egress_sim *s, uint16_t type, uint64_t run, const char *body);
/* E_FAILED or E_CLOSED with that code. */
void sim_send_failed(egress_sim *s, uint16_t type, uint64_t run, const char *code);
void sim_send_done(egress_sim *s, uint64_t run, int status, const char *url, const void *body,
                   size_t len);
void sim_on_http(egress_sim *s, const frame *f);

#endif
