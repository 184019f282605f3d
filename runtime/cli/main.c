/* `keel`: finds the command, reads its options, runs it, and turns what it says into an exit code.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "digest.h"

static void take_common(cli *c, const options *o) {
    c->json = c->json || options_has(o, "json");
    c->quiet = c->quiet || options_has(o, "quiet");
    c->no_input = c->no_input || options_has(o, "no-input");
    c->dry_run = c->dry_run || options_has(o, "dry-run");
    const char *folder = options_value(o, "workspace");
    const char *request = options_value(o, "request");
    c->folder = folder ? folder : c->folder;
    c->request = request ? request : c->request;
    if (c->json) {
        cli_out_json();
    }
}

static int show_help(const cli *c, const command *thing, const command *cmd) {
    keel_buf out = KEEL_BUF_INIT;
    if (cmd) {
        help_command(c, thing, cmd, &out);
    } else {
        help_overview(c, &out);
    }
    cli_out(&out);
    keel_buf_free(&out);
    return 0;
}

static int wrong_count(const command *thing, const command *cmd, const options *o, diag *d) {
    const char *noun = thing ? thing->name : "";
    const char *space = thing ? " " : "";
    if ((int)o->arg_count < cmd->least) {
        diag_set(d, DIAG_USAGE, "`keel %s%s%s` needs more words.", noun, space, cmd->name);
    } else {
        diag_set(d, DIAG_USAGE, "`keel %s%s%s` cannot use the word \"%s\".", noun, space, cmd->name,
                 o->args[cmd->most]);
    }
    return diag_next(d, "Usage: keel %s%s%s %s", noun, space, cmd->name, cmd->words);
}

static int run_command_line(cli *c, const command *thing, const command *cmd, int argc, char **argv,
                            diag *d) {
    const char **args = keel_alloc(((size_t)argc + 1) * sizeof *args);
    options o = {.tables = {common_options, cmd->options}};
    int rc = options_read(&o, args, argc, argv, false, NULL, d);
    if (rc == 0) {
        take_common(c, &o);
    }
    if (rc == 0 && options_has(&o, "help")) {
        rc = show_help(c, thing, cmd);
    } else if (rc == 0 && ((int)o.arg_count < cmd->least ||
                           (cmd->most >= 0 && (int)o.arg_count > cmd->most))) {
        rc = wrong_count(thing, cmd, &o, d);
    } else if (rc == 0) {
        rc = cmd->run(c, &o, d);
    }
    free(args);
    return rc;
}

/* argv[0] is the command's name. */
static int dispatch(cli *c, int argc, char **argv, diag *d) {
    const command *cmd = command_find(argv[0]);
    if (!cmd) {
        return command_unknown(NULL, argv[0], d);
    }
    if (!cmd->verbs) {
        return run_command_line(c, NULL, cmd, argc - 1, argv + 1, d);
    }
    if (argc > 1 && (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0)) {
        return show_help(c, NULL, cmd);
    }
    if (argc == 1 || argv[1][0] == '-') {
        return run_command_line(c, cmd, cmd->verbs[0], argc - 1, argv + 1, d);
    }
    const command *verb = command_verb(cmd, argv[1]);
    if (!verb) {
        return command_unknown(cmd, argv[1], d);
    }
    return run_command_line(c, cmd, verb, argc - 2, argv + 2, d);
}

static int run_all(cli *c, int argc, char **argv, diag *d) {
    static const option version[] = {
        {"version", 'V', NULL, "print the version"},
        {NULL, 0, NULL, NULL},
    };
    const char **args = keel_alloc(((size_t)argc + 1) * sizeof *args);
    options o = {.tables = {common_options, version}};
    int used = 0;
    int rc = options_read(&o, args, argc - 1, argv + 1, true, &used, d);
    free(args);
    if (rc) {
        return rc;
    }
    take_common(c, &o);
    if (options_has(&o, "version")) {
        cli_print("keel %s\n", KEEL_VERSION);
        return 0;
    }
    if (options_has(&o, "help")) {
        return show_help(c, NULL, NULL);
    }
    if (used == argc - 1) {
        return status_short(c, d);
    }
    return dispatch(c, argc - 1 - used, argv + 1 + used, d);
}

/* A file that is opened would get the number of a standard stream that is closed, and would be
 * written into by all that is printed. */
static bool hold_standard_streams(void) {
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    if (!hold_standard_streams()) {
        return 1;
    }
    cli c = {.out = term_of(1), .err = term_of(2)};
    diag d = {0};
    if (digest_init() != 0) {
        diag_set(&d, DIAG_FAILED, "libsodium does not start, so there is no randomness to be had.");
        return cli_fault(&d);
    }
    int rc = run_all(&c, argc, argv, &d);
    cli_finish(&c);
    return rc < 0 ? cli_fault(&d) : rc;
}
