/* keel replay: a run once more, against its record. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "mismatch.h"
#include "paths.h"
#include "replay_play.h"
#include "stored.h"
#include "text.h"

/* NAME@VERSION, or the folder of a version that is not installed yet. */
static int load_other(cli *c, const char *word, plugin **out, diag *d) {
    const char *at = strrchr(word, '@');
    if (strchr(word, '/')) {
        char *lua = path_share("lua/keel.lua");
        int rc = library_read_source(out, word, lua, NULL, d);
        free(lua);
        if (rc == 0 && !(*out)->folder) {
            (*out)->folder = keel_strdup(word);
        }
        return rc;
    }
    char hex[DIGEST_HEX];
    char *name = keel_memdup(word, at ? (size_t)(at - word) : strlen(word));
    int rc = stored_find(c, name, at ? at + 1 : NULL, false, hex, d);
    rc = rc ? rc : stored_plugin(c, hex, out, d);
    free(name);
    return rc;
}

static int check_same_agent(const plugin *p, const char *agent, int64_t run, diag *d) {
    const manifest *m = p->manifest;
    if (m->kind == PLUGIN_AGENT && strcmp(m->name, agent) == 0) {
        return 0;
    }
    diag_set(d, DIAG_USAGE, "Run %" PRId64 " is one of %s, and %s is another plugin.", run, agent,
             m->id);
    return diag_next(d, "Name a version of it: keel replay %" PRId64 " --agent %s@VERSION", run,
                     agent);
}

static void print_json(int64_t run, const replay_result *r) {
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    keel_json_object(&w);
    keel_json_set_text(&w, "agent", r->agent);
    keel_json_set_int(&w, "answered", (int64_t)r->answered);
    if (r->detail.len) {
        keel_json_set_raw(&w, "difference", keel_json_view(r->detail.data, r->detail.len));
    }
    keel_json_set_bool(&w, "ends", r->ends);
    if (r->erased) {
        keel_json_set_text(&w, "erased", r->erased_path);
    }
    keel_json_set_int(&w, "open", (int64_t)r->again);
    keel_json_set_int(&w, "run", run);
    keel_json_set_bool(&w, "same", r->same);
    keel_json_set_text(&w, "state", r->state);
    keel_json_set_text(&w, "version", r->played);
    if (r->what[0]) {
        keel_json_set_text(&w, "what", r->what);
    }
    keel_json_object_end(&w);
    keel_buf_putc(&out, '\n');
    cli_out(&out);
    keel_buf_free(&out);
}

static void print_same(int64_t run, const replay_result *r, keel_buf *out) {
    keel_buf_printf(out, "run %" PRId64, run);
    if (strcmp(r->played, r->version) != 0) {
        keel_buf_printf(out, " under %s %s", r->agent, r->played);
    }
    keel_buf_puts(out, ": ");
    text_plural(out, (int64_t)r->answered, "effect", "effects");
    keel_buf_puts(out, " answered from the record, the same digests");
    if (r->erased) {
        keel_buf_puts(out, "; erased from ");
        text_line(out, r->erased_path, strlen(r->erased_path));
        keel_buf_puts(out, " on, so nothing more can be told");
    } else if (r->ends) {
        keel_buf_puts(out, ", ends as recorded");
    } else if (r->again) {
        keel_buf_puts(out, "; it waits for the same ");
        text_plural(out, (int64_t)r->again, "call", "calls");
    } else if (strcmp(r->state, "open") == 0) {
        keel_buf_puts(out, "; it goes on from there");
    } else {
        keel_buf_printf(out, "; then it was %s from outside", r->state);
    }
    keel_buf_putc(out, '\n');
}

static void print_text(const cli *c, int64_t run, const replay_result *r) {
    keel_buf out = KEEL_BUF_INIT;
    if (r->same) {
        print_same(run, r, &out);
    } else {
        keel_buf_printf(&out, "run %" PRId64 " under %s %s ", run, r->agent, r->played);
        term_put(&c->out, &out, TINT_BAD,
                 r->detail.len ? "goes another way" : "cannot be replayed");
        if (r->what[0]) {
            keel_buf_puts(&out, ": ");
            text_line(&out, r->what, strlen(r->what));
        }
        keel_buf_putc(&out, '\n');
        if (r->detail.len) {
            mismatch_show(keel_json_view(r->detail.data, r->detail.len), &c->out, &out);
        }
    }
    cli_out(&out);
    keel_buf_free(&out);
}

static int replay_run(cli *c, const options *o, diag *d) {
    int64_t run;
    plugin *other = NULL;
    replay_result r = {.same = false};
    const char *word = options_value(o, "agent");
    if (!text_number(o->args[0], &run)) {
        diag_set(d, DIAG_USAGE, "\"%s\" is no number of a run.", o->args[0]);
        return diag_next(d, "See `keel run list`.");
    }
    int rc = cli_workspace(c, d);
    rc = rc ? rc : cli_reader(c, d);
    rc = rc || !word ? rc : load_other(c, word, &other, d);
    rc = rc ? rc : replay_play(c, (uint64_t)run, other, &r, d);
    rc = rc || !other ? rc : check_same_agent(other, r.agent, run, d);
    if (rc == 0) {
        if (c->json) {
            print_json(run, &r);
        } else {
            print_text(c, run, &r);
        }
        rc = r.same ? 0 : 1;
    }
    replay_result_free(&r);
    plugin_destroy(other);
    return rc;
}

static const option replay_options[] = {
    {"agent", 0, "NAME@VERSION|DIR", "try another version, and see the first difference"},
    {NULL, 0, NULL, NULL},
};

const command replay_command = {
    .name = "replay",
    .words = "RUN [--agent NAME@VERSION]",
    .summary = "execute a run once more against its record; nothing leaves, nothing is written",
    .more = "Its code runs in a fresh executor without any way out, and each call is answered from "
            "the journal.\n"
            "Exits with 0 when all calls and the end are the same, with 1 at the first difference, "
            "which it shows.\n"
            "Works while Keel runs and while it is down.",
    .examples = "keel replay 7\nkeel replay 7 --agent triage@0.2.0\nkeel replay 7 --agent "
                "./agents/triage\nkeel replay 7 --json",
    .options = replay_options,
    .least = 1,
    .most = 1,
    .run = replay_run,
};
