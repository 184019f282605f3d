/* A rollback as the command line follows it: what it shows before, while and after. */
#ifndef CLI_ROLLBACK_H
#define CLI_ROLLBACK_H

#include "cli.h"
#include "options.h"
#include "undo_plan.h"

/* `keel rollback RUN` with these options: plan, yes and why. The exit code. */
int rollback_run_of(cli *c, const options *o, int64_t run, diag *d);
extern const option rollback_options[];

/* "notes.note.write  title: Hello": what a step did, in words from its arguments. */
void rollback_did(cli *c, const undo_step *s, keel_buf *out);
/* Until it has ended, or waits for a person; then the receipt. The exit code. */
int rollback_follow(cli *c, const undo_plan *p, diag *d);

#endif
