/* keel do: one intent, one run, followed to where it ends or waits. */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "fsio.h"
#include "given.h"
#include "live.h"
#include "suggest.h"
#include "survey.h"
#include "text.h"
#include "yamltree.h"

#define VALUE_MAX (4u << 20)

/* ---- the input ---- */

/* Numbers, true, false and null are what they look like; anything else is text. */
static void typed_value(const char *text, size_t len, keel_buf *out) {
    keel_buf number = KEEL_BUF_INIT;
    keel_json_error e;
    bool word =
        strcmp(text, "true") == 0 || strcmp(text, "false") == 0 || strcmp(text, "null") == 0;
    bool digits = len > 0 && (strchr("-0123456789", text[0]) != NULL);
    if ((word || digits) && keel_json_canonical(&number, text, len, &e) == 0) {
        keel_buf_append(out, number.data, number.len);
    } else if (keel_json_quote(out, text, len) != 0) {
        keel_buf_puts(out, "null");
    }
    keel_buf_free(&number);
}

static int file_value(const char *name, const char *path, keel_buf *out, diag *d) {
    keel_buf bytes = KEEL_BUF_INIT;
    int rc = fsio_read(path, VALUE_MAX, &bytes, d);
    if (rc == 0 && keel_json_quote(out, bytes.data ? bytes.data : "", bytes.len) != 0) {
        diag_set(d, DIAG_USAGE, "%s is not UTF-8 text, so it cannot be the value of %s.", path,
                 name);
        rc = diag_next(d, "Convert it, or give the agent the file's path instead.");
    }
    keel_buf_free(&bytes);
    return rc;
}

static int input_member(const char *word, keel_buf *out, diag *d) {
    size_t len = strcspn(word, "=");
    if (!word[len] || len == 0) {
        diag_set(d, DIAG_USAGE, "\"%s\" is no KEY=VALUE.", word);
        return diag_next(d, "For example: keel do triage limit=20 note=@note.txt");
    }
    char *name = keel_memdup(word, len);
    const char *value = word + len + 1;
    int rc = keel_json_quote(out, name, len);
    if (rc) {
        rc = diag_set(d, DIAG_USAGE, "A key is not UTF-8.");
    }
    keel_buf_putc(out, ':');
    if (rc == 0 && value[0] == '@') {
        rc = file_value(name, value + 1, out, d);
    } else if (rc == 0) {
        typed_value(value, strlen(value), out);
    }
    free(name);
    return rc;
}

static int read_input(const options *o, keel_buf *input, diag *d) {
    keel_buf plain = KEEL_BUF_INIT;
    keel_json_error e;
    int rc = 0;
    keel_buf_putc(&plain, '{');
    for (size_t i = 1; rc == 0 && i < o->arg_count; i++) {
        keel_buf_puts(&plain, i > 1 ? "," : "");
        rc = input_member(o->args[i], &plain, d);
    }
    keel_buf_putc(&plain, '}');
    if (rc == 0 && keel_json_canonical(input, plain.data, plain.len, &e) != 0) {
        diag_set(d, DIAG_USAGE, "The values make no input: %s.", e.message);
        rc = diag_next(d, "Give each key once.");
    }
    keel_buf_free(&plain);
    return rc;
}

static int command_args(const options *o, bool follow, keel_buf *out, diag *d) {
    keel_buf input = KEEL_BUF_INIT;
    const char *key = options_value(o, "key");
    int rc = read_input(o, &input, d);
    if (rc == 0) {
        keel_json_writer w;
        keel_json_write(&w, out);
        keel_json_object(&w);
        keel_json_set_text(&w, "agent", o->args[0]);
        keel_json_set_bool(&w, "follow", follow);
        keel_json_set_raw(&w, "input", keel_json_view(input.data, input.len));
        if (key) {
            keel_json_set_text(&w, "key", key);
        }
        given_label(o, &w);
        keel_json_object_end(&w);
    }
    keel_buf_free(&input);
    return rc;
}

/* ---- how it ended ---- */

typedef struct faulty {
    const char *agent;
    diag fault;
} faulty;

/* The folder of an agent has its name, as a rule. */
static void keep_fault(void *ctx, const diag *d) {
    faulty *f = ctx;
    keel_buf part = KEEL_BUF_INIT;
    keel_buf_printf(&part, "/%s/", f->agent);
    if (strstr(d->file, part.data)) {
        f->fault = *d;
    }
    keel_buf_free(&part);
}

/* Why there is no such agent: its manifest is at fault, or the name is another. */
static void offer_name(cli *c, const char *agent, diag *d) {
    survey *w = NULL;
    diag ignored;
    faulty f = {.agent = agent};
    if (d->code != DIAG_NOT_FOUND || survey_load(c, &w, keep_fault, &f, &ignored) != 0) {
        return;
    }
    if (f.fault.what[0]) {
        *d = f.fault;
        survey_free(w);
        return;
    }
    const char **names = keel_alloc((w->view.agent_count + 1) * sizeof *names);
    memcpy(names, w->view.agents, w->view.agent_count * sizeof *names);
    names[w->view.agent_count] = NULL;
    const char *near = did_you_mean(agent, names);
    if (near && strcmp(near, agent) != 0) {
        diag_next(d, "Did you mean `keel do %s`?", near);
    } else if (!d->next[0]) {
        diag_next(d, "See `keel agent list`.");
    }
    free(names);
    survey_free(w);
}

static const char denied_sql[] =
    "SELECT min(e.run || ':' || e.path) FROM effect e JOIN run r ON r.id = e.run"
    " WHERE r.root = CAST(? AS INTEGER) AND e.state = 'denied' GROUP BY e.target, e.rule LIMIT 3";

typedef struct denials {
    char *words[3];
    size_t count;
} denials;

static int add_denial(void *ctx, int columns, const char *const *values, const char *const *names) {
    (void)columns;
    (void)names;
    denials *all = ctx;
    if (values[0] && all->count < 3) {
        all->words[all->count++] = keel_strdup(values[0]);
    }
    return 0;
}

typedef struct denial {
    keel_buf args, why;
    const char *path;
} denial;

static int take_denial(void *ctx, const journal_row *row) {
    denial *x = ctx;
    if (row->kind == RECORD_EFFECT_DENIED && strcmp(row->path, x->path) == 0) {
        keel_json args = keel_json_get(row->body, "args");
        keel_buf_append(&x->args, args.data, args.len);
        keel_json_string(keel_json_path(row->body, "error.why"), &x->why);
    }
    return 0;
}

static void tell_denial(cli *c, const char *word) {
    effect e;
    diag d;
    denial x = {.path = strchr(word, ':') + 1};
    if (effect_find(c, word, &e, &d) != 0) {
        return;
    }
    uint64_t run = e.run;
    if (reader_runs(c->db, &run, 1, take_denial, &x, &d) == 0) {
        keel_buf line = KEEL_BUF_INIT;
        text_line(&line, x.why.data ? x.why.data : "", x.why.len);
        cli_say(c, "Denied: %s by %s (%s). %s", effect_text(&e, EFFECT_TARGET),
                effect_text(&e, EFFECT_AGENT), word, line.data ? line.data : "");
        suggest_rule(c, &e, keel_json_view(x.args.data, x.args.len));
        keel_buf_free(&line);
    }
    keel_buf_free(&x.args);
    keel_buf_free(&x.why);
    effect_finish(&e);
}

static void tell_denials(cli *c, const char *run) {
    denials all = {.count = 0};
    diag d;
    if (cli_reader(c, &d) == 0) {
        reader_query(c->db, denied_sql, &run, 1, add_denial, &all, &d);
    }
    for (size_t i = 0; i < all.count; i++) {
        tell_denial(c, all.words[i]);
        free(all.words[i]);
    }
}

/* What of the run's tree waits for a hand now. */
static void tell_failure(cli *c, const char *run) {
    diag d;
    int64_t stuck = 0;
    if (cli_reader(c, &d) == 0) {
        stuck = cli_number(c,
                           "SELECT max(i.number) FROM item i JOIN run r ON r.id = i.run"
                           " WHERE r.root = CAST(? AS INTEGER) AND i.state = 'open'"
                           " AND i.kind = 'stuck'",
                           run);
    }
    cli_say(c, "Run %s failed. See `keel run show %s`.", run, run);
    if (stuck) {
        cli_say(c,
                "It is stuck as item %" PRId64 ": see `keel stuck show %" PRId64
                "`; when its cause is mended, `keel stuck retry %" PRId64 "`.",
                stuck, stuck, stuck);
    }
}

/* What it waits for besides a person. */
static void tell_wait(cli *c, const char *run) {
    static const char sql[] =
        "SELECT e.reason, e.run || ':' || e.path, e.due_us FROM effect e JOIN run r ON r.id = e.run"
        " WHERE r.root = (SELECT root FROM run WHERE id = CAST(? AS INTEGER)) AND e.state = "
        "'waiting'"
        " AND e.reason IN ('rate', 'quiet', 'breaker', 'halted') ORDER BY e.due_us LIMIT 1";
    cli_row row = {0};
    diag ignored = {0};
    if (cli_reader(c, &ignored) || cli_one(c, sql, &run, 1, &row, &ignored)) {
        cli_say(c, "Run %s waits. See `keel run show %s`.", run, run);
        return;
    }
    const char *reason = row.values[0];
    keel_buf until = KEEL_BUF_INIT;
    keel_buf_puts(&until, "");
    if (row.values[2]) {
        keel_buf_puts(&until, !strcmp(reason, "rate") ? ", until about " : ", until ");
        text_time(&until, strtoll(row.values[2], NULL, 10));
    }
    if (!strcmp(reason, "halted")) {
        keel_buf_printf(&until, ", until %s", cli_halt_ends(c));
    }
    cli_say(c, "Run %s waits for %s%s. See `keel why %s`.", run,
            !strcmp(reason, "rate")      ? "its pace"
            : !strcmp(reason, "quiet")   ? "quiet hours to end"
            : !strcmp(reason, "breaker") ? "a connection that rests"
                                         : "the end of the halt",
            until.data, row.values[1]);
    keel_buf_free(&until);
    cli_row_free(&row);
}

static void tell_end(cli *c, int64_t run, int exit_code, keel_json waiting) {
    char number[24];
    snprintf(number, sizeof number, "%" PRId64, run);
    size_t count = keel_json_count(waiting);
    if (exit_code == 3 && count == 0) {
        tell_wait(c, number);
    } else if (exit_code == 3) {
        cli_say(c, "Run %s: %zu %s for you. See `keel inbox`.", number, count,
                count == 1 ? "item waits" : "items wait");
    } else if (exit_code == 5) {
        tell_denials(c, number);
    } else if (exit_code != 0) {
        tell_failure(c, number);
    } else {
        cli_say(c, "Run %s has ended.", number);
    }
}

/* Only what a signal handler may do. */
static void interrupted(int number) {
    (void)number;
    static const char text[] =
        "\nThe run goes on without this view. See `keel run list`; end it with "
        "`keel run cancel RUN`.\n";
    ssize_t ignored = write(2, text, sizeof text - 1);
    (void)ignored;
    _exit(130);
}

int do_follow(cli *c, int64_t run, diag *d) {
    keel_buf waiting = KEEL_BUF_INIT;
    int exit_code = 0;
    live view;
    live_begin(&view, c, run);
    client_on_idle(c->kernel, live_idle, &view);
    signal(SIGINT, interrupted);
    int rc = client_follow(c->kernel, live_event, &view, &exit_code, &waiting, d);
    signal(SIGINT, SIG_DFL);
    client_on_idle(c->kernel, NULL, NULL);
    live_end(&view);
    if (rc == 0) {
        keel_json numbers = keel_json_view(waiting.data, waiting.len);
        live_result(c, run, exit_code, numbers);
        if (!c->json) {
            tell_end(c, run, exit_code, numbers);
        }
        rc = exit_code;
    }
    keel_buf_free(&waiting);
    return rc;
}

static int started(cli *c, const keel_buf *result, bool detach, diag *d) {
    keel_json v = keel_json_view(result->data, result->len);
    int64_t run = 0;
    keel_json_int(keel_json_get(v, "run"), &run);
    bool existing = keel_json_true(keel_json_get(v, "existing"));
    if (existing) {
        cli_say(c, "There is a run with this key already: run %" PRId64 ".", run);
    }
    if (!detach) {
        return do_follow(c, run, d);
    }
    if (c->json) {
        cli_print("%s\n", result->data);
    } else {
        cli_print("run %" PRId64 "\n", run);
        cli_say(c, "Watch it with `keel logs -f --run %" PRId64 "`.", run);
    }
    return 0;
}

static int do_run(cli *c, const options *o, diag *d) {
    bool detach = options_has(o, "detach");
    keel_buf args = KEEL_BUF_INIT, result = KEEL_BUF_INIT;
    int rc = command_args(o, !detach, &args, d);
    if (rc == 0 && c->dry_run) {
        cli_print("%s\n", args.data);
    } else if (rc == 0) {
        rc = cli_call(c, "do", &args, &result, d);
        if (rc) {
            offer_name(c, o->args[0], d);
        }
        rc = rc ? rc : started(c, &result, detach, d);
    }
    keel_buf_free(&args);
    keel_buf_free(&result);
    return rc;
}

static const option do_options[] = {
    {"key", 0, "TEXT", "the same agent and key is one run, however often it is asked for"},
    {"detach", 0, NULL, "do not follow; print the number of the run"},
    LABEL_OPTIONS("the values are"),
    {NULL, 0, NULL, NULL},
};

const command do_command = {
    .name = "do",
    .words = "AGENT [KEY=VALUE...]",
    .summary = "start one run of an agent and follow it to where it ends or waits",
    .more =
        "VALUE is a number, true, false or text; @FILE reads a file. Ends with 0 when all has "
        "ended,\n"
        "3 when the rest waits for a person, 5 when policy denied something, 1 when it failed.\n"
        "What you give is trusted and internal, unless you say otherwise.",
    .examples =
        "keel do triage\nkeel do triage limit=20\n"
        "keel do correspondent message=4 note=@note.txt --key reply-4\nkeel do triage --detach\n"
        "keel do sort text=@mail.txt --untrusted --sensitivity confidential",
    .options = do_options,
    .least = 1,
    .most = -1,
    .run = do_run,
};
