/* keel connector check: the conformance kit, in TAP or JSON, and its receipt. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check_receipt.h"
#include "commands.h"
#include "kit.h"
#include "manifest.h"
#include "paths.h"

typedef struct checking {
    cli *c;
    int lines;
} checking;

static void print_json(const kit_line *l) {
    static const char *const words[] = {"passed", "failed", "skipped"};
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    keel_json_object(&w);
    keel_json_set_text(&w, "check", l->check);
    keel_json_set_text(&w, "resource", l->resource);
    keel_json_set_text(&w, "verdict", words[l->verdict]);
    keel_json_set_text(&w, "what", l->what);
    keel_json_key(&w, "why");
    keel_json_textn(&w, l->why, strlen(l->why));
    keel_json_object_end(&w);
    keel_buf_putc(&out, '\n');
    cli_out(&out);
    keel_buf_free(&out);
}

/* A line of TAP holds no newline, and # begins a directive there. */
static void put_plain(keel_buf *out, const char *text) {
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        keel_buf_putc(out, c < 32 || c == 127 ? ' ' : *text == '#' ? '%' : *text);
    }
}

static void print_tap(int number, const kit_line *l) {
    keel_buf out = KEEL_BUF_INIT;
    keel_buf_printf(&out, "%s %d - %s%s%s: %s", l->verdict == KIT_FAILED ? "not ok" : "ok", number,
                    l->check, *l->resource ? " of " : "", l->resource, l->what);
    if (l->verdict == KIT_SKIPPED) {
        keel_buf_puts(&out, " # SKIP ");
        put_plain(&out, l->why);
    } else if (*l->why) {
        keel_buf_puts(&out, "\n# ");
        put_plain(&out, l->why);
    }
    keel_buf_putc(&out, '\n');
    cli_out(&out);
    keel_buf_free(&out);
}

static void on_line(void *ctx, const kit_line *l) {
    checking *at = ctx;
    at->lines++;
    if (at->c->json) {
        print_json(l);
    } else {
        print_tap(at->lines, l);
    }
}

/* ---- what the workspace remembers ---- */

/* The workspace around the plugin, or around where we stand; NULL: neither is in one. */
static workspace *workspace_of(const cli *c, const char *folder) {
    workspace *w = NULL;
    if (workspace_find(&w, c->folder ? c->folder : folder, NULL) != 0 &&
        workspace_find(&w, ".", NULL) != 0) {
        return NULL;
    }
    return w;
}

static int leave_receipt(cli *c, const char *folder, const kit_totals *t, diag *d) {
    manifest *m = NULL;
    keel_buf path = KEEL_BUF_INIT;
    workspace *w = workspace_of(c, folder);
    if (!w) {
        cli_say(c,
                "It is outside of a workspace: to have its writes trusted in one, say this there: "
                "keel connector check %s",
                folder);
        return 0;
    }
    keel_buf_printf(&path, "%s/manifest.yaml", folder);
    int rc = manifest_load(&m, path.data, d);
    rc = rc ? rc : workspace_prepare(w, d);
    if (rc == 0) {
        check_receipt r = {m->id, m->version, t->plugin, cli_now_us(), t->passed, t->skipped};
        rc = check_receipt_write(w->keel, &r, d);
    }
    if (rc == 0) {
        cli_say(c,
                "Remembered in %s: its writes go by their classes, until a byte of it changes. "
                "If Keel runs here: keel policy reload",
                w->root);
    }
    manifest_destroy(m);
    workspace_destroy(w);
    keel_buf_free(&path);
    return rc;
}

/* After a run that changes nothing in the memory: what holds. `hint` is said where no pass stands. */
static void say_what_holds(cli *c, const char *folder, const kit_totals *t, const char *hint) {
    char hex[DIGEST_HEX];
    workspace *w = workspace_of(c, folder);
    if (w && t->known && check_receipt_valid(w->keel, &t->plugin)) {
        digest_hex(&t->plugin, hex);
        cli_say(
            c,
            "An earlier pass of these bytes still stands in %s: its writes go by their classes. "
            "To have that forgotten: rm %s/checks/%s.json",
            w->root, w->keel, hex);
    } else {
        cli_say(c, "No pass of these bytes is remembered: its writes are sent once only%s", hint);
    }
    workspace_destroy(w);
}

static void say_untried(cli *c, const kit_untried *u) {
    cli_say(c,
            "Not remembered: a lost answer was not tried on the writes of %s, for %s was left out: "
            "%s.",
            u->resource, u->check, u->why);
    if (u->world) {
        cli_say(c,
                "Add a `world:` to check.yaml, which scripts the service (sdk/check.md shows one), "
                "and check again.");
    } else {
        cli_say(c, "Let that check run (sdk/check.md says what it needs), and check again.");
    }
}

/* ---- the command ---- */

static int conclude(cli *c, const options *o, const char *folder, const kit_totals *t, int lines,
                    diag *d) {
    if (!c->json) {
        cli_print("1..%d\n", lines);
    }
    cli_say(c, "%d passed, %d failed, %d left out", t->passed, t->failed, t->skipped);
    if (t->failed) {
        say_what_holds(c, folder, t, ", until it passes.");
        return 1;
    }
    if (options_value(o, "only")) {
        cli_say(c, "A part of the checks changes nothing in what is remembered.");
        say_what_holds(c, folder, t, ", until all of them pass.");
    } else if (*t->untried.resource) {
        say_untried(c, &t->untried);
        say_what_holds(c, folder, t, ", until then.");
    } else if (c->dry_run) {
        say_what_holds(c, folder, t, ", until it passes without --dry-run.");
    } else if (t->known) {
        return leave_receipt(c, folder, t, d);
    }
    return 0;
}

/* A .so that a build put elsewhere: the shipped plugin of the same folder name. */
static char *so_folder(const char *folder) {
    keel_buf name = KEEL_BUF_INIT;
    const char *slash = strrchr(folder, '/');
    keel_buf_printf(&name, "plugins/%s", slash ? slash + 1 : folder);
    char *path = path_share(name.data);
    keel_buf_free(&name);
    return path;
}

static int check_run(cli *c, const options *o, diag *d) {
    checking at = {.c = c};
    kit_totals totals;
    char *folder = realpath(o->args[0], NULL);
    if (!folder) {
        diag_set(d, DIAG_NOT_FOUND, "%s cannot be read as a plugin: %s.", o->args[0],
                 strerror(errno));
        return diag_next(d, "Name the folder that holds the connector's manifest.yaml.");
    }
    char *executor = path_program("keel-executor"), *step = path_program("keel-step");
    char *fakeworld = path_program("keel-fakeworld"), *egress = path_program("keel-egress");
    char *lua = path_share("lua/keel.lua"), *so = so_folder(folder);
    kit_settings s = {.folder = folder,
                      .executor = executor,
                      .step = step,
                      .fakeworld = fakeworld,
                      .egress = egress,
                      .sdk_lua = lua,
                      .so_folder = so,
                      .only = options_value(o, "only"),
                      .unsafe = options_has(o, "unsafe"),
                      .line = on_line,
                      .ctx = &at};
    int rc = kit_run(&s, &totals, d);
    rc = rc ? rc : conclude(c, o, folder, &totals, at.lines, d);
    char *const texts[] = {folder, executor, step, fakeworld, egress, lua, so};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        free(texts[i]);
    }
    return rc;
}

static const option check_options[] = {
    {"only", 0, "CHECK", "one check, or one family of them: kill, read.cursor"},
    {"unsafe", 0, NULL, "run the plugin without a sandbox"},
    {NULL, 0, NULL, NULL},
};

extern const command connector_check_verb;
const command connector_check_verb = {
    .name = "check",
    .words = "DIR",
    .summary = "prove a connector: crashes, lost answers, repeats, bad input, leaks",
    .more =
        "Needs no workspace. check.yaml beside the manifest says how to exercise it; what it lacks "
        "is left out, and said. When nothing fails and a lost answer was tried on each of its "
        "writes, "
        "the workspace remembers it: a connector that has not passed has its writes sent once "
        "only. TAP, or with --json one object a line.",
    .examples = "keel connector check connectors/memos\n"
                "keel connector check connectors/memos --only kill",
    .options = check_options,
    .least = 1,
    .most = 1,
    .run = check_run,
};
