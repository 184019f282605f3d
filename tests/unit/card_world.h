/* What the tables of cards share: one card, and what no card may hold. */
#ifndef CARD_WORLD_H
#define CARD_WORLD_H

#include "render.h"

#define HOUR_US 3600000000LL
#define NOW_US  1700000000000000LL

extern const term card_plain;

keel_json card_args(keel_buf *out, const char *text); /* canonical, in out; else the test fails */
render_card card_of(keel_json args);
/* What no card may hold, whatever it was made of. */
void card_check_clean(const char *name, const keel_buf *out);

#endif
