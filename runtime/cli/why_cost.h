/* What an effect cost, for keel why: money, tokens, and the row of prices between them. */
#ifndef CLI_WHY_COST_H
#define CLI_WHY_COST_H

#include "why_story.h"

void why_label(const why_story *s, keel_buf *out, const char *name);
void why_cost(const why_story *s, keel_buf *out);

#endif
