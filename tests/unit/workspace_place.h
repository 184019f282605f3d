/* A fresh folder for each test of a workspace. */
#ifndef WORKSPACE_PLACE_H
#define WORKSPACE_PLACE_H

typedef struct place {
    char root[64];
    char text[256];
} place;

int place_set_up(void **state);
int place_tear_down(void **state);
const char *place_at(place *p, const char *name); /* ROOT/name, until the next call */
void place_put(place *p, const char *name, const char *text);

#endif
