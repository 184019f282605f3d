/* What a grant covers, in words: of a SCOPE (kernel/grants.h). */
#ifndef CLI_GRANTWORDS_H
#define CLI_GRANTWORDS_H

#include <stdint.h>

#include "keel/buf.h"
#include "keel/json.h"
#include "term.h"

/* In what a later effect has to be alike. */
void grant_shape(keel_json scope, keel_buf *out);
/* Two rows of the card of that number: "with keel approve 3 --remember, also up to 10 more within 1 h by
 * outreach to do inbox.message.write, without asking:", and the shape. */
void grant_rows(int64_t number, keel_json scope, const term *on, keel_buf *out);

#endif
