/* A server, a keel-egress whose connection 1 may go there, and executor 7 with a door to it. */
#ifndef EGRESS_SCENE_H
#define EGRESS_SCENE_H

#include "egress_web.h"
#include "egress_world.h"

typedef struct scene {
    web web;
    egress_world *w;
    egress_side *x;
    char base[64]; /* http://127.0.0.1:PORT */
    uint64_t run;  /* the latest */
} scene;

/* `more`: members of the connection besides name and origins, such as ",\"any\":true". */
void scene_begin(scene *s, const char *more);
void scene_end(scene *s);
/* Replaces connection 1 by this. */
void scene_connection(scene *s, const char *origin, const char *more);
/* E_HTTP of a path there; its run. */
uint64_t scene_ask(scene *s, uint64_t order, const char *method, const char *path, const char *more,
                   const char *body);
/* Expects E_DONE, and this status. Its body, valid until the next frame is taken. */
const char *scene_done(scene *s, int status, size_t *len);
int64_t scene_number(keel_json v, const char *key);
/* The next answer of which egress has told the kernel, "" when it has told of none: its body, valid
 * until the next call. */
const char *scene_told(scene *s, uint64_t order);
/* Ends the order; of what G_ENDED says, `sent` and `answered`. */
void scene_over(scene *s, uint64_t order, bool sent, bool answered);

#endif
