/* Frames: what kernel, executors and the CLI say to each other over a stream. This channel does no
 * I/O and no waiting: bytes go in, frames come out; frames go in, bytes come out. One owner.
 *
 * On the wire: a 24-byte little-endian header, then the body.
 *   u32 length of the body | u16 type | u16 flags | u64 run | u64 ref
 * A body of up to FRAME_INLINE bytes stands in its frame. A larger one travels as FRAME_CHUNK
 * frames (first the header it stands for and its BLAKE2b-256, then pieces) with at most
 * FRAME_WINDOW pieces unacknowledged, so that one large body does not hold the others up; it is
 * delivered whole after its digest was checked. Every length is checked before memory is taken.
 *
 * Order: frames of one run arrive in the order in which they were sent, whatever their size. Frames
 * of other runs may overtake a large body; nothing overtakes a large body of run 0, which concerns
 * all. */
#ifndef FRAME_H
#define FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "keel/buf.h"

#define FRAME_HEADER 24
#define FRAME_INLINE 65536
#define FRAME_WINDOW 16
#define FRAME_LIMIT  (16u << 20) /* the largest body */

enum { FRAME_CHUNK = 0xfff0, FRAME_CHUNK_ACK = 0xfff1 }; /* the channel's own types */

typedef struct frame {
    uint16_t type;
    uint16_t flags;
    uint64_t run;
    uint64_t ref;
    const char *body; /* borrowed for the call */
    size_t len;
} frame;

typedef struct frame_channel frame_channel;

frame_channel *frame_channel_create(void);
void frame_channel_destroy(frame_channel *ch);

typedef void frame_handler(void *ctx, const frame *f);
/* Feeds received bytes; calls handler for each whole frame. 0, or a DIAG_ code when the peer broke
 * the protocol (length over the limit, chunk out of order, digest wrong): close the stream then.
 * The handler may send on the channel, not feed or destroy it. */
int frame_channel_feed(frame_channel *ch, const void *data, size_t len, frame_handler *handler,
                       void *ctx, diag *d);

/* Queues a frame. len <= FRAME_LIMIT, or the caller is at fault (aborts). */
void frame_channel_send(frame_channel *ch, uint16_t type, uint16_t flags, uint64_t run,
                        uint64_t ref, const void *body, size_t len);
/* The same in two parts, for a small header before a large body. */
void frame_channel_send2(frame_channel *ch, uint16_t type, uint16_t flags, uint64_t run,
                         uint64_t ref, const void *a, size_t alen, const void *b, size_t blen);
/* Bytes that wait to be written, and how many of them were. Pieces that wait for an
 * acknowledgement are not among them. *data holds until the next call that sends, feeds or counts
 * bytes as written. */
size_t frame_channel_output(frame_channel *ch, const char **data);
void frame_channel_sent(frame_channel *ch, size_t n);
/* All that is queued, including pieces that wait: for limits. */
size_t frame_channel_queued(const frame_channel *ch);
/* Whether the other side owes the rest of a frame or of a large body; *taken: how many whole frames
 * have come so far, pieces of a large body among them. For deadlines. */
bool frame_channel_unfinished(const frame_channel *ch, uint64_t *taken);

/* ---- fields within a body: u16 length + bytes, then whatever the type says ---- */

void frame_put(keel_buf *b, const char *text, size_t len); /* len <= 65535 */
typedef struct frame_reader {
    const char *p;
    const char *end;
} frame_reader;
frame_reader frame_read(const frame *f);
/* -1 when the body ends early. */
int frame_get(frame_reader *r, const char **text, size_t *len);

#endif
