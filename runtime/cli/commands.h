/* All commands of `keel`, each defined in the file of its family. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli.h"

typedef struct command_group {
    const char *title;
    const command *const *commands; /* NULL-terminated */
} command_group;

extern const command_group command_groups[]; /* title NULL ends them */

const command *command_find(const char *name); /* NULL: none */
const command *command_verb(const command *thing, const char *name);
/* Says so, with the nearest one. thing: NULL for the commands themselves. */
int command_unknown(const command *thing, const char *name, diag *d);

/* ---- help.c ---- */
void help_overview(const cli *c, keel_buf *out);
/* `thing` is the noun before a verb, or NULL. */
void help_command(const cli *c, const command *thing, const command *cmd, keel_buf *out);

/* What `keel do` shows of a run that the last answer follows, to where it ends or waits: its exit
 * code, or a DIAG_ code. */
int do_follow(cli *c, int64_t run, diag *d);

/* `keel` alone: where things stand and what comes next. */
int status_short(cli *c, diag *d);

#endif
