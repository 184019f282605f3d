/* What every command of `keel` works with: its options, the workspace it stands in, the two ways to
 * learn something (the database, read-only; the running kernel), and where to print.
 *
 * stdout is data, stderr is talk. A command returns 0, a DIAG_ code with its diag filled (main
 * prints it), or a positive exit code when it has said itself all there is to say. One thread. */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>

#include "client.h"
#include "diag.h"
#include "options.h"
#include "store.h"
#include "table.h"
#include "term.h"
#include "workspace.h"

typedef struct cli {
    bool json, quiet, no_input, dry_run;
    const char *folder;  /* --workspace, or NULL: found from the current folder upwards */
    const char *request; /* --request, or NULL: made afresh */
    int calls;           /* made so far: each after the first has an id of its own */
    term out, err;
    workspace *ws; /* these three are opened when first asked for, and closed by main */
    reader *db;
    client *kernel;
    struct known_lists *known; /* known.h */
} cli;

typedef int command_run(cli *c, const options *o, diag *d);

typedef struct command command;
struct command {
    const char *name;
    const char *words;     /* what follows the name, for people: "AGENT [KEY=VALUE...]" */
    const char *summary;   /* one line */
    const char *more;      /* a paragraph or two, or NULL */
    const char *examples;  /* lines */
    const option *options; /* or NULL */
    int least, most;       /* how many words; most -1: any */
    command_run *run;
    const command *const *verbs; /* of a thing: NULL-terminated, run is then NULL; the first is what
                                    the bare noun does */
};

extern const option common_options[];

/* Each once; the result stays in c. */
int cli_workspace(cli *c, diag *d);
int cli_reader(cli *c, diag *d); /* DIAG_NOT_FOUND when nothing has ever run here */
int cli_client(cli *c, diag *d); /* "Keel is not running here" */
bool cli_running(cli *c);        /* a kernel answers at the socket */
void cli_finish(cli *c);

/* A mutating or asking command to the kernel. args: a canonical JSON object. */
int cli_call(cli *c, const char *name, const keel_buf *args, keel_buf *result, diag *d);

/* A fixed query into a list, printed with its columns; `none` is said when there are no rows. */
int cli_list(cli *c, const char *sql, const char *const *params, size_t count,
             const column *columns, size_t width, const char *none, diag *d);
/* The first value of the first row, or NULL; the caller frees it. */
char *cli_value(cli *c, const char *sql, const char *param);
int64_t cli_number(cli *c, const char *sql, const char *param); /* 0: none */
bool cli_halted(cli *c);
bool cli_halted_for_room(cli *c);  /* by Keel itself, which lifts it, too; `keel resume` does not */
const char *cli_halt_ends(cli *c); /* until when it lasts, in words */
/* The first row of a fixed query: 0, or DIAG_NOT_FOUND with d untouched when there is none. */
#define CLI_ROW_MAX 24
typedef struct cli_row {
    size_t count;
    char *values[CLI_ROW_MAX]; /* NULL where NULL */
} cli_row;
int cli_one(cli *c, const char *sql, const char *const *params, size_t count, cli_row *out,
            diag *d);
void cli_row_free(cli_row *row);
/* Prints a table as the options ask. */
void cli_table(const cli *c, const table *t, const char *none);

/* Talk: a line on stderr, unless -q. */
void cli_say(const cli *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* From now on what is printed is JSON: nothing hidden leaves as itself, as text_json has it. */
void cli_out_json(void);
/* Data: bytes to stdout. Ends the process quietly when nobody reads any more. */
void cli_out(const keel_buf *b);
void cli_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What went wrong, escaped, on stderr. Returns the exit code. */
int cli_fault(const diag *d);
/* The same, with the line of the file's text that it is about, and a caret below its place. */
int cli_fault_in(const cli *c, const diag *d, const char *text, size_t len);

int64_t cli_now_us(void); /* wall clock */

#endif
