#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "digest.h"
#include "known.h"
#include "pointer.h"
#include "text.h"

const option common_options[] = {
    {"json", 0, NULL, "print JSON, one object a line"},
    {"quiet", 'q', NULL, "say nothing but results and errors"},
    {"no-input", 0, NULL, "never ask; fail where an answer is needed"},
    {"dry-run", 0, NULL, "show what would be done, and do nothing"},
    {"workspace", 'C', "DIR", "use this workspace instead of the one around the current folder"},
    {"request", 0, "ID",
     "the request id of a changing command: a repeat is done once (8 to 64 characters)"},
    {"help", 'h', NULL, "show examples and options"},
    {NULL, 0, NULL, NULL},
};

static void use_timezone(const workspace *ws) {
    if (ws->timezone) {
        setenv("TZ", ws->timezone, 1);
        tzset();
    }
}

int cli_workspace(cli *c, diag *d) {
    if (c->ws) {
        return 0;
    }
    int rc = c->folder ? workspace_load(&c->ws, c->folder, d) : workspace_find(&c->ws, ".", d);
    if (rc == 0) {
        use_timezone(c->ws);
    }
    return rc;
}

int cli_reader(cli *c, diag *d) {
    int rc = c->db ? 0 : cli_workspace(c, d);
    if (rc || c->db) {
        return rc;
    }
    if (access(c->ws->db, F_OK) != 0 && errno == ENOENT) {
        diag_set(d, DIAG_NOT_FOUND, "Nothing has run in this workspace yet.");
        return diag_next(d, "Start it with `keel up`.");
    }
    return reader_open(&c->db, c->ws->db, NULL, d);
}

static void tell_idle(void *ctx, int seconds) {
    if (seconds <= 3) {
        cli_say(ctx, "Keel has not answered for %d s; waiting on. Ctrl-C ends the wait.", seconds);
    }
}

int cli_client(cli *c, diag *d) {
    int rc = c->kernel ? 0 : cli_workspace(c, d);
    if (rc || c->kernel) {
        return rc;
    }
    rc = client_open(&c->kernel, c->ws->socket, d);
    if (rc == 0) {
        client_on_idle(c->kernel, tell_idle, c);
    }
    return rc;
}

bool cli_running(cli *c) {
    diag d;
    return cli_client(c, &d) == 0;
}

void cli_finish(cli *c) {
    known_free(c->known);
    client_close(c->kernel);
    reader_close(c->db);
    workspace_destroy(c->ws);
    c->known = NULL;
    c->kernel = NULL;
    c->db = NULL;
    c->ws = NULL;
}

/* One command line may ask for several things; each needs an id that a repeat of the line gives again. */
static int request_id(const cli *c, char out[CONTROL_REQUEST_MAX + 1], diag *d) {
    size_t len = strlen(c->request);
    if (len < CONTROL_REQUEST_MIN || len > CONTROL_REQUEST_MAX) {
        diag_set(d, DIAG_USAGE, "A request id has %d to %d characters, not %zu.",
                 CONTROL_REQUEST_MIN, CONTROL_REQUEST_MAX, len);
        return diag_next(d, "Use something unique, such as a UUID.");
    }
    if (c->calls == 0) {
        memcpy(out, c->request, len + 1);
        return 0;
    }
    digest id = digest_of2(c->request, len, &c->calls, sizeof c->calls);
    hex_encode(out, id.bytes, 16);
    return 0;
}

int cli_call(cli *c, const char *name, const keel_buf *args, keel_buf *result, diag *d) {
    char id[CONTROL_REQUEST_MAX + 1];
    int rc = c->request ? request_id(c, id, d) : 0;
    rc = rc ? rc : cli_client(c, d);
    if (rc) {
        return rc;
    }
    c->calls++;
    return client_call(c->kernel, name, args, c->request ? id : NULL, result, d);
}

static int add_row(void *ctx, int columns, const char *const *values, const char *const *names) {
    (void)columns;
    (void)names;
    table_row(ctx, values);
    return 0;
}

int cli_list(cli *c, const char *sql, const char *const *params, size_t count,
             const column *columns, size_t width, const char *none, diag *d) {
    int rc = cli_reader(c, d);
    if (rc) {
        return rc;
    }
    table *t = table_create(columns, width);
    rc = reader_query(c->db, sql, params, count, add_row, t, d);
    if (rc == 0) {
        cli_table(c, t, none);
    }
    table_destroy(t);
    return rc;
}

static int first_value(void *ctx, int columns, const char *const *values,
                       const char *const *names) {
    (void)columns;
    (void)names;
    char **found = ctx;
    if (values[0] && !*found) {
        *found = keel_strdup(values[0]);
    }
    return 0;
}

char *cli_value(cli *c, const char *sql, const char *param) {
    char *found = NULL;
    diag d;
    if (c->db) {
        reader_query(c->db, sql, &param, param ? 1 : 0, first_value, &found, &d);
    }
    return found;
}

static int keep_row(void *ctx, int columns, const char *const *values, const char *const *names) {
    (void)names;
    cli_row *row = ctx;
    for (int i = 0; row->count == 0 && i < columns && i < CLI_ROW_MAX; i++) {
        row->values[i] = values[i] ? keel_strdup(values[i]) : NULL;
    }
    row->count = (size_t)columns;
    return 0;
}

int cli_one(cli *c, const char *sql, const char *const *params, size_t count, cli_row *out,
            diag *d) {
    cli_row row = {0};
    int rc = cli_reader(c, d);
    rc = rc ? rc : reader_query(c->db, sql, params, count, keep_row, &row, d);
    if (rc) {
        return rc;
    }
    if (row.count == 0) {
        return DIAG_NOT_FOUND;
    }
    *out = row;
    return 0;
}

void cli_row_free(cli_row *row) {
    for (size_t i = 0; i < row->count && i < CLI_ROW_MAX; i++) {
        free(row->values[i]);
    }
    row->count = 0;
}

int64_t cli_number(cli *c, const char *sql, const char *param) {
    char *text = cli_value(c, sql, param);
    int64_t n = text ? strtoll(text, NULL, 10) : 0;
    free(text);
    return n;
}

bool cli_halted(cli *c) {
    return cli_number(c, "SELECT halted FROM control", NULL) != 0;
}

bool cli_halted_for_room(cli *c) {
    return cli_number(c, "SELECT halted AND halted_by = 'space' FROM control", NULL) != 0;
}

const char *cli_halt_ends(cli *c) {
    return cli_halted_for_room(c) ? "there is room on the disk" : "`keel resume`";
}

void cli_table(const cli *c, const table *t, const char *none) {
    keel_buf out = KEEL_BUF_INIT;
    if (c->json) {
        table_json(t, &out);
    } else if (table_count(t) == 0) {
        cli_say(c, "%s", none);
    } else {
        table_text(t, &c->out, &out);
    }
    cli_out(&out);
    keel_buf_free(&out);
}

void cli_say(const cli *c, const char *format, ...) {
    if (c->quiet) {
        return;
    }
    keel_buf line = KEEL_BUF_INIT;
    va_list ap;
    va_start(ap, format);
    keel_buf_vprintf(&line, format, ap);
    va_end(ap);
    fprintf(stderr, "%s\n", line.len ? line.data : "");
    keel_buf_free(&line);
}

static bool out_is_json;

void cli_out_json(void) {
    out_is_json = true;
}

/* A reader that has gone, such as `head`, has seen enough: no message, no failure. */
void cli_out(const keel_buf *b) {
    if (b->len == 0) {
        return;
    }
    keel_buf json = KEEL_BUF_INIT;
    if (out_is_json) {
        text_json(&json, b->data, b->len);
        b = &json;
    }
    bool written = fwrite(b->data, 1, b->len, stdout) == b->len && fflush(stdout) == 0;
    keel_buf_free(&json);
    if (!written) {
        if (errno == EPIPE) {
            _exit(0);
        }
        fprintf(stderr, "keel: The output cannot be written: %s.\n", strerror(errno));
        _exit(1);
    }
}

void cli_print(const char *format, ...) {
    keel_buf line = KEEL_BUF_INIT;
    va_list ap;
    va_start(ap, format);
    keel_buf_vprintf(&line, format, ap);
    va_end(ap);
    cli_out(&line);
    keel_buf_free(&line);
}

static void escape_into(char *to, size_t size, const char *from) {
    keel_buf b = KEEL_BUF_INIT;
    text_line(&b, from, strlen(from));
    snprintf(to, size, "%s", b.data ? b.data : "");
    keel_buf_free(&b);
}

static diag escaped(const diag *d) {
    diag shown = *d;
    escape_into(shown.file, sizeof shown.file, d->file);
    escape_into(shown.what, sizeof shown.what, d->what);
    escape_into(shown.next, sizeof shown.next, d->next);
    return shown;
}

int cli_fault(const diag *d) {
    diag shown = escaped(d);
    diag_print(stderr, &shown);
    return diag_exit_code(d->code);
}

int cli_fault_in(const cli *c, const diag *d, const char *text, size_t len) {
    diag shown = escaped(d);
    char next[sizeof shown.next];
    memcpy(next, shown.next, sizeof next);
    shown.next[0] = 0;
    keel_buf line = KEEL_BUF_INIT;
    pointer_lines(&line, text, len, d->line, d->column, &c->err);
    diag_print(stderr, &shown);
    fprintf(stderr, "%s  %s\n", line.len ? line.data : "", next);
    keel_buf_free(&line);
    return diag_exit_code(d->code);
}

int64_t cli_now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}
