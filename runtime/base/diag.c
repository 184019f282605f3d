#include "diag.h"

#include <stdarg.h>
#include <string.h>

static void fill(diag *d, int code, const char *what, va_list ap) {
    memset(d, 0, sizeof *d);
    d->code = code;
    vsnprintf(d->what, sizeof d->what, what, ap);
}

int diag_set(diag *d, int code, const char *what, ...) {
    if (d) {
        va_list ap;
        va_start(ap, what);
        fill(d, code, what, ap);
        va_end(ap);
    }
    return code;
}

int diag_at(diag *d, int code, const char *file, int line, int column, const char *what, ...) {
    if (d) {
        va_list ap;
        va_start(ap, what);
        fill(d, code, what, ap);
        va_end(ap);
        snprintf(d->file, sizeof d->file, "%s", file);
        d->line = line;
        d->column = column;
    }
    return code;
}

int diag_next(diag *d, const char *next, ...) {
    if (!d) {
        return DIAG_FAILED;
    }
    va_list ap;
    va_start(ap, next);
    vsnprintf(d->next, sizeof d->next, next, ap);
    va_end(ap);
    return d->code;
}

void diag_print(FILE *to, const diag *d) {
    if (d->file[0] && d->line) {
        fprintf(to, "%s:%d:%d: %s\n", d->file, d->line, d->column, d->what);
    } else if (d->file[0]) {
        fprintf(to, "%s: %s\n", d->file, d->what);
    } else {
        fprintf(to, "keel: %s\n", d->what);
    }
    if (d->next[0]) {
        fprintf(to, "  %s\n", d->next);
    }
}

int diag_exit_code(int code) {
    switch (code) {
    case DIAG_OK:
        return 0;
    case DIAG_USAGE:
        return 2;
    case DIAG_WAITING:
        return 3;
    case DIAG_AUTH:
        return 4;
    case DIAG_DENIED:
        return 5;
    case DIAG_NOT_FOUND:
        return 6;
    default:
        return 1;
    }
}
