#include "term.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static size_t width_of(int fd) {
    const char *columns = getenv("COLUMNS");
    if (columns && atoi(columns) > 0) {
        return (size_t)atoi(columns);
    }
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return size.ws_col;
    }
    return 80;
}

term term_of(int fd) {
    term t = {.terminal = isatty(fd) == 1};
    const char *no_color = getenv("NO_COLOR");
    const char *name = getenv("TERM");
    t.colour = t.terminal && !(no_color && *no_color) && !(name && strcmp(name, "dumb") == 0);
    t.width = t.terminal ? width_of(fd) : 0;
    return t;
}

static const char *const sequences[] = {
    [TINT_NONE] = "",         [TINT_DIM] = "\033[2m",   [TINT_BOLD] = "\033[1m",
    [TINT_GOOD] = "\033[32m", [TINT_WAIT] = "\033[33m", [TINT_BAD] = "\033[31m",
    [TINT_ODD] = "\033[35m",
};

const char *term_tint(const term *t, tint c) {
    return t->colour ? sequences[c] : "";
}

const char *term_plain(const term *t) {
    return t->colour ? "\033[0m" : "";
}

void term_put(const term *t, keel_buf *out, tint c, const char *text) {
    if (c == TINT_NONE || !t->colour) {
        keel_buf_puts(out, text);
        return;
    }
    keel_buf_printf(out, "%s%s%s", sequences[c], text, term_plain(t));
}

static const struct {
    const char *state;
    tint tint;
} outcomes[] = {
    {"done", TINT_GOOD},
    {"ended", TINT_GOOD},
    {"approved", TINT_GOOD},
    {"continued", TINT_GOOD},
    {"allow", TINT_GOOD},
    {"ok", TINT_GOOD},
    {"settled", TINT_GOOD},
    {"found", TINT_GOOD},
    {"waiting", TINT_WAIT},
    {"resting", TINT_WAIT},
    {"ask", TINT_WAIT},
    {"warn", TINT_WAIT},
    {"paused", TINT_WAIT},
    {"depends", TINT_WAIT},
    {"retry", TINT_WAIT},
    {"stale", TINT_WAIT},
    {"approval", TINT_WAIT},
    {"denied", TINT_BAD},
    {"deny", TINT_BAD},
    {"rejected", TINT_BAD},
    {"expired", TINT_BAD},
    {"failed", TINT_BAD},
    {"fail", TINT_BAD},
    {"not_done", TINT_BAD},
    {"cancelled", TINT_BAD},
    {"unknown", TINT_ODD},
    {"reconciling", TINT_ODD},

    {"compensated", TINT_GOOD},
    {"compensating", TINT_WAIT},
    {"compensation_unknown", TINT_ODD},
    {"compensation_failed", TINT_BAD},
};

tint term_outcome(const char *state) {
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
        if (strcmp(outcomes[i].state, state) == 0) {
            return outcomes[i].tint;
        }
    }
    return TINT_NONE;
}
