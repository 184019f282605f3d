/* keel help: examples first, then words, then options; and two pages on what people meet. */
#include <string.h>

#include "commands.h"
#include "yamltree.h"

static void examples(const cli *c, const char *text, keel_buf *out) {
    while (text && *text) {
        size_t len = strcspn(text, "\n");
        keel_buf_puts(out, "  ");
        keel_buf_puts(out, term_tint(&c->out, TINT_BOLD));
        keel_buf_append(out, text, len);
        keel_buf_puts(out, term_plain(&c->out));
        keel_buf_putc(out, '\n');
        text += len + (text[len] == '\n');
    }
}

void help_overview(const cli *c, keel_buf *out) {
    keel_buf_puts(out, "keel: a durable workspace for the AI agents of a one-person company\n\n"
                       "The first minutes:\n");
    examples(c,
             "keel init --from ~/Maildir\nkeel up --detach\nkeel do triage\nkeel inbox\n"
             "keel approve 1\nkeel why 1",
             out);
    for (size_t g = 0; command_groups[g].title; g++) {
        keel_buf_printf(out, "\n%s:\n", command_groups[g].title);
        for (const command *const *p = command_groups[g].commands; *p; p++) {
            keel_buf_printf(out, "  %-11s %s\n", (*p)->name, (*p)->summary);
        }
    }
    keel_buf_puts(out,
                  "\nkeel help COMMAND, keel help exit-codes, undo, words; -h on every command\n");
}

static void option_table(const char *title, const option *list, keel_buf *out) {
    if (!list || !list->name) {
        return;
    }
    keel_buf_printf(out, "\n%s:\n", title);
    for (; list->name; list++) {
        keel_buf name = KEEL_BUF_INIT;
        if (list->letter) {
            keel_buf_printf(&name, "-%c, ", list->letter);
        }
        keel_buf_printf(&name, "--%s%s%s", list->name, list->value ? " " : "",
                        list->value ? list->value : "");
        keel_buf_printf(out, "  %-26s %s\n", name.data, list->help);
        keel_buf_free(&name);
    }
}

static void thing_help(const cli *c, const command *cmd, keel_buf *out) {
    for (const command *const *v = cmd->verbs; *v; v++) {
        examples(c, (*v)->examples, out);
    }
    keel_buf_printf(out, "\n%s\n\n", cmd->summary);
    for (const command *const *v = cmd->verbs; *v; v++) {
        keel_buf line = KEEL_BUF_INIT;
        keel_buf_printf(&line, "keel %s %s %s", cmd->name, (*v)->name, (*v)->words);
        keel_buf_printf(out, "  %-38s %s\n", line.data, (*v)->summary);
        keel_buf_free(&line);
    }
    keel_buf_printf(out, "\nkeel help %s VERB, or -h, shows the options of one.\n", cmd->name);
}

void help_command(const cli *c, const command *thing, const command *cmd, keel_buf *out) {
    if (cmd->verbs) {
        thing_help(c, cmd, out);
        return;
    }
    examples(c, cmd->examples, out);
    keel_buf_printf(out, "\nkeel %s%s%s%s%s: %s\n", thing ? thing->name : "", thing ? " " : "",
                    cmd->name, cmd->words[0] ? " " : "", cmd->words, cmd->summary);
    if (cmd->more) {
        keel_buf_printf(out, "\n%s\n", cmd->more);
    }
    option_table("Options", cmd->options, out);
    option_table("Options of every command", common_options, out);
}

/* ---- pages ---- */

static const char exit_codes[] =
    "What the exit code of keel says:\n\n"
    "    0  done, nothing is left to do\n"
    "    1  failed; the message says why\n"
    "    2  usage: the words of the command, or a file of yours (policy, manifest, keel.yaml), are "
    "wrong\n"
    "    3  the rest waits for a person: `keel inbox`\n"
    "    4  authentication: the passphrase, or the user, is not the right one\n"
    "    5  denied by policy; the message names the rule\n"
    "    6  not found\n"
    "  130  interrupted with Ctrl-C; what is recorded goes on\n";

static const char glossary[] =
    "workspace   one folder: keel.yaml, policies/, agents/, connectors/, and .keel/ with all "
    "state\n"
    "agent       a versioned role in Lua or C; it asks, and holds no key, file or socket\n"
    "run         one execution of one agent on one input; survives restarts\n"
    "effect      one thing that a run asked for: a connector's verb, a step, a wait, a child run\n"
    "connector   a translator for one outside system: read, write, reconcile, compensate\n"
    "connection  a connector configured for one account, in keel.yaml\n"
    "policy      the rules in policies/*.yaml; deny goes before ask, ask before allow; silence "
    "denies\n"
    "decision    what policy said about one effect, with the rule, its file and line, and the "
    "inputs\n"
    "approval    a person's single-use consent to exact bytes\n"
    "batch       approvals that were shown together: B3\n"
    "stuck       what automation could not finish: it has an owner, a reason and what to do next\n"
    "rests       of a connection that fails: nothing is sent through it for a while, then one "
    "effect\n"
    "            to see\n"
    "unknown     an effect whose answer was lost: never guessed, looked into, then asked\n"
    "journal     the append-only record, chained by digests; replay and audit read it\n"
    "anchor      a signed head of the journal in a file outside the workspace\n"
    "budget      a limit in calls or money; reserved before the act, settled after it\n"
    "halt        nothing new is done until a person resumes\n"
    "rollback    what a run did is taken back, newest first, each step an effect of its own\n";

static const char undo_table[] =
    "What can be undone, and how far:\n\n"
    "  command        the world                                    runs\n"
    "  rollback RUN   compensated, newest first                    cancelled if still open\n"
    "  restore BACKUP unchanged; young effects are checked again   recovered\n"
    "  replay RUN     untouched                                    re-executed against the record\n"
    "\n"
    "Undoing is a new act, which can itself fail, and then says so. What has no way back says so\n"
    "before you approve it, and in `keel rollback RUN --plan`.\n";

static int page(const char *name, diag *d) {
    static const char *const names[] = {"exit-codes", "undo", "words", NULL};
    if (strcmp(name, "exit-codes") == 0) {
        cli_print("%s", exit_codes);
        return 0;
    }
    if (strcmp(name, "words") == 0) {
        cli_print("%s", glossary);
        return 0;
    }
    if (strcmp(name, "undo") == 0) {
        cli_print("%s", undo_table);
        return 0;
    }
    const char *near = did_you_mean(name, names);
    int rc = command_unknown(NULL, name, d);
    return near && !strstr(d->next, "Did you mean")
               ? diag_next(d, "Did you mean `keel help %s`?", near)
               : rc;
}

static int help_run(cli *c, const options *o, diag *d) {
    keel_buf out = KEEL_BUF_INIT;
    const command *cmd = o->arg_count ? command_find(o->args[0]) : NULL;
    const command *verb = NULL;
    if (o->arg_count && !cmd) {
        return page(o->args[0], d);
    }
    if (o->arg_count > 1 && cmd->verbs) { /* what has no verbs says all in one: backup verify */
        verb = command_verb(cmd, o->args[1]);
        if (!verb) {
            return command_unknown(cmd, o->args[1], d);
        }
    }
    if (verb) {
        help_command(c, cmd, verb, &out);
    } else if (cmd) {
        help_command(c, NULL, cmd, &out);
    } else {
        help_overview(c, &out);
    }
    cli_out(&out);
    keel_buf_free(&out);
    return 0;
}

const command help_command_entry = {
    .name = "help",
    .words = "[COMMAND [VERB] | exit-codes | undo | words]",
    .summary = "how to use a command, what exit codes say, what words mean",
    .examples = "keel help approve\nkeel help run show\nkeel help exit-codes\nkeel help undo\nkeel "
                "help words",
    .most = 2,
    .run = help_run,
};
