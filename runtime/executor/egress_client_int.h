/* The inside of a client of egress: egress_client.c moves frames and waits, egress_call.c is HTTP and
 * opening, egress_stream.c the bytes of streams. */
#ifndef EGRESS_CLIENT_INT_H
#define EGRESS_CLIENT_INT_H

#include "clock.h"
#include "egress_client.h"
#include "egress_protocol.h"
#include "frame.h"
#include "keel/buf.h"

typedef struct egress_stream {
    uint64_t id;         /* 0: a free place */
    keel_buf in;         /* arrived; at most EGRESS_WINDOW */
    keel_buf out;        /* what the last receive gave */
    size_t taken;        /* since the last E_TAKEN */
    uint64_t sent_order; /* of the last verb that sent on it */
    bool ended;
    keel_status end; /* KEEL_OK: the other side ended it */
    char why[300];
} egress_stream;

typedef enum egress_state { CALL_NONE, CALL_WAITS, CALL_DONE, CALL_FAILED } egress_state;

struct egress_client {
    int fd; /* -1: closed */
    int kernel_fd;
    frame_channel *channel;
    char *block;
    uint64_t order;
    uint64_t deadline_ns;
    uint64_t last;    /* run numbers given so far */
    uint64_t written; /* bytes, ever */
    bool deaf;        /* egress takes no more bytes; what it said before is still read */
    bool gone;        /* no byte will come */
    char gone_why[600];
    char error[700];
    struct {
        egress_state state;
        uint64_t run;
        uint16_t type;   /* E_HTTP or E_OPEN */
        bool cancelled;  /* E_CANCEL was sent */
        uint64_t handed; /* `written`, once egress has all of the request */
        keel_status status;
        char why[600];
        egress_answer answer;
    } call;
    egress_stream streams[EGRESS_STREAMS];
};

/* Says why and gives the status back. */
keel_status egress_fail(egress_client *c, keel_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

typedef enum egress_turn { TURN_ON, TURN_TIME, TURN_KERNEL, TURN_GONE } egress_turn;
/* Writes what goes, then waits, until until_ns (0: for ever), for one thing to happen. */
egress_turn egress_wait(egress_client *c, uint64_t until_ns);
/* The same without waiting. */
void egress_look(egress_client *c);
/* Whether calls can be made; reads what has come meanwhile. */
keel_status egress_begin(egress_client *c);
/* Until all queued bytes were written; KEEL_OK, or the status of what came between, for which `late`
 * and `gone` stand where the deadline passed, or egress has ended. */
keel_status egress_drain(egress_client *c, keel_status late, keel_status gone);

/* Egress is trusted, but what has not the form is not taken: the connection ends. */
void egress_fault(egress_client *c, const char *what);
/* {"code","message"}, cleaned. False: it has not that form. */
bool egress_read_failure(const frame *f, keel_status *status, char *why, size_t size);

void egress_call_frame(egress_client *c, const frame *f);
void egress_stream_frame(egress_client *c, const frame *f);
egress_stream *egress_stream_find(egress_client *c, uint64_t id);
/* NULL: there is no place. */
egress_stream *egress_stream_place(egress_client *c);

#endif
