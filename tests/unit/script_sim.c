#include "script_sim.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "egress_protocol.h"
#include "frame.h"
#include "keel/json.h"

#define ANSWERS 16

struct script_sim {
    int fd;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    keel_buf log;
    char *answers[ANSWERS];
    size_t first, count;
    frame_channel *channel; /* the thread's */
};

/* ---- answers ---- */

static void send_failed(script_sim *s, uint64_t run, const char *code) {
    char body[200];
    snprintf(body, sizeof body, "{\"code\":\"%.40s\",\"message\":\"the simulator says %.40s\"}",
             code, code);
    frame_channel_send(s->channel, E_FAILED, 0, run, 0, body, strlen(body));
}

/* {"A":"x"} as [["A","x"]]. */
static void put_headers(keel_json_writer *w, keel_json object) {
    keel_json_key(w, "headers");
    keel_json_array(w);
    for (keel_json_iter it = keel_json_each(object); keel_json_next(&it);) {
        keel_json_array(w);
        keel_json_raw(w, it.key);
        keel_json_raw(w, it.value);
        keel_json_array_end(w);
    }
    keel_json_array_end(w);
}

static void send_answer(script_sim *s, uint64_t run, keel_json url, const char *answer) {
    char *end;
    long status = strtol(answer, &end, 10);
    const char *headers = end + (*end == ' ');
    size_t len = strcspn(headers, " ");
    const char *body = headers + len + (headers[len] == ' ');
    keel_buf field = KEEL_BUF_INIT, head = KEEL_BUF_INIT, plain = KEEL_BUF_INIT;
    keel_json_error e;
    keel_json_writer w;
    keel_json_write(&w, &field);
    keel_json_object(&w);
    if (keel_json_canonical(&plain, headers, len, &e) < 0) {
        abort();
    }
    put_headers(&w, keel_json_view(plain.data, plain.len));
    keel_json_set_int(&w, "status", status);
    keel_json_set_raw(&w, "url", url);
    keel_json_object_end(&w);
    frame_put(&head, field.data, field.len);
    frame_channel_send2(s->channel, E_DONE, 0, run, 0, head.data, head.len, body, strlen(body));
    keel_buf_free(&field);
    keel_buf_free(&head);
    keel_buf_free(&plain);
}

/* ---- requests ---- */

static void write_down(keel_buf *log, keel_json request, const char *body, size_t len) {
    keel_json follow = keel_json_get(request, "follow");
    keel_json_string(keel_json_get(request, "method"), log);
    keel_buf_putc(log, ' ');
    keel_json_string(keel_json_get(request, "url"), log);
    keel_buf_puts(log, follow.data && *follow.data == 't' ? " follow\n" : "\n");
    for (keel_json_iter it = keel_json_each(keel_json_get(request, "headers"));
         keel_json_next(&it);) {
        keel_json_iter pair = keel_json_each(it.value);
        keel_json_next(&pair);
        keel_json_string(pair.value, log);
        keel_buf_puts(log, ": ");
        keel_json_next(&pair);
        keel_json_string(pair.value, log);
        keel_buf_putc(log, '\n');
    }
    if (len > 0) {
        keel_buf_append(log, body, len);
        keel_buf_putc(log, '\n');
    }
}

static void on_frame(void *ctx, const frame *f) {
    script_sim *s = ctx;
    frame_reader r = frame_read(f);
    const char *field;
    size_t len;
    if (f->type != E_HTTP || frame_get(&r, &field, &len) < 0) {
        return;
    }
    keel_json request = keel_json_view(field, len);
    pthread_mutex_lock(&s->lock);
    write_down(&s->log, request, r.p, (size_t)(r.end - r.p));
    char *answer = s->count > 0 ? s->answers[s->first] : NULL;
    if (!answer || strncmp(answer, "failed ", 7) == 0) {
        send_failed(s, f->run, answer ? answer + 7 : "internal");
    } else {
        send_answer(s, f->run, keel_json_get(request, "url"), answer);
    }
    if (answer) {
        free(answer);
        s->first = (s->first + 1) % ANSWERS;
        s->count--;
    }
    pthread_mutex_unlock(&s->lock);
}

static void *run(void *arg) {
    script_sim *s = arg;
    static char block[1 << 16];
    for (;;) {
        const char *data;
        size_t len;
        diag d = {0};
        while ((len = frame_channel_output(s->channel, &data)) > 0) {
            ssize_t sent = send(s->fd, data, len, MSG_NOSIGNAL);
            if (sent <= 0) {
                return NULL;
            }
            frame_channel_sent(s->channel, (size_t)sent);
        }
        ssize_t n = recv(s->fd, block, sizeof block, 0);
        if (n <= 0 || frame_channel_feed(s->channel, block, (size_t)n, on_frame, s, &d) < 0) {
            return NULL;
        }
    }
}

script_sim *script_sim_start(int *executor_fd) {
    int pair[2];
    script_sim *s = calloc(1, sizeof *s);
    if (!s || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        abort();
    }
    s->fd = pair[0];
    *executor_fd = pair[1];
    s->channel = frame_channel_create();
    pthread_mutex_init(&s->lock, NULL);
    pthread_create(&s->thread, NULL, run, s);
    return s;
}

void script_sim_end(script_sim *s) {
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    free(script_sim_log(s));
    close(s->fd);
    frame_channel_destroy(s->channel);
    keel_buf_free(&s->log);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

void script_sim_answer(script_sim *s, const char *answer) {
    pthread_mutex_lock(&s->lock);
    if (s->count == ANSWERS) {
        abort();
    }
    s->answers[(s->first + s->count++) % ANSWERS] = strdup(answer);
    pthread_mutex_unlock(&s->lock);
}

char *script_sim_log(script_sim *s) {
    pthread_mutex_lock(&s->lock);
    for (; s->count > 0; s->count--, s->first = (s->first + 1) % ANSWERS) {
        keel_buf_printf(&s->log, "not asked for: %s\n", s->answers[s->first]);
        free(s->answers[s->first]);
    }
    char *text = keel_memdup(s->log.len ? s->log.data : "", s->log.len);
    keel_buf_clear(&s->log);
    pthread_mutex_unlock(&s->lock);
    return text;
}
