#include "log.h"

#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "keel/buf.h"

static void escape(keel_buf *out, const char *text) {
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)) {
            keel_buf_printf(out, "\\u{%x}", *p == 0xc2 ? p[1] : *p);
            p += *p == 0xc2;
        } else {
            keel_buf_putc(out, (char)*p);
        }
    }
}

static const char *colour_of(const kernel_settings *s, const char *level) {
    if (!s->colour) {
        return "";
    }
    return !strcmp(level, "error") ? "\033[31m" : !strcmp(level, "warn") ? "\033[33m" : "\033[2m";
}

/* A pipe takes PIPE_BUF bytes without waiting when it is writable at all. What would wait is not
 * written: nobody who does not read the log may hold the journal up. */
static bool put(const char *data, size_t len) {
    while (len) {
        struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
        size_t piece = len < PIPE_BUF ? len : PIPE_BUF;
        if (poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT)) {
            return false;
        }
        ssize_t n = write(STDERR_FILENO, data, piece);
        if (n <= 0) {
            return false; /* EPIPE, ENOSPC: nobody reads the log, and the work goes on */
        }
        data += n;
        len -= (size_t)n;
    }
    return true;
}

/* Says first how many lines before it nobody got. The kernel's loop alone writes lines. */
static void put_line(const keel_buf *line) {
    static uint64_t lost;
    char note[80] = "";
    int n =
        lost ? snprintf(note, sizeof note, "(%" PRIu64 " lines could not be written here)\n", lost)
             : 0;
    if (put(note, (size_t)n)) {
        lost = put(line->data, line->len) ? 0 : 1;
    } else {
        lost++;
    }
}

void log_line(const kernel_settings *s, const char *level, uint64_t run_id, const char *text) {
    struct tm tm;
    char at[16], who[32] = "";
    time_t now = time(NULL);
    if (s->quiet && !strcmp(level, "info")) {
        return;
    }
    localtime_r(&now, &tm);
    strftime(at, sizeof at, "%H:%M:%S", &tm);
    if (run_id) {
        snprintf(who, sizeof who, "run %llu", (unsigned long long)run_id);
    }
    keel_buf line = KEEL_BUF_INIT;
    keel_buf_printf(&line, "%s%s %-5s%s %-8s ", colour_of(s, level), at, level,
                    s->colour ? "\033[0m" : "", who);
    escape(&line, text);
    keel_buf_putc(&line, '\n');
    put_line(&line);
    keel_buf_free(&line);
}

void log_warnings(const kernel_settings *s, const keel_buf *warnings) {
    char text[1500];
    keel_json all = keel_json_view(warnings->data, warnings->len);
    for (keel_json_iter it = keel_json_each(all); keel_json_next(&it);) {
        keel_json_copy(it.value, text, sizeof text);
        log_line(s, "warn", 0, text);
    }
}
