/* The inside of a frame channel, shared by frame.c, framein.c and frameout.c. */
#ifndef FRAMEINT_H
#define FRAMEINT_H

#include <stdbool.h>

#include "digest.h"
#include "frame.h"

/* A FRAME_CHUNK frame either opens a body or carries a piece of it. */
enum { FRAME_OPEN = 1, FRAME_PIECE = 2 };
#define FRAME_OPEN_SIZE (FRAME_HEADER + DIGEST_SIZE)
/* Pieces enter the output only while less than this waits there, so that other frames stay near. */
#define FRAME_BACKLOG (2 * FRAME_INLINE)

typedef struct frame_header {
    uint32_t len;
    uint16_t type;
    uint16_t flags;
    uint64_t run;
    uint64_t ref;
} frame_header;

typedef struct frame_stream frame_stream;
struct frame_stream {
    frame_stream *next;
    frame_header h;
    digest sum;
    char *body;
    size_t done; /* bytes of the body that are in the output */
    bool opened;
    keel_buf behind;
};

struct frame_channel {
    keel_buf out;
    size_t written; /* bytes of out that were written */
    frame_stream *first;
    frame_stream *last;
    size_t waiting; /* bytes in the streams */
    uint64_t pieces_sent;
    uint64_t pieces_acked;

    keel_buf in;
    uint64_t taken; /* whole frames, pieces too */
    bool broken;
    bool receiving;
    frame_header opened;
    digest sum;
    keel_buf body;
    uint64_t pieces_received;
};

void frame_encode(char to[FRAME_HEADER], const frame_header *h);
frame_header frame_decode(const char *from);
/* Appends a whole frame; its body stands in two parts. */
void frame_append(keel_buf *to, const frame_header *h, const void *a, size_t alen, const void *b,
                  size_t blen);
void frame_stream_free(frame_stream *s);
/* Empties a buffer, and gives its memory back when a burst has made it large. */
void frame_forget(keel_buf *b, size_t keep);
/* Moves pieces of the waiting bodies into the output as far as window and backlog allow. */
void frame_pump(frame_channel *ch);

#endif
