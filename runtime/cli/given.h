/* What a person says of the words that they give to a run: keel do, keel run send. */
#ifndef CLI_GIVEN_H
#define CLI_GIVEN_H

#include "keel/json.h"
#include "options.h"

#define LABEL_OPTIONS(what)                                                                        \
    {"untrusted", 0, NULL, what " somebody else's words: the run has read untrusted text"}, {      \
        "sensitivity", 0, "LEVEL", what " public, internal, confidential or restricted"            \
    }

/* Members "sensitivity" and "untrusted", where they were said. */
void given_label(const options *o, keel_json_writer *w);

#endif
