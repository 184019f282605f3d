/* keel.stream/1: a connection of bytes (IMAP, SMTP and the like), made for a connector by Keel's
 * egress process (manifest: needs "stream:{config.imap}").
 *
 * Egress connects, does TLS and the login, then relays bytes. Addresses, and the state in which the
 * connector gets them:
 *   imaps://host:993  imap://host:143    logged in (imap: after STARTTLS); the next word is the
 *   smtps://host:465  smtp://host:587    connector's: a tagged IMAP command, or MAIL FROM
 *   tls://host:port                      TLS, nothing said; no login
 *   tcp://host:port                      plain, nothing said; no login; only where keel.yaml says
 *                                        `plain: true` of the connection
 * imap and smtp without STARTTLS are refused, unless `plain: true`.
 *
 * A stream may outlive the verb that opened it and be used by later verbs of the same instance; it
 * ends when either side closes it or the executor does. Bytes that a verb other than read sends are
 * evidence that its effect may have been applied, from the first on. Calls block until the verb's
 * deadline. Callable only from the thread that a verb runs on, within a verb. */
#ifndef KEEL_STREAM_H
#define KEEL_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "keel/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KEEL_STREAM_SERVICE "keel.stream/1"

typedef struct keel_stream {
    uint32_t size; /* sizeof the host's struct */
    uint32_t reserved;
    void *ctx;
    /* *id is never 0. invalid: the address is malformed, or 16 streams are open. denied: not allowed, or the login failed; retry: no such host, refused, TLS
     * failed, time-out. Nothing of the connector's was sent in either case. */
    keel_status (*open)(void *ctx, keel_call *call, const char *address, uint64_t *id);
    /* All of it was handed to the network: KEEL_OK. unknown: the stream ended meanwhile. */
    keel_status (*send)(void *ctx, keel_call *call, uint64_t id, keel_span bytes);
    /* Waits for at least one byte; *out is borrowed until the verb returns, secrets replaced by
     * asterisks; an empty span with KEEL_OK is the end of the stream. unknown: it broke; deadline,
     * cancelled as usual; not_found: no such stream. At most 256 KiB at once. */
    keel_status (*receive)(void *ctx, keel_call *call, uint64_t id, keel_span *out);
    void (*close)(void *ctx, uint64_t id);
} keel_stream;

#ifdef __cplusplus
}
#endif

#endif
