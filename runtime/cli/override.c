/* keel override: lets one denied effect through, once, with the approver's key. It is no rule. */
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "effect.h"
#include "render.h"
#include "signer.h"
#include "text.h"
#include "words.h"

static void put_place(const effect *e, keel_buf *out) {
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_set_text(&w, "path", e->path);
    keel_json_set_int(&w, "run", (int64_t)e->run);
    keel_json_object_end(&w);
}

static void text_of(keel_json v, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    keel_json_string(v, &text);
    text_line(out, text.data ? text.data : "", text.len);
    keel_buf_free(&text);
}

static void denied_row(keel_json plan, const term *on, keel_buf *out) {
    keel_json decision = keel_json_get(plan, "decision"), word = keel_json_get(plan, "denial");
    char file[256] = "";
    int64_t line = 0;
    keel_json_copy(keel_json_get(decision, "file"), file, sizeof file);
    keel_json_int(keel_json_get(decision, "line"), &line);
    render_label(on, out, "denied by");
    if (word.data) { /* a person's, of before: the rule asks */
        text_of(word, out);
        keel_buf_putc(out, '\n');
        return;
    }
    text_of(keel_json_get(decision, "rule"), out);
    if (file[0]) {
        keel_buf_puts(out, " (");
        text_line(out, file, strlen(file));
        keel_buf_printf(out, ":%" PRId64 ")", line);
    }
    keel_buf_putc(out, '\n');
    render_label(on, out, "");
    text_of(keel_json_get(decision, "why"), out);
    keel_buf_putc(out, '\n');
}

static void show(const cli *c, const effect *e, keel_json plan, const char *signs) {
    keel_buf out = KEEL_BUF_INIT, text = KEEL_BUF_INIT;
    const char *agent = effect_text(e, EFFECT_AGENT), *target = effect_text(e, EFFECT_TARGET);
    text_line(&text, agent, strlen(agent));
    keel_buf_puts(&text, " was denied ");
    text_line(&text, target, strlen(target));
    term_put(&c->out, &out, TINT_BOLD, text.data);
    keel_buf_putc(&out, '\n');
    render_row(&c->out, &out, "class", render_class(effect_text(e, EFFECT_CLASS)));
    denied_row(plan, &c->out, &out);
    keel_buf_clear(&text);
    keel_buf_printf(&text, "%" PRIu64 ", path %s; it goes on from there, once", e->run, e->path);
    render_row(&c->out, &out, "run", text.data);
    keel_buf_clear(&text);
    words_from_hex(&text, signs);
    render_row(&c->out, &out, "signs", text.data);
    keel_buf_putc(&out, '\n');
    term_put(&c->out, &out, TINT_DIM, "  Exactly this:");
    keel_buf_putc(&out, '\n');
    render_fields(keel_json_get(plan, "args"), &c->out, &out);
    keel_buf_putc(&out, '\n');
    cli_out(&out);
    keel_buf_free(&out);
    keel_buf_free(&text);
}

static void say(const cli *c, const effect *e, const char *signs, keel_json result) {
    keel_buf line = KEEL_BUF_INIT;
    if (c->json) {
        keel_buf_printf(&line, "%.*s\n", (int)result.len, result.data);
    } else {
        term_put(&c->out, &line, TINT_GOOD, "let through once");
        keel_buf_puts(&line, "  ");
        words_from_hex(&line, signs);
        keel_buf_printf(&line, "; run %" PRIu64 " goes on from %s: keel why %" PRIu64 ":%s\n",
                        e->run, e->path, e->run, e->path);
    }
    cli_out(&line);
    keel_buf_free(&line);
}

static int sign_and_send(cli *c, const effect *e, const char *signs, const char *why, diag *d) {
    signer s = {.incarnation = NULL};
    keel_buf args = KEEL_BUF_INIT, result = KEEL_BUF_INIT;
    int rc = signer_open(c, &s, "An override", "keel override", d);
    if (rc == 0) {
        signer_override(&s, signs, e->run, e->path, why, &args);
        rc = cli_call(c, "override", &args, &result, d);
    }
    if (rc == 0) {
        say(c, e, signs, keel_json_view(result.data, result.len));
    }
    signer_finish(&s);
    keel_buf_free(&args);
    keel_buf_free(&result);
    return rc;
}

static int lift(cli *c, const effect *e, const char *why, diag *d) {
    keel_buf place = KEEL_BUF_INIT, result = KEEL_BUF_INIT;
    char signs[80] = "";
    put_place(e, &place);
    int rc = cli_call(c, "override.plan", &place, &result, d);
    keel_json plan = keel_json_view(result.data, result.len);
    if (rc == 0) {
        keel_json_copy(keel_json_get(plan, "override"), signs, sizeof signs);
        if (!c->json) {
            show(c, e, plan, signs);
        }
    }
    if (rc == 0 && c->dry_run) {
        cli_say(c, "Nothing was overridden (--dry-run).");
    } else if (rc == 0) {
        rc = sign_and_send(c, e, signs, why, d);
    }
    keel_buf_free(&place);
    keel_buf_free(&result);
    return rc;
}

static int override_run(cli *c, const options *o, diag *d) {
    effect e;
    const char *why = options_value(o, "why");
    if (!why || !*why) {
        diag_set(d, DIAG_USAGE, "An override needs its reason: it is recorded.");
        return diag_next(d, "Add --why \"...\".");
    }
    int rc = effect_find(c, o->args[0], &e, d);
    if (rc == 0) {
        rc = cli_client(c, d);
        rc = rc ? rc : lift(c, &e, why, d);
        effect_finish(&e);
    }
    return rc;
}

static const option override_options[] = {
    {"why", 0, "TEXT", "the reason, in a sentence"},
    {NULL, 0, NULL, NULL},
};

const command override_command = {
    .name = "override",
    .words = "N | RUN:PATH --why TEXT",
    .summary = "let through, once, what policy has denied",
    .more =
        "Shows exactly what would be done, asks the approver's passphrase, and lets the run go on "
        "from the\n"
        "step that was denied. It is recorded, and never a rule: the next one is denied as "
        "before. It\n"
        "lifts no budget, and only where nothing that the run did afterwards would be done "
        "twice. N is a\n"
        "run that is stuck at a denial.",
    .examples = "keel override 7:3 --why \"She asked for it on the phone\"\n"
                "keel override 12 --why \"Just this once\" --dry-run",
    .options = override_options,
    .least = 1,
    .most = 1,
    .run = override_run,
};
