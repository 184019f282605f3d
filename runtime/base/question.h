/* Questions that a run puts to a person (`ctx.ask`), and what answers them. Pure: for the kernel that
 * takes both, and for whoever shows a question or reads an answer.
 *
 * The arguments of such a call: {"choices"?:[TEXT],"default"?:ANSWER,"evidence"?:any,"expires_us"?:N
 * from the asking on,"kind"?:"text|yes_no|number","question":TEXT,"why"?:TEXT}. Without choices and kind
 * any text answers; a default is what the run goes on with when nobody has answered in time.
 *
 * An answer informs and allows nothing: what the run then does is decided as if nobody had been asked.
 * So it takes no passphrase, as a denial takes none. */
#ifndef QUESTION_H
#define QUESTION_H

#include <stdbool.h>

#include "keel/buf.h"
#include "keel/json.h"

#define QUESTION_TEXT     4000 /* bytes of a question, and of its why */
#define QUESTION_CHOICES  20
#define QUESTION_CHOICE   200 /* bytes of one */
#define QUESTION_EVIDENCE (256u << 10)
#define QUESTION_ANSWER   16000 /* bytes of a text that answers */
#define QUESTIONS_OPEN    20    /* of a run at a time */
#define QUESTIONS_OF_RUN  100   /* in all: a person's attention is no loop's */

typedef enum question_kind {
    QUESTION_IS_TEXT,
    QUESTION_IS_CHOICE,
    QUESTION_IS_YES_NO,
    QUESTION_IS_NUMBER
} question_kind;

/* NULL, or what is wrong with such arguments, in a sentence. */
const char *question_wrong(keel_json args);
question_kind question_kind_of(keel_json args);
/* NULL, or why this value answers no such question. */
const char *answer_wrong(keel_json args, keel_json value);

#endif
