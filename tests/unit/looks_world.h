/* What the tables of the inbox view share: items made for the test, a person's keys, and a witness who
 * reads every screen and remembers which line of which body stood on it, and since when. */
#ifndef LOOKS_WORLD_H
#define LOOKS_WORLD_H

#include "looks.h"

#define WORLD_ITEMS 160
#define WORLD_LINES 32

typedef struct world_item {
    bool open;
    int version;  /* another one: another body */
    size_t lines; /* of its body */
    bool wide;    /* lines that do not fit */
    char kind[12], agent[24], target[32];
    char digest[24];
    size_t most, choices;
    int64_t begin_ms[WORLD_LINES], end_ms[WORLD_LINES]; /* first seen; 0: never */
} world_item;

typedef struct world {
    looks *l;
    world_item items[WORLD_ITEMS + 1]; /* by number, from 1 */
    int64_t now_ms;
    size_t rows, columns;
    size_t keys;
    int64_t shared_ms[WORLD_ITEMS + 1]; /* the line that an item shares with its group */
    const keel_buf *screen;
    size_t screen_rows;
} world;

void world_begin(world *w, size_t rows, size_t columns);
void world_end(world *w);
void world_resize(world *w, size_t rows, size_t columns);
/* Item `number` of kind, agent and target, with so many lines. */
world_item *world_add(world *w, int64_t number, const char *kind, const char *agent,
                      const char *target, size_t lines);
void world_changed(world *w, int64_t number); /* another version of it, unseen */
void world_update(world *w);                  /* tells the view what is open */
void world_draw(world *w);                    /* and reads the screen */
looks_action world_key(world *w, key_code code, const char *text); /* then draws */
looks_action world_type(world *w, const char *text);               /* character by character */
bool world_shows(const world *w, const char *text);
void world_print(const world *w);
/* The test fails unless each line of these was on a screen, long enough ago. */
void world_check_batch(const world *w);
/* Every outcome `outcome`; the items are closed. */
void world_tell(world *w, const char *outcome);

#endif
