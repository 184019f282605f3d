/* keel can: what an agent may do, see, start and spend, and what asks. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "budget_show.h"
#include "can_gather.h"
#include "can_rows.h"
#include "commands.h"
#include "digest.h"
#include "text.h"
#include "yamltree.h"

static int no_agent(const survey *w, const char *name, diag *d) {
    const char *names[256];
    size_t count = 0;
    for (; count < w->view.agent_count && count < 255; count++) {
        names[count] = w->view.agents[count];
    }
    names[count] = NULL;
    const char *near = did_you_mean(name, names);
    diag_set(d, DIAG_NOT_FOUND, "There is no agent %s in this workspace.", name);
    if (near) {
        return diag_next(d, "Did you mean %s?", near);
    }
    return diag_next(d, "See `keel agent list`.");
}

/* ---- pieces ---- */

static void text_of(keel_json from, const char *key, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    keel_json v = keel_json_get(from, key);
    if (!keel_json_string(v, &text)) {
        keel_buf_append(&text, v.data, v.len);
    }
    text_line(out, text.data ? text.data : "", text.len);
    keel_buf_free(&text);
}

static int64_t number_of(keel_json from, const char *key) {
    int64_t n = 0;
    keel_json_int(keel_json_get(from, key), &n);
    return n;
}

static bool has(keel_json from, const char *key) {
    return keel_json_get(from, key).data != NULL;
}

static void list_of(keel_json list, const char *between, keel_buf *out) {
    for (keel_json_iter it = keel_json_each(list); keel_json_next(&it);) {
        keel_buf text = KEEL_BUF_INIT;
        keel_json_string(it.value, &text);
        keel_buf_puts(out, out->len ? between : "");
        text_line(out, text.data ? text.data : "", text.len);
        keel_buf_free(&text);
    }
}

/* ---- what it may do ---- */

static void may_line(const cli *c, keel_json line, keel_buf *out) {
    char verdict[16] = "";
    keel_buf text = KEEL_BUF_INIT;
    keel_json_copy(keel_json_get(line, "verdict"), verdict, sizeof verdict);
    text_of(line, "target", &text);
    char rule[8] = "";
    keel_json_copy(keel_json_get(line, "rule"), rule, sizeof rule);
    keel_buf_puts(&text, !strncmp(rule, "base.", 5) ? "  built in: " : "  by ");
    text_of(line, "rule", &text);
    if (!keel_json_is(keel_json_get(line, "file"), "")) {
        keel_buf_puts(&text, " (");
        text_of(line, "file", &text);
        keel_buf_printf(&text, ":%" PRId64 ")", number_of(line, "line"));
    }
    can_row(c, out, term_outcome(verdict), verdict, text.data);
    keel_buf_clear(&text);
    text_of(line, "when", &text);
    if (text.len) {
        can_row(c, out, TINT_NONE, "", text.data);
    }
    keel_buf_clear(&text);
    list_of(keel_json_get(line, "pace"), "; ", &text);
    if (text.len) {
        keel_buf whole = KEEL_BUF_INIT;
        keel_buf_printf(&whole, "at most %s", text.data);
        can_row(c, out, TINT_NONE, "", !strncmp(text.data, "quiet", 5) ? text.data : whole.data);
        keel_buf_free(&whole);
    }
    keel_buf_free(&text);
}

static void may(const cli *c, keel_json all, keel_buf *out) {
    keel_json lines = keel_json_get(all, "may");
    can_head(c, out, "May do");
    for (keel_json_iter it = keel_json_each(lines); keel_json_next(&it);) {
        may_line(c, it.value, out);
    }
    if (!keel_json_count(lines)) {
        can_row(c, out, TINT_DIM, "nothing", "beyond its own computing");
    }
}

/* ---- what it may see ---- */

static void at_most(const cli *c, keel_json all, keel_buf *out) {
    keel_json bound = keel_json_get(all, "at_most");
    keel_buf text = KEEL_BUF_INIT;
    if (bound.data) {
        keel_buf_puts(&text, "what is ");
        text_of(bound, "sensitivity", &text);
        keel_buf_puts(&text, keel_json_true(keel_json_get(bound, "untrusted"))
                                 ? ", also from anybody"
                                 : ", from sources that are trusted");
        keel_buf_puts(&text, " (max_taint of its manifest)");
    }
    can_row(c, out, TINT_DIM, "at most",
            bound.data ? text.data
                       : "anything: its manifest sets no "
                         "max_taint");
    keel_buf_free(&text);
}

static void sees_line(const cli *c, keel_json line, keel_buf *out) {
    char verdict[16] = "";
    keel_buf text = KEEL_BUF_INIT;
    bool within = keel_json_true(keel_json_get(line, "within"));
    int64_t every = number_of(line, "every_us");
    keel_json_copy(keel_json_get(line, "verdict"), verdict, sizeof verdict);
    text_of(line, "connection", &text);
    keel_buf_putc(&text, '.');
    text_of(line, "resource", &text);
    keel_buf_puts(&text, ": ");
    text_of(line, "level", &text);
    keel_buf_puts(&text, keel_json_true(keel_json_get(line, "untrusted"))
                             ? ", written by anybody: what reads it is tainted"
                             : ", trusted");
    if (every) {
        keel_buf_puts(&text, "; what is new comes by itself, looked for every ");
        text_span(&text, every);
    }
    keel_buf_puts(&text, within ? "" : "; above what it may see, so it is refused");
    can_row(c, out, within ? term_outcome(verdict) : TINT_BAD, within ? verdict : "deny",
            text.data);
    keel_buf_free(&text);
}

static void sees(const cli *c, keel_json all, keel_buf *out) {
    can_head(c, out, "May see");
    at_most(c, all, out);
    for (keel_json_iter it = keel_json_each(keel_json_get(all, "sees")); keel_json_next(&it);) {
        sees_line(c, it.value, out);
    }
}

static void starts(const cli *c, keel_json all, keel_buf *out) {
    keel_json list = keel_json_get(all, "starts");
    can_head(c, out, "May start");
    for (keel_json_iter it = keel_json_each(list); keel_json_next(&it);) {
        char verdict[16] = "";
        keel_buf text = KEEL_BUF_INIT;
        keel_json_copy(keel_json_get(it.value, "verdict"), verdict, sizeof verdict);
        text_of(it.value, "agent", &text);
        can_row(c, out, term_outcome(verdict), verdict, text.data);
        keel_buf_free(&text);
    }
    if (!keel_json_count(list)) {
        can_row(c, out, TINT_DIM, "nobody", "");
    }
}

/* ---- what it goes through ---- */

static void connection_line(const cli *c, keel_json one, keel_buf *out) {
    keel_json breaker = keel_json_get(one, "breaker");
    keel_buf name = KEEL_BUF_INIT, text = KEEL_BUF_INIT;
    text_of(one, "name", &name);
    list_of(keel_json_get(one, "reaches"), "; ", &text);
    can_row(c, out, TINT_NONE, name.data, text.len ? text.data : "reaches no network");
    keel_buf_clear(&text);
    keel_buf_printf(&text, "rests for ");
    text_span(&text, number_of(breaker, "for_us"));
    keel_buf_printf(&text, " when %" PRId64 " of the last %" PRId64 " fail",
                    number_of(breaker, "open_at"), number_of(breaker, "of"));
    can_row(c, out, TINT_NONE, "", text.data);
    if (has(one, "rests")) {
        keel_buf_clear(&text);
        keel_buf_puts(&text, "now it ");
        text_of(one, "rests", &text);
        can_row(c, out, TINT_WAIT, "", text.data);
    }
    keel_buf_free(&name);
    keel_buf_free(&text);
}

static void connections(const cli *c, keel_json all, keel_buf *out) {
    keel_json list = keel_json_get(all, "connections");
    if (keel_json_count(list)) {
        can_head(c, out, "Goes through");
    }
    for (keel_json_iter it = keel_json_each(list); keel_json_next(&it);) {
        connection_line(c, it.value, out);
    }
}

/* ---- what it may spend, and what holds it up ---- */

static const char *whose(const char *scope) {
    return !strcmp(scope, "workspace")         ? "for all of the workspace"
           : !strncmp(scope, "run", 3)         ? "for each run and what it starts"
           : !strncmp(scope, "connection", 10) ? "for each connection"
           : !strcmp(scope, "day")             ? "of you"
                                               : "for each agent";
}

static const char *then(const char *at_hard) {
    static const char *const words[][2] = {
        {"deny", "no more is let"},
        {"ask", "you are asked"},
        {"stop", "its run is paused"},
        {"throttle", "it waits"},
        {"escalate", "you are asked at once"},
        {"batch", "what asks is gathered"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!strcmp(words[i][0], at_hard)) {
            return words[i][1];
        }
    }
    return at_hard;
}

static void put_window(keel_json b, keel_buf *out) {
    char window[24] = "";
    keel_json_copy(keel_json_get(b, "window"), window, sizeof window);
    if (strcmp(window, "life") != 0) {
        keel_buf_printf(out, ", %s %s", window[0] >= '0' && window[0] <= '9' ? "in" : "each",
                        !strcmp(window, "calendar_month") ? "month" : window);
    }
}

static void budget_row_of(const cli *c, keel_json b, keel_buf *out) {
    char unit[16] = "", of[80] = "", hard[16] = "";
    keel_buf text = KEEL_BUF_INIT, id = KEEL_BUF_INIT;
    int64_t limit = number_of(b, "limit"), used = number_of(b, "spent") + number_of(b, "held");
    bool known = has(b, "spent");
    keel_json_copy(keel_json_get(b, "unit"), unit, sizeof unit);
    keel_json_copy(keel_json_get(b, "of"), of, sizeof of);
    keel_json_copy(keel_json_get(b, "at_hard"), hard, sizeof hard);
    text_of(b, "id", &id);
    if (!strcmp(unit, "depth")) {
        keel_buf_printf(&text, "runs at most %" PRId64 " deep", limit);
    } else {
        budget_put(&text, limit, unit, true);
        keel_buf_printf(&text, " %s", whose(of));
        put_window(b, &text);
    }
    if (known) {
        keel_buf_puts(&text, "; left now: ");
        budget_put(&text, limit > used ? limit - used : 0, unit, true);
        keel_buf_puts(&text, strncmp(of, "connection", 10) ? "" : " of ");
        if (!strncmp(of, "connection", 10)) {
            text_of(b, "scope", &text);
        }
    }
    keel_buf_printf(&text, "; then %s (", then(hard));
    text_of(b, "place", &text);
    keel_buf_puts(&text, ")");
    can_row(c, out, known && used >= limit ? TINT_BAD : TINT_NONE, id.data, text.data);
    keel_buf_free(&text);
    keel_buf_free(&id);
}

static void budgets_of(const cli *c, keel_json all, keel_buf *out) {
    keel_json list = keel_json_get(all, "budgets");
    can_head(c, out, "May spend");
    for (keel_json_iter it = keel_json_each(list); keel_json_next(&it);) {
        budget_row_of(c, it.value, out);
    }
    if (!keel_json_count(list)) {
        can_row(c, out, TINT_DIM, "no limit",
                "no budget counts what it does: policies/README.md, "
                "\"Budgets\"");
    }
}

static void waits_of(const cli *c, keel_json all, keel_buf *out) {
    keel_json pauses = keel_json_get(all, "pauses"), now = keel_json_get(all, "waiting");
    keel_buf text = KEEL_BUF_INIT;
    if (!keel_json_count(pauses) && !keel_json_count(now)) {
        return;
    }
    can_head(c, out, "Waits");
    list_of(pauses, "; ", &text);
    if (text.len) {
        keel_buf whole = KEEL_BUF_INIT;
        keel_buf_printf(&whole, "the time to answer it stands still while it is %s", text.data);
        can_row(c, out, TINT_NONE, "for you", whole.data);
        keel_buf_free(&whole);
    }
    for (keel_json_iter it = keel_json_each(now); keel_json_next(&it);) {
        int64_t n = 0;
        keel_json_int(it.value, &n);
        keel_buf_clear(&text);
        text_plural(&text, n, "effect waits", "effects wait");
        keel_buf_puts(&text,
                      keel_json_is(it.key, "rate") ? " for its pace" : " for quiet hours to end");
        can_row(c, out, TINT_WAIT, "now", text.data);
    }
    keel_buf_free(&text);
}

static void page(const cli *c, keel_json all, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    text_of(all, "agent", &text);
    size_t name = text.len;
    term_put(&c->out, out, TINT_BOLD, text.data);
    keel_buf_clear(&text);
    text_of(all, "version", &text);
    if (has(all, "outcome")) {
        keel_buf_puts(&text, ": ");
        text_of(all, "outcome", &text);
    }
    keel_buf_putc(out, ' ');
    can_fill(c, out, text.data, name + 1, 2);
    may(c, all, out);
    sees(c, all, out);
    starts(c, all, out);
    connections(c, all, out);
    budgets_of(c, all, out);
    waits_of(c, all, out);
    keel_buf_free(&text);
}

/* What is told is what the files say, and not yet what decides. */
static void tell_not_in_force(cli *c, const policy *p) {
    char hex[DIGEST_HEX];
    digest_hex(policy_digest(p), hex);
    char *live = cli_value(
        c, "SELECT digest FROM policy_version WHERE seq = (SELECT max(seq) FROM policy_version)",
        NULL);
    if (live && strcmp(live, hex) != 0) {
        cli_say(c, "\npolicies/ has changed: this is not in force until `keel policy reload`. "
                   "`keel policy diff` shows what differs.");
    }
    free(live);
}

static int can_run(cli *c, const options *o, diag *d) {
    survey *w = NULL;
    int rc = survey_load(c, &w, NULL, NULL, d);
    rc = rc ? rc : survey_compile(c, w, NULL, NULL, d);
    if (rc == 0 && !survey_agent(w, o->args[0])) {
        rc = no_agent(w, o->args[0], d);
    }
    if (rc == 0) {
        keel_buf all = KEEL_BUF_INIT, out = KEEL_BUF_INIT;
        can_gather(c, w, o->args[0], &all);
        if (c->json) {
            keel_buf_append(&out, all.data, all.len);
            keel_buf_putc(&out, '\n');
        } else {
            page(c, keel_json_view(all.data, all.len), &out);
        }
        cli_out(&out);
        tell_not_in_force(c, w->policy);
        keel_buf_free(&all);
        keel_buf_free(&out);
    }
    survey_free(w);
    return rc;
}

const command can_command = {
    .name = "can",
    .words = "AGENT",
    .summary = "what an agent may do, see and spend, and what asks you first",
    .more = "Reads the policy as it stands in policies/, which is what `keel policy reload` would "
            "load; and, once\n"
            "Keel has run here, what is left of its budgets and what waits now. `depends` means "
            "that a rule looks\n"
            "at what is asked for: its words stand below. Whom it may start is said of a start "
            "without more.",
    .examples = "keel can triage\nkeel can correspondent --json",
    .least = 1,
    .most = 1,
    .run = can_run,
};
