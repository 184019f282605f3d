/* Stands in for keel-executor, in the torture alone: an agent that is not the same when it is
 * replayed, which the real one's walls make impossible. It makes a step and waits for an event. Told
 * to go on from a record, it says first that the record is not its own, and next time that it is. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "digest.h"
#include "frame.h"
#include "protocol.h"

static frame_channel *channel;
static int starts; /* with a record to go on from */

static void flush(void) {
    const char *data;
    size_t len;
    while ((len = frame_channel_output(channel, &data)) > 0) {
        ssize_t n = write(EXECUTOR_FD_FRAMES, data, len);
        if (n <= 0) {
            _exit(1);
        }
        frame_channel_sent(channel, (size_t)n);
    }
}

static void say(uint16_t type, uint64_t run, const char *const *fields, const char *rest) {
    keel_buf body = KEEL_BUF_INIT;
    for (; *fields; fields++) {
        frame_put(&body, *fields, strlen(*fields));
    }
    keel_buf_puts(&body, rest);
    frame_channel_send(channel, type, 0, run, 0, body.data, body.len);
    keel_buf_free(&body);
}

static void wait_for_event(uint64_t run) {
    static const char call[] = "receive\0\0{}";
    char hex[17];
    digest d = digest_of(call, sizeof call - 1);
    hex_encode(hex, d.bytes, 8);
    say(X_CALL, run, (const char *const[]){"2", "receive", hex, NULL}, "{}");
}

static void end(uint64_t run) {
    say(X_END, run, (const char *const[]){NULL}, "{\"result\":null,\"state\":\"ended\"}");
}

static void started(const frame *f) {
    static const char mismatch[] = "{\"now\":{\"args\":{},\"call\":\"0000000000000000\",\"kind\":"
                                   "\"now\",\"name\":\"\"},\"path\":\"1\",\"recorded\":{\"call\":"
                                   "\"1111111111111111\",\"kind\":\"step\",\"name\":\"one\"}}";
    if (f->ref == 0) {
        say(X_STEP, f->run, (const char *const[]){"1", "one", NULL}, "1");
        wait_for_event(f->run);
    } else if (starts++ == 0) {
        say(X_MISMATCH, f->run, (const char *const[]){NULL}, mismatch);
    } else if (f->ref == 1) {
        wait_for_event(f->run);
    } else { /* the event is in the record */
        end(f->run);
    }
}

static void on_frame(void *ctx, const frame *f) {
    static const char *const none[] = {NULL};
    (void)ctx;
    switch (f->type) {
    case X_LOAD:
        say(X_READY, 0, none, "{}");
        break;
    case X_START:
        started(f);
        break;
    case X_ANSWER:
        end(f->run);
        break;
    case X_STOP:
        _exit(0);
    default:
        break;
    }
}

int main(void) {
    char bytes[65536];
    ssize_t n;
    if (digest_init()) {
        return 1;
    }
    channel = frame_channel_create();
    while ((n = read(EXECUTOR_FD_FRAMES, bytes, sizeof bytes)) > 0) {
        if (frame_channel_feed(channel, bytes, (size_t)n, on_frame, NULL, NULL)) {
            return 1;
        }
        flush();
    }
    return 0;
}
