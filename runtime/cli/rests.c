#include "rests.h"

#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "text.h"

static const char rests_sql[] = "SELECT connection, state, until_us, why FROM breaker"
                                " WHERE state <> 'closed' AND (?1 IS NULL OR connection = ?1)"
                                " ORDER BY connection";

static void put_rest(const char *const *v, keel_buf *out) {
    keel_buf_puts(out, "rests ");
    if (!strcmp(v[1], "half_open")) {
        keel_buf_puts(out, "until one effect has gone through: ");
    } else {
        keel_buf_puts(out, "until ");
        text_time(out, v[2] ? strtoll(v[2], NULL, 10) : 0);
        keel_buf_puts(out, ": ");
    }
    text_line(out, v[3], strlen(v[3]));
}

static int on_print(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    cli *c = ctx;
    keel_buf line = KEEL_BUF_INIT;
    term_put(&c->out, &line, TINT_WAIT, v[0]);
    keel_buf_putc(&line, ' ');
    put_rest(v, &line);
    keel_buf_printf(&line, "; `keel connection retry %s` ends it\n", v[0]);
    cli_out(&line);
    keel_buf_free(&line);
    return 0;
}

void rests_print(cli *c, const char *only) {
    diag ignored = {0};
    if (cli_reader(c, &ignored) == 0) {
        (void)reader_query(c->db, rests_sql, &only, 1, on_print, c, &ignored);
    }
}

static int on_rest(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    put_rest(v, ctx);
    return 0;
}

bool rests_of(cli *c, const char *target, keel_buf *out) {
    char name[80];
    const char *params[] = {name};
    diag ignored = {0};
    size_t before = out->len;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(target, "."), target);
    (void)reader_query(c->db, rests_sql, params, 1, on_rest, out, &ignored);
    return out->len > before;
}

void rests_values(cli *c, const char *name, connection_rest *out) {
    diag ignored = {0};
    const char *params[] = {name};
    *out = (connection_rest){0};
    if (cli_reader(c, &ignored) == 0) {
        (void)cli_one(c, rests_sql, params, 1, &out->row, &ignored);
    }
    out->until_us = out->row.count ? out->row.values[2] : NULL;
    out->why = out->row.count ? out->row.values[3] : NULL;
}

/* ---- pace ---- */

static const char paced_sql[] =
    "SELECT count(*), min(due_us), reason, (SELECT run || ':' || path FROM effect f WHERE f.state ="
    " 'waiting' AND f.reason = e.reason ORDER BY f.due_us, f.run LIMIT 1) FROM effect e"
    " WHERE state = 'waiting' AND reason IN ('rate', 'quiet') GROUP BY reason ORDER BY reason";

static int on_paced(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    cli *c = ctx;
    keel_buf line = KEEL_BUF_INIT, count = KEEL_BUF_INIT;
    bool one = !strcmp(v[0], "1"), rate = !strcmp(v[2], "rate");
    text_plural(&count, strtoll(v[0], NULL, 10), "effect", "effects");
    term_put(&c->out, &line, TINT_WAIT, count.data);
    keel_buf_printf(&line, " wait%s for %s: %s ", one ? "s" : "",
                    rate ? one ? "its pace" : "their pace" : "quiet hours to end",
                    rate ? "the next goes about" : "the next goes at");
    text_time(&line, v[1] ? strtoll(v[1], NULL, 10) : 0);
    keel_buf_printf(&line, "; keel why %s\n", v[3]);
    cli_out(&line);
    keel_buf_free(&line);
    keel_buf_free(&count);
    return 0;
}

void paced_print(cli *c) {
    diag ignored = {0};
    if (cli_reader(c, &ignored) == 0) {
        (void)reader_query(c->db, paced_sql, NULL, 0, on_paced, c, &ignored);
    }
}

/* ---- keel connection retry ---- */

static int retry_run(cli *c, const options *o, diag *d) {
    keel_buf args = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &args);
    keel_json_object(&w);
    keel_json_set_text(&w, "connection", o->args[0]);
    keel_json_object_end(&w);
    int rc = c->dry_run ? 0 : cli_call(c, "connection.retry", &args, NULL, d);
    keel_buf_free(&args);
    diag ignored = {0};
    if (rc == 0 && !c->dry_run && cli_reader(c, &ignored) == 0 &&
        cli_number(c, "SELECT halted FROM control", NULL)) {
        cli_say(
            c, "%s rests no more. The workspace is halted: what waits is sent after `keel resume`.",
            o->args[0]);
    } else if (rc == 0) {
        cli_say(c, c->dry_run ? "What waits for %s would be sent." : "What waited for %s is sent.",
                o->args[0]);
    }
    return rc;
}

const command connection_retry_verb = {
    .name = "retry",
    .words = "NAME",
    .summary = "send again through a connection that rests, now",
    .more = "A connection rests when too much of what is sent through it fails, when it answers "
            "401, 402 "
            "or\n"
            "403, or when it says when to come again; `keel connection list` shows until when. "
            "Mend what "
            "is\n"
            "wrong first: if it goes on failing, it rests again. A reload sends one effect to see.",
    .examples = "keel connection retry billing",
    .least = 1,
    .most = 1,
    .run = retry_run,
};
