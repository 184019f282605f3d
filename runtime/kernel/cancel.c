/* Ending a run with all that it began: its children, theirs, and those that its earlier segments
 * (ctx.continue) left open. */
#include <stdlib.h>
#include <string.h>

#include "parts.h"

typedef struct family {
    kernel *k;
    map members; /* run ids: the run, its earlier segments, what came from them */
} family;

static int on_before(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    *(uint64_t *)ctx = v[0] ? strtoull(v[0], NULL, 10) : 0;
    return 0;
}

static uint64_t segment_before(kernel *k, uint64_t id) {
    char text[24];
    const char *params[] = {text};
    uint64_t before = 0;
    snprintf(text, sizeof text, "%llu", (unsigned long long)id);
    reader_query(k->env.reads, "SELECT continued_from FROM run WHERE id = ?", params, 1, on_before,
                 &before, NULL);
    return before;
}

/* Adds the open runs whose parent is a member; true when there was one more. */
static bool grow(family *f) {
    bool more = false;
    size_t at = 0;
    run *r;
    while ((r = map_next(&f->k->runs, &at, NULL)) != NULL) {
        if (r->parent && map_get(&f->members, r->parent) && !map_get(&f->members, r->id)) {
            map_put(&f->members, r->id, f);
            more = true;
        }
    }
    return more;
}

void run_cancel_tree(kernel *k, run *r, const char *why) {
    family f = {.k = k};
    uint64_t id, self = r->id;
    for (id = self; id; id = segment_before(k, id)) {
        map_put(&f.members, id, &f);
    }
    while (grow(&f)) {
    }
    run_cancel(k, r, why);
    for (size_t at = 0; map_next(&f.members, &at, &id);) {
        run *child = map_get(&k->runs, id);
        if (child) {
            run_cancel(k, child, why);
        }
    }
    map_free(&f.members);
}
