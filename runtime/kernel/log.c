#include "log.h"

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
    if (write(STDERR_FILENO, line.data, line.len) < 0) {
        /* nobody reads the log: the work goes on */
    }
    keel_buf_free(&line);
}
