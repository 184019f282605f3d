/* The words of egress: with the kernel (G_), and with executors that have a connection with a way out
 * (E_). Frames as in frame.h. Both sides of egress trust it; egress trusts the kernel, and no field
 * of an executor's.
 *
 * ORDERS. The kernel lets one dispatched verb use the network by an order, which names the connection
 * and is sent before the verb. An executor's request names the order; egress obeys only if the order
 * is open and belongs to that executor. A request whose order has not yet been read is kept until it
 * has (at most 2 s). When the verb has answered, died or run out of time, the kernel ends the order;
 * egress then stops all that still goes on under it and answers with what it knows: that is the
 * evidence of what may have been applied.
 *
 * An UNSAFE order is one of a verb that may change something (write, compensate). Under it the first
 * byte of a request with a method other than GET, HEAD and OPTIONS, and the first byte of the
 * executor's on a stream, is preceded by G_SENDING, which has left before the byte does. */
#ifndef EGRESS_PROTOCOL_H
#define EGRESS_PROTOCOL_H

/* Descriptors that egress inherits. */
enum {
    EGRESS_FD_FRAMES = 3,
    EGRESS_FD_DOORS = 4, /* SOCK_SEQPACKET; each message is an egress_door with one descriptor: a
                            stream socket whose other end an executor has */
    EGRESS_FD_LOCK = 5   /* shared lock on .keel/generation, only to be held open */
};

#include <stdint.h>

typedef struct egress_door {
    uint64_t executor;   /* the kernel's number of it */
    uint64_t connection; /* whose G_CONNECTION governs it */
} egress_door;

enum {
    /* kernel -> egress */
    G_START = 1,  /* {"credentials":S?,"secrets":{NAME:{"command":[S...]}|{"credential":S}},
                     "secrets_folder":S}; credentials: a folder, $CREDENTIALS_DIRECTORY; a secret
                     that "secrets" does not name is the file of its name in secrets_folder */
    G_CONNECTION, /* run: its number; {"allow":[PATTERN...]?,"any":bool,"auth":{...}?,"ca":S?,"name",
                     "origins":[URL...],"plain":bool,"private":bool}. Replaces; no body: forgotten.
                     Secrets are read anew at the next request */
    G_ORDER,      /* ref: dispatch; run: executor; {"bytes":N,"connection":N,"unsafe":bool,"us":N};
                     us: how long from now; bytes: of all answers together */
    G_END,        /* ref: dispatch: the order is over; answered by G_ENDED */
    G_STOP,       /* end now, with 0 */

    /* egress -> kernel */
    G_READY = 64,
    G_SENDING, /* ref */
    G_ENDED,   /* ref; {"answered":bool,"bytes_in":N,"bytes_out":N,"digests":[HEX...],"requests":N,
                  "sent":bool}. sent: G_SENDING was sent. answered: every unsafe request was answered
                  whole with a status below 500 and other than 408; of a stream, the other side said
                  something after the last byte that was sent. digests: of each unsafe request
                  (BLAKE2b-256 of METHOD SP URL LF BODY), at most 32 */
    G_NOTE,    /* {"level","text"} for the kernel's log */
    G_ANSWERED /* ref: the order; {"connection":N,"retry_after_s":N?,"status":N}: an origin of the
                  connection's own gave the final answer 401, 402 or 403, or 429 or 503 with
                  Retry-After; the first of each under an order. It leaves before the answer does */
};

enum {
    /* executor -> egress; ref: the order, run: a number of the executor's, growing, never 0 */
    E_HTTP =
        1,    /* field: {"follow":bool,"headers":[[NAME,VALUE]...],"limit":N,"method","timeout_us",
                   "url"}, rest: body; answered by E_DONE or E_FAILED */
    E_OPEN,   /* {"address","timeout_us"}; answered by E_OPENED or E_FAILED; run is the stream */
    E_DATA,   /* run: stream; rest: bytes, at most FRAME_INLINE (both ways) */
    E_TAKEN,  /* run: stream; ref: bytes that the executor has taken out since the last E_TAKEN.
                   Egress lets at most EGRESS_WINDOW bytes be on their way. */
    E_CLOSE,  /* run: stream */
    E_CANCEL, /* run: of an E_HTTP or E_OPEN: stop it; E_FAILED follows all the same */

    /* egress -> executor */
    E_DONE = 64, /* run; field: {"headers":[[NAME,VALUE]...],"status":N,"url"}, rest: body */
    E_FAILED,    /* run; {"code","message"}; code: one of plugin.h's status names */
    E_OPENED,    /* run */
    E_CLOSED     /* run: stream; {"code","message"}: no byte will follow. code "ok": the other side
                    ended it; else as in E_FAILED */
};

#define EGRESS_WINDOW (256u << 10)

#endif
