/* Journal records as lines for people. */
#ifndef CLI_DESCRIBE_H
#define CLI_DESCRIBE_H

#include "store.h"
#include "term.h"

/* One line without time, run and path: "waiting  inbox.message.write  rule ask-first". Escaped. */
void describe_record(const journal_row *row, const term *on, keel_buf *out);
/* "2026-11-22 19:12:03  run 7  3.1  ..." with a line break at the end. */
void describe_line(const journal_row *row, const term *on, keel_buf *out);
/* {"at","body","boot","kind","path","run","seq"} and a line break. */
void describe_json(const journal_row *row, keel_buf *out);

#endif
