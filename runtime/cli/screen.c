#include "screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* The alternate screen; pastes in brackets, no mouse, no line that runs over its end. */
static const char enter[] = "\033[?1049h\033[?2004h\033[?1000l\033[?1002l\033[?1003l\033[?7l"
                            "\033[?25l\033[0m\033[H\033[2J";
static const char leave[] = "\033[0m\033[?25h\033[?7h\033[?2004l\033[?1049l";

/* What handlers need to give the terminal back. */
static struct termios before;
static volatile sig_atomic_t active;
static volatile sig_atomic_t resized, stopped, continued;

static const int deadly[] = {SIGINT,  SIGTERM, SIGHUP, SIGQUIT, SIGSEGV,
                             SIGABRT, SIGBUS,  SIGFPE, SIGILL};
static const int noted[] = {SIGWINCH, SIGTSTP, SIGCONT};
#define DEADLY (sizeof deadly / sizeof *deadly)
#define NOTED  (sizeof noted / sizeof *noted)

struct screen {
    struct sigaction old_deadly[DEADLY], old_noted[NOTED];
    sigset_t old_mask;
    keel_buf *shown;
    size_t shown_rows;
    size_t rows, columns;
    bool whole; /* draw all of it */
};

/* ---- given back ---- */

static void put(const char *bytes, size_t len) {
    while (len) {
        ssize_t n = write(STDOUT_FILENO, bytes, len);
        if (n < 0 && errno != EINTR) {
            return;
        }
        bytes += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
}

static void give_back(void) {
    if (active) {
        active = 0;
        put(leave, sizeof leave - 1);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    }
}

static void restore_and_die(int number) {
    give_back();
    signal(number, SIG_DFL);
    raise(number);
}

static void note(int number) {
    stopped = stopped || number == SIGTSTP;
    continued = continued || number == SIGCONT;
    resized = 1;
}

/* ---- taken ---- */

static void take_signals(screen *s) {
    struct sigaction die = {.sa_handler = restore_and_die}, see = {.sa_handler = note};
    sigset_t mask;
    sigemptyset(&mask);
    for (size_t i = 0; i < NOTED; i++) {
        sigaction(noted[i], &see, &s->old_noted[i]);
        sigaddset(&mask, noted[i]);
    }
    for (size_t i = 0; i < DEADLY; i++) {
        sigaction(deadly[i], &die, &s->old_deadly[i]);
    }
    sigprocmask(SIG_BLOCK, &mask, &s->old_mask); /* they come while it waits, and then only */
}

static void give_signals(const screen *s) {
    for (size_t i = 0; i < DEADLY; i++) {
        sigaction(deadly[i], &s->old_deadly[i], NULL);
    }
    for (size_t i = 0; i < NOTED; i++) {
        sigaction(noted[i], &s->old_noted[i], NULL);
    }
    sigprocmask(SIG_SETMASK, &s->old_mask, NULL);
}

static int take_terminal(void) {
    struct termios raw = before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | IEXTEN);
    raw.c_iflag &= ~(tcflag_t)IXON;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    active = 1;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) != 0) {
        active = 0;
        return -1;
    }
    put(enter, sizeof enter - 1);
    return 0;
}

bool screen_possible(void) {
    const char *name = getenv("TERM");
    return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 && name && *name &&
           strcmp(name, "dumb") != 0;
}

int screen_open(screen **out, diag *d) {
    screen *s = keel_alloc(sizeof *s);
    *s = (screen){.whole = true};
    take_signals(s);
    if (tcgetattr(STDIN_FILENO, &before) != 0 || take_terminal() != 0) {
        int error = errno;
        give_signals(s);
        free(s);
        diag_set(d, DIAG_FAILED, "The terminal cannot be used as a screen: %s.", strerror(error));
        return diag_next(d, "Use `keel inbox | cat` for the plain list.");
    }
    *out = s;
    return 0;
}

static void forget(screen *s) {
    for (size_t i = 0; i < s->shown_rows; i++) {
        keel_buf_free(&s->shown[i]);
    }
    free(s->shown);
    s->shown = NULL;
    s->shown_rows = 0;
}

void screen_close(screen *s) {
    if (!s) {
        return;
    }
    give_back();
    give_signals(s);
    forget(s);
    free(s);
}

void screen_suspend(screen *s) {
    give_back();
    give_signals(s);
}

void screen_resume(screen *s) {
    take_signals(s);
    (void)take_terminal();
    screen_redraw(s);
}

/* Stops as any other program does, and begins anew when it goes on. */
static void stop(screen *s) {
    stopped = 0;
    screen_suspend(s);
    raise(SIGTSTP);
    screen_resume(s);
    continued = 0;
}

/* ---- shown ---- */

void screen_redraw(screen *s) {
    s->whole = true;
}

bool screen_size(screen *s, size_t *rows, size_t *columns) {
    struct winsize size = {.ws_row = 0};
    bool told = s->rows != 0 && !resized;
    if (told) {
        return false;
    }
    s->whole = s->whole || resized;
    resized = 0;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col;
    s->rows = known ? size.ws_row : 24;
    s->columns = known ? size.ws_col : 80;
    *rows = s->rows;
    *columns = s->columns;
    return true;
}

static bool is_shown(const screen *s, size_t row, const keel_buf *text) {
    return !s->whole && row < s->shown_rows && s->shown[row].len == text->len &&
           (text->len == 0 || memcmp(s->shown[row].data, text->data, text->len) == 0);
}

static void keep(screen *s, const keel_buf *rows, size_t count) {
    forget(s);
    s->shown = keel_alloc((count + 1) * sizeof *s->shown);
    for (size_t i = 0; i < count; i++) {
        s->shown[i] = (keel_buf)KEEL_BUF_INIT;
        keel_buf_append(&s->shown[i], rows[i].len ? rows[i].data : "", rows[i].len);
    }
    s->shown_rows = count;
    s->whole = false;
}

void screen_show(screen *s, const keel_buf *rows, size_t count, bool cursor, size_t row,
                 size_t column) {
    keel_buf out = KEEL_BUF_INIT;
    keel_buf_puts(&out, s->whole ? "\033[?25l\033[0m\033[H\033[2J" : "\033[?25l");
    for (size_t i = 0; i < count; i++) {
        if (!is_shown(s, i, &rows[i])) {
            keel_buf_printf(&out, "\033[%zu;1H\033[K", i + 1);
            keel_buf_append(&out, rows[i].len ? rows[i].data : "", rows[i].len);
            keel_buf_puts(&out, "\033[0m");
        }
    }
    if (cursor) {
        keel_buf_printf(&out, "\033[%zu;%zuH\033[?25h", row + 1, column + 1);
    }
    put(out.data, out.len);
    keep(s, rows, count);
    keel_buf_free(&out);
}

/* ---- read ---- */

static long read_some(unsigned char *bytes, size_t size) {
    ssize_t n = read(STDIN_FILENO, bytes, size);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
        return 0;
    }
    return n > 0 ? (long)n : -1;
}

long screen_read(screen *s, int timeout_ms, unsigned char *bytes, size_t size) {
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    struct timespec t = {timeout_ms / 1000, (timeout_ms % 1000) * 1000000L};
    int ready = ppoll(&p, 1, timeout_ms < 0 ? NULL : &t, &s->old_mask);
    if (stopped) {
        stop(s);
        return 0;
    }
    if (continued) { /* whoever stopped it without a word may have used the terminal */
        continued = 0;
        (void)take_terminal();
        return 0;
    }
    if (ready < 0) {
        return errno == EINTR ? 0 : -1;
    }
    return ready == 0 ? 0 : read_some(bytes, size);
}
