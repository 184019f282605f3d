/* `keel` alone: where things stand, and the next sensible command. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "budget_show.h"
#include "commands.h"
#include "text.h"
#include "troubles.h"

typedef struct standing {
    bool running, started;
    int64_t items, later, stuck, escalated, unknown, open, paused;
    bool halted, no_room; /* halted by Keel itself, until there is room on the disk */
    keel_buf kernel;      /* what it says of itself; empty: none runs */
} standing;

static int take(cli *c, standing *s, diag *d) {
    s->running = cli_running(c);
    troubles_ask(c, &s->kernel);
    int rc = cli_reader(c, d);
    s->started = rc == 0;
    if (rc) {
        return rc == DIAG_NOT_FOUND ? 0 : rc;
    }
    char now[24];
    snprintf(now, sizeof now, "%" PRId64, cli_now_us());
    s->items = cli_number(c,
                          "SELECT count(*) FROM item WHERE state = 'open' AND kind <> 'override'"
                          " AND coalesce(raise_us, 0) <= CAST(? AS INTEGER)",
                          now);
    s->later = cli_number(c,
                          "SELECT count(*) FROM item WHERE state = 'open' AND kind <> 'override'"
                          " AND raise_us > CAST(? AS INTEGER)",
                          now);
    s->stuck =
        cli_number(c, "SELECT count(*) FROM item WHERE state = 'open' AND kind = 'stuck'", NULL);
    s->escalated =
        cli_number(c, "SELECT count(*) FROM item WHERE state = 'open' AND escalated > 0", NULL);
    s->unknown = cli_number(
        c, "SELECT count(*) FROM effect WHERE state IN ('unknown', 'reconciling')", NULL);
    s->open = cli_number(c, "SELECT count(*) FROM run WHERE state = 'open'", NULL);
    s->paused = cli_number(c, "SELECT count(*) FROM run WHERE state = 'paused'", NULL);
    s->halted = cli_halted(c);
    s->no_room = cli_halted_for_room(c);
    return 0;
}

static const char *next_step(const standing *s) {
    static char test[120];
    char name[80];
    if (!s->running) {
        return "keel up --detach";
    }
    if (s->items) {
        return "keel inbox";
    }
    if (s->halted) {
        return s->no_room ? "keel doctor" : "keel resume";
    }
    if (s->unknown) {
        return "keel unknown list";
    }
    if (troubles_first(&s->kernel, name, sizeof name)) {
        snprintf(test, sizeof test, "keel connection test %s", name);
        return test;
    }
    return s->open ? "keel logs -f" : "keel do AGENT    (see `keel agent list`)";
}

static int64_t clock_ahead_us(const standing *s) {
    int64_t ahead_us = 0;
    keel_json_int(keel_json_get(keel_json_view(s->kernel.data, s->kernel.len), "clock_ahead_us"),
                  &ahead_us);
    return ahead_us;
}

static int64_t still(const standing *s) {
    int64_t n = 0;
    keel_json_int(keel_json_get(keel_json_view(s->kernel.data, s->kernel.len), "standing"), &n);
    return n;
}

/* Open, but nobody can run them: else only the log says so. */
static void put_still(const cli *c, const standing *s, keel_buf *out) {
    keel_buf words = KEEL_BUF_INIT;
    if (still(s)) {
        text_plural(&words, still(s), "open run stands still", "open runs stand still");
        keel_buf_puts(&words, ": the version of its agent is not in .keel/plugins as it was "
                              "installed. `.keel/keel.log` says which; put it back, "
                              "then `keel down`, `keel up`");
        term_put(&c->out, out, TINT_BAD, words.data);
        keel_buf_putc(out, '\n');
    }
    keel_buf_free(&words);
}

static int64_t unanchored_us(const standing *s) {
    int64_t since_us = 0;
    keel_json kernel = keel_json_view(s->kernel.data, s->kernel.len);
    keel_json_int(keel_json_get(keel_json_get(kernel, "anchor"), "unanchored_us"), &since_us);
    return since_us;
}

static void print_anchor(cli *c, const standing *s, keel_buf *out) {
    keel_buf words = KEEL_BUF_INIT;
    char why[240] = "";
    keel_json kernel = keel_json_view(s->kernel.data, s->kernel.len);
    keel_json_copy(keel_json_get(keel_json_get(kernel, "anchor"), "trouble"), why, sizeof why);
    keel_buf_puts(&words, "unanchored since ");
    text_time(&words, unanchored_us(s));
    keel_buf_puts(&words, ": ");
    text_line(&words, why, strlen(why));
    term_put(&c->out, out, TINT_BAD, words.data);
    keel_buf_putc(out, '\n');
    keel_buf_free(&words);
}

/* "budget month of workspace is used up: 9.98 of 10.00 USD in 2026-11: keel budget month" */
static void put_budget(const cli *c, keel_json one, keel_buf *out) {
    char id[64] = "", scope[80] = "", unit[16] = "", window[24] = "";
    int64_t spent = 0, held = 0, limit = 0;
    bool full = keel_json_true(keel_json_get(one, "full"));
    keel_json_copy(keel_json_get(one, "budget"), id, sizeof id);
    keel_json_copy(keel_json_get(one, "scope"), scope, sizeof scope);
    keel_json_copy(keel_json_get(one, "unit"), unit, sizeof unit);
    keel_json_copy(keel_json_get(one, "window"), window, sizeof window);
    keel_json_int(keel_json_get(one, "spent"), &spent);
    keel_json_int(keel_json_get(one, "held"), &held);
    keel_json_int(keel_json_get(one, "limit"), &limit);
    keel_buf words = KEEL_BUF_INIT;
    keel_buf_printf(&words, "budget %s of %s %s: ", id, scope,
                    full ? "is used up" : "has reached its soft limit");
    budget_put(&words, spent + held, unit, false);
    keel_buf_puts(&words, " of ");
    budget_put(&words, limit, unit, true);
    if (strcmp(window, "-") != 0) {
        keel_buf_printf(&words, " %s %s",
                        strchr("0123456789", window[0]) && strchr(window, '-') ? "in" : "within",
                        window);
    }
    keel_buf_printf(&words, ": keel budget %s", id);
    term_put(&c->out, out, full ? TINT_BAD : TINT_WAIT, words.data);
    keel_buf_putc(out, '\n');
    keel_buf_free(&words);
}

#define BUDGETS_SHOWN 5

static void put_budgets(const cli *c, const standing *s, keel_buf *out) {
    size_t count = 0;
    keel_json list = keel_json_get(keel_json_view(s->kernel.data, s->kernel.len), "budgets");
    for (keel_json_iter it = keel_json_each(list); list.len && keel_json_next(&it);) {
        if (count++ < BUDGETS_SHOWN) {
            put_budget(c, it.value, out);
        }
    }
    if (count > BUDGETS_SHOWN) {
        keel_buf_printf(out, "and %zu more budgets: keel budget\n", count - BUDGETS_SHOWN);
    }
    troubles_gathered(&s->kernel, out);
}

static void print_json(const cli *c, const standing *s) {
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    keel_json kernel = keel_json_view(s->kernel.data, s->kernel.len);
    keel_json_object(&w);
    if (s->kernel.len) {
        keel_json_set_raw(&w, "anchor", keel_json_get(kernel, "anchor"));
        keel_json_set_raw(&w, "budgets", keel_json_get(kernel, "budgets"));
    }
    keel_json_set_int(&w, "clock_ahead_us", clock_ahead_us(s));
    if (s->kernel.len) {
        keel_json_set_raw(&w, "connections", keel_json_get(kernel, "connections"));
    }
    keel_json_set_int(&w, "escalated", s->escalated);
    keel_json_set_bool(&w, "halted", s->halted);
    keel_json_set_int(&w, "items", s->items);
    keel_json_set_int(&w, "later", s->later);
    if (s->kernel.len) {
        keel_json_set_raw(&w, "network", keel_json_get(kernel, "network"));
        keel_json_set_raw(&w, "notify", keel_json_get(kernel, "notify"));
    }
    keel_json_set_int(&w, "open_runs", s->open);
    keel_json_set_int(&w, "paused_runs", s->paused);
    keel_json_set_bool(&w, "running", s->running);
    keel_json_set_int(&w, "standing", still(s));
    keel_json_set_int(&w, "stuck", s->stuck);
    keel_json_set_int(&w, "unknown", s->unknown);
    keel_json_set_text(&w, "workspace", c->ws->root);
    keel_json_object_end(&w);
    keel_buf_putc(&out, '\n');
    cli_out(&out);
    keel_buf_free(&out);
}

static void put_later(const standing *s, keel_buf *out) {
    if (s->later) {
        text_plural(out, s->later, "more is gathered for a digest: keel inbox --all\n",
                    "more are gathered for digests: keel inbox --all\n");
    }
}

static void put_escalated(const cli *c, const standing *s, keel_buf *out) {
    if (s->escalated) {
        keel_buf words = KEEL_BUF_INIT;
        text_plural(&words, s->escalated, "item is escalated: nobody has decided it in time",
                    "items are escalated: nobody has decided them in time");
        term_put(&c->out, out, TINT_BAD, words.data);
        keel_buf_putc(out, '\n');
        keel_buf_free(&words);
    }
}

static void print_text(cli *c, const standing *s) {
    keel_buf out = KEEL_BUF_INIT;
    keel_buf_puts(&out, "workspace ");
    text_line(&out, c->ws->name, strlen(c->ws->name));
    keel_buf_puts(&out, ": ");
    term_put(&c->out, &out, s->running ? TINT_GOOD : TINT_WAIT,
             s->running   ? "running"
             : s->started ? "not running"
                          : "never started");
    if (s->halted) {
        keel_buf_puts(&out, ", ");
        term_put(&c->out, &out, TINT_BAD, "halted");
    }
    keel_buf_putc(&out, '\n');
    char *why = s->halted ? cli_value(c, "SELECT nullif(halted_why, '') FROM control", NULL) : NULL;
    if (why) {
        keel_buf_puts(&out, "halted: ");
        text_line(&out, why, strlen(why));
        keel_buf_putc(&out, '\n');
        free(why);
    }
    text_plural(&out, s->items, "item needs you, ", "items need you, ");
    text_plural(&out, s->open, "run is open, ", "runs are open, ");
    text_plural(&out, s->paused, "is paused, ", "are paused, ");
    text_plural(&out, s->unknown, "outcome is unknown\n", "outcomes are unknown\n");
    put_later(s, &out);
    if (s->stuck) {
        text_plural(&out, s->stuck, "is stuck\n", "are stuck\n");
    }
    put_escalated(c, s, &out);
    put_still(c, s, &out);
    put_budgets(c, s, &out);
    if (clock_ahead_us(s)) {
        keel_buf words = KEEL_BUF_INIT;
        keel_buf_printf(&words,
                        "the clock has jumped %" PRId64
                        " minutes ahead, and nothing expires by it: "
                        "if it is right, `keel resume --clock`",
                        clock_ahead_us(s) / 60000000);
        term_put(&c->out, &out, TINT_BAD, words.data);
        keel_buf_putc(&out, '\n');
        keel_buf_free(&words);
    }
    if (unanchored_us(s)) {
        print_anchor(c, s, &out);
    }
    cli_out(&out);
    troubles_print(c, &s->kernel);
    keel_buf_clear(&out);
    keel_buf_printf(&out, "next: %s\n", next_step(s));
    cli_out(&out);
    keel_buf_free(&out);
}

int status_short(cli *c, diag *d) {
    int rc = cli_workspace(c, d);
    if (rc == DIAG_NOT_FOUND && !c->folder && !c->json) {
        cli_print("There is no workspace here.\n\nMake one:   keel init --from ~/Maildir\n"
                  "Learn more: keel help\n");
        return 0;
    }
    if (rc) {
        return rc;
    }
    standing s = {0};
    rc = take(c, &s, d);
    if (rc == 0 && c->json) {
        print_json(c, &s);
    } else if (rc == 0) {
        print_text(c, &s);
    }
    keel_buf_free(&s.kernel);
    return rc;
}
