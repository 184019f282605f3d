#include "executor.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config.h"
#include "sandbox.h"
#include "text.h"

#define READ_SIZE   (64u << 10)
#define FLUSH_ABOVE (256u << 10) /* bytes queued while an engine works */

struct executor {
    frame_channel *channel;
    executor_page *page;
    executor_config config;
    executor_file *files;
    size_t file_count;
    const engine_ops *engine;
    void *self; /* the engine's, once it has loaded */
    bool configured;
    bool ready;
    bool unsafe;
    bool over; /* the kernel has gone, or it cannot be understood */
    bool stopping;
    int status;  /* of the process, once stopping */
    char *block; /* READ_SIZE bytes */
};

const executor_config *executor_get_config(const executor *x) {
    return &x->config;
}

const executor_file *executor_find_file(const executor *x, const char *name) {
    for (size_t i = 0; i < x->file_count; i++) {
        if (strcmp(x->files[i].name, name) == 0) {
            return &x->files[i];
        }
    }
    return NULL;
}

void executor_running(executor *x, uint64_t run) {
    atomic_store_explicit(&x->page->run, run, memory_order_release);
    atomic_fetch_add_explicit(&x->page->ticks, 1, memory_order_release);
}

bool executor_orphaned(const executor *x) {
    (void)x;
    struct pollfd p = {.fd = EXECUTOR_FD_FRAMES, .events = POLLRDHUP};
    return poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

/* ---- frames out ---- */

/* Writes what goes without waiting. -1: the kernel has gone. */
static int write_some(executor *x) {
    const char *data;
    size_t len;
    while ((len = frame_channel_output(x->channel, &data)) > 0) {
        ssize_t n = send(EXECUTOR_FD_FRAMES, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n >= 0) {
            frame_channel_sent(x->channel, (size_t)n);
        } else if (errno == EAGAIN) {
            return 0;
        } else if (errno != EINTR) {
            return -1;
        }
    }
    return 0;
}

void executor_send(executor *x, uint16_t type, uint64_t run, uint64_t ref, const void *body,
                   size_t len) {
    const char *data;
    frame_channel_send(x->channel, type, 0, run, ref, body, len);
    if (frame_channel_output(x->channel, &data) > FLUSH_ABOVE) {
        write_some(x); /* a failure comes back at the end of the turn */
    }
}

void executor_note(executor *x, const char *level, const char *text) {
    keel_buf body = KEEL_BUF_INIT;
    char *copy = keel_strdup(text);
    keel_json_writer w;
    text_clean(copy);
    keel_json_write(&w, &body);
    keel_json_object(&w);
    keel_json_set_text(&w, "level", level);
    keel_json_set_text(&w, "text", copy);
    keel_json_object_end(&w);
    executor_send(x, X_NOTE, 0, 0, body.data, body.len);
    keel_buf_free(&body);
    free(copy);
}

/* Answers a pair of texts, given in the order of their keys. */
static void send_pair(executor *x, uint16_t type, const char *k1, const char *v1, const char *k2,
                      const char *v2) {
    keel_buf body = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &body);
    keel_json_object(&w);
    keel_json_set_text(&w, k1, v1);
    keel_json_set_text(&w, k2, v2);
    keel_json_object_end(&w);
    executor_send(x, type, 0, 0, body.data, body.len);
    keel_buf_free(&body);
}

static void stop(executor *x, int status) {
    x->stopping = true;
    x->status = status;
}

static void refuse(executor *x, diag *d) {
    text_clean(d->what);
    text_clean(d->next);
    if (*d->file) {
        char what[sizeof d->what];
        snprintf(what, sizeof what, "%.200s:%d:%d: %.500s", d->file, d->line, d->column, d->what);
        text_clean(what);
        send_pair(x, X_REFUSED, "message", what, "next", d->next);
    } else {
        send_pair(x, X_REFUSED, "message", d->what, "next", d->next);
    }
    stop(x, 1);
}

/* ---- the start ---- */

static int load_behind_walls(executor *x, diag *d) {
    const executor_config *c = &x->config;
    if (sandbox_limits(c, d) < 0) {
        return d->code;
    }
    if (!x->unsafe && sandbox_close(c, c->native ? SANDBOX_LOADING : SANDBOX_FINAL, d) < 0) {
        return d->code;
    }
    if (x->engine->load(x, &x->self, d) < 0) {
        return d->code;
    }
    if (!x->unsafe && c->native && sandbox_close(c, SANDBOX_FINAL, d) < 0) {
        return d->code;
    }
    return x->engine->create(x->self, d);
}

static void load(executor *x) {
    diag d = {0};
    x->engine = x->config.native ? &engine_native : &engine_lua;
    if (load_behind_walls(x, &d) < 0) {
        refuse(x, &d);
        return;
    }
    x->ready = true;
    send_pair(x, X_READY, "id", x->config.id, "version", x->config.version);
}

static void add_file(executor *x, const frame *f) {
    frame_reader r = frame_read(f);
    const char *name;
    size_t len;
    if (frame_get(&r, &name, &len) < 0) {
        fputs("keel-executor: a file came without its name; is it of the same build as keel?\n",
              stderr);
        stop(x, 1);
        return;
    }
    x->files = keel_realloc(x->files, (x->file_count + 1) * sizeof *x->files);
    size_t size = (size_t)(r.end - r.p);
    x->files[x->file_count++] =
        (executor_file){keel_memdup(name, len), keel_memdup(r.p, size), size};
}

static void configure(executor *x, const frame *f) {
    diag d = {0};
    if (executor_config_parse(&x->config, f->body, f->len, &d) < 0) {
        diag_next(&d, "Install keel and keel-executor from the same build.");
        refuse(x, &d);
        return;
    }
    x->configured = true;
}

/* ---- the loop ---- */

static void on_frame(void *ctx, const frame *f) {
    executor *x = ctx;
    if (x->stopping) {
        return;
    }
    if (f->type == X_STOP) {
        stop(x, 0);
    } else if (x->ready) {
        x->engine->handle(x->self, f);
    } else if (f->type == X_CONFIG && !x->configured) {
        configure(x, f);
    } else if (f->type == X_FILE) {
        add_file(x, f);
    } else if (f->type == X_LOAD && x->configured) {
        load(x);
    } else {
        fprintf(stderr, "keel-executor: frame type %d came before the plugin was loaded\n",
                (int)f->type);
        stop(x, 1);
    }
}

/* One read, that waits for up to timeout_ms; -1: without end. >0 bytes, 0 nothing, -1 the kernel has
 * gone. */
static ssize_t read_some(executor *x, int timeout_ms) {
    const char *data;
    int flags = 0;
    bool writes = frame_channel_output(x->channel, &data) > 0;
    if (writes || timeout_ms >= 0) {
        struct pollfd p = {.fd = EXECUTOR_FD_FRAMES,
                           .events = (short)(POLLIN | (writes ? POLLOUT : 0))};
        poll(&p, 1, timeout_ms);
        flags = MSG_DONTWAIT;
    }
    ssize_t n = recv(EXECUTOR_FD_FRAMES, x->block, READ_SIZE, flags);
    if (n < 0) {
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    }
    return n > 0 ? n : -1;
}

/* Reads once, and lets what came be handled. -1: it is over. */
static int exchange(executor *x, int timeout_ms) {
    diag d = {0};
    ssize_t n = read_some(x, timeout_ms);
    if (n > 0 && frame_channel_feed(x->channel, x->block, (size_t)n, on_frame, x, &d) < 0) {
        diag_print(stderr, &d);
        x->status = 1;
        return -1;
    }
    return n < 0 ? -1 : write_some(x);
}

bool executor_pump(executor *x, int timeout_ms) {
    if (!x->over && !x->stopping) {
        x->over = write_some(x) < 0 || exchange(x, timeout_ms) < 0;
    }
    return !x->over && !x->stopping;
}

static int loop(executor *x) {
    while (exchange(x, -1) == 0) {
        if (x->ready && x->engine->work) {
            x->engine->work(x->self);
        }
        if (x->over || write_some(x) < 0) {
            break;
        }
        if (x->stopping && frame_channel_queued(x->channel) == 0) {
            break;
        }
    }
    return x->status;
}

static executor_page *map_page(void) {
    void *p =
        mmap(NULL, sizeof(executor_page), PROT_READ | PROT_WRITE, MAP_SHARED, EXECUTOR_FD_PAGE, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void finish(executor *x) {
    if (x->self) {
        x->engine->destroy(x->self);
        write_some(x); /* what it logged at its end */
    }
    for (size_t i = 0; i < x->file_count; i++) {
        free(x->files[i].name);
        free(x->files[i].data);
    }
    free(x->files);
    executor_config_free(&x->config);
    frame_channel_destroy(x->channel);
}

int executor_main(bool unsafe) {
    executor x = {.unsafe = unsafe, .page = map_page()};
    if (!x.page) {
        fputs("keel-executor: descriptor 4 is no shared page; this program is started by keel\n",
              stderr);
        return 1;
    }
    x.channel = frame_channel_create();
    x.block = keel_alloc(READ_SIZE);
    int status = loop(&x);
    free(x.block);
    finish(&x);
    munmap(x.page, sizeof *x.page);
    return status;
}
