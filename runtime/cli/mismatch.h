/* Where a replay differs from its record, for a person: both calls side by side. */
#ifndef CLI_MISMATCH_H
#define CLI_MISMATCH_H

#include "cli.h"
#include "keel/json.h"

/* detail: {"now":CALL|null,"path","recorded":CALL|null}, CALL {"args"?,"call"?,"kind","name"?}, as
 * run.paused has it: a heading and the lines that differ. */
void mismatch_show(keel_json detail, const term *on, keel_buf *out);
/* The detail of the record that paused this run last, when a replay did; else nothing. */
int mismatch_find(cli *c, uint64_t run, keel_buf *detail, diag *d);
/* What to do about it, on lines of their own. */
void mismatch_next(uint64_t run, keel_buf *out);

#endif
