/* The record and the kernel's log, as they grow; what went wrong in a plugin with file and line. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "describe.h"
#include "dev.h"
#include "fsio.h"
#include "text.h"

#define FAILURES 16 /* shown of one look */

typedef struct showing {
    dev *v;
    struct {
        uint64_t run;
        char message[500];
    } failed[FAILURES];
    size_t count;
} showing;

static char *log_path(const dev *v) {
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_printf(&b, "%s/keel.log", v->c->ws->keel);
    return b.data;
}

void dev_tail_begin(dev *v) {
    char *path = log_path(v);
    struct stat st;
    diag ignored = {0};
    v->log_at = stat(path, &st) == 0 ? st.st_size : 0;
    free(path);
    if (cli_reader(v->c, &ignored) == 0) {
        v->last = cli_number(v->c, "SELECT max(seq) FROM journal", NULL);
    }
}

/* "hello.lua:3: ..." somewhere in a text, as a place below the plugin's folder. */
static bool place_in(const dev_item *item, const char *text, keel_buf *out) {
    for (const char *at = strstr(text, ".lua:"); at; at = strstr(at + 1, ".lua:")) {
        size_t digits = strspn(at + 5, "0123456789");
        const char *from = at;
        while (from > text && from[-1] != ' ' && from[-1] != '"' && from[-1] != '(') {
            from--;
        }
        if (digits) {
            keel_buf_printf(out, "%s/%.*s", item->shown, (int)(at + 5 + digits - from), from);
            return true;
        }
    }
    return false;
}

/* ---- the record ---- */

static int on_record(void *ctx, const journal_row *row) {
    showing *s = ctx;
    cli *c = s->v->c;
    keel_buf out = KEEL_BUF_INIT;
    s->v->last = row->seq;
    if (c->json) {
        describe_json(row, &out);
    } else {
        describe_line(row, &c->out, &out);
    }
    cli_out(&out);
    keel_buf_free(&out);
    keel_json message = keel_json_path(row->body, "error.message");
    if (row->kind == RECORD_RUN_END && message.data && s->count < FAILURES) {
        s->failed[s->count].run = row->run;
        keel_json_copy(message, s->failed[s->count].message, sizeof s->failed->message);
        s->count++;
    }
    return 0;
}

static void show_failure(dev *v, uint64_t run, const char *message) {
    char number[24];
    snprintf(number, sizeof number, "%" PRIu64, run);
    char *agent = cli_value(v->c, "SELECT agent FROM run WHERE id = CAST(? AS INTEGER)", number);
    for (size_t i = 0; agent && i < v->count; i++) {
        keel_buf place = KEEL_BUF_INIT;
        const dev_item *item = &v->items[i];
        if (item->agent && item->name && strcmp(item->name, agent) == 0 &&
            place_in(item, message, &place)) {
            dev_say(v, "%s: run %s failed there.", place.data, number);
        }
        keel_buf_free(&place);
    }
    free(agent);
}

static void tail_record(dev *v) {
    showing s = {.v = v};
    diag d = {0};
    if (cli_reader(v->c, &d) == 0 && reader_scan(v->c->db, v->last + 1, on_record, &s, &d) != 0) {
        (void)cli_fault(&d);
    }
    for (size_t i = 0; i < s.count; i++) {
        show_failure(v, s.failed[i].run, s.failed[i].message);
    }
}

/* ---- the log: what connectors say, and what will not load ---- */

static void show_line(dev *v, const char *line) {
    keel_buf place = KEEL_BUF_INIT, shown = KEEL_BUF_INIT;
    for (size_t i = 0; i < v->count && !place.len; i++) {
        const dev_item *item = &v->items[i];
        const char *at = item->id ? strstr(line, item->id) : NULL;
        if (at && strchr(" :", at[strlen(item->id)]) && place_in(item, line, &place)) {
            dev_say(v, "%s:", place.data);
        }
    }
    text_line(&shown, line, strlen(line));
    fprintf(stderr, "%s\n", shown.data);
    keel_buf_free(&shown);
    keel_buf_free(&place);
}

/* Whether a line of the log begins with a plugin that is watched. */
static bool of_plugin(const dev *v, const char *text) {
    bool found = false;
    for (size_t i = 0; i < v->count && !found; i++) {
        const char *id = v->items[i].id;
        found = id && strncmp(text, id, strlen(id)) == 0;
    }
    return found;
}

/* "20:25:12 error run 7    TEXT": what a run says stands in the record already, and of Keel itself
 * only what is wrong matters here. */
static void log_line(dev *v, const char *line) {
    size_t len = strlen(line);
    bool run = len > 24 && strncmp(line + 15, "run ", 4) == 0;
    bool usual = len < 24 || strncmp(line + 9, "info", 4) == 0;
    if (!run && (!usual || (len > 24 && of_plugin(v, line + 24)))) {
        show_line(v, line);
    }
}

static void tail_log(dev *v) {
    char *path = log_path(v), block[8192];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;
    free(path);
    while (fd >= 0 && (n = pread(fd, block, sizeof block, v->log_at)) > 0) {
        v->log_at += n;
        keel_buf_append(&v->log_rest, block, (size_t)n);
    }
    if (fd >= 0) {
        close(fd);
    }
    for (char *end; v->log_rest.len && (end = memchr(v->log_rest.data, '\n', v->log_rest.len));) {
        *end = 0;
        log_line(v, v->log_rest.data);
        keel_buf_consume(&v->log_rest, (size_t)(end - v->log_rest.data) + 1);
    }
}

void dev_tail(dev *v) {
    tail_record(v);
    if (v->started) {
        tail_log(v);
    }
}
