/* The program order of a run's calls: which ordinals of its branches are taken. */
#include <stdlib.h>
#include <string.h>

#include "parts.h"

#define BRANCH_LIMIT 4096

static branch *branch_of(run *r, const char *path, size_t len) {
    for (size_t i = r->branch_count; i-- > 0;) {
        if (!strncmp(r->branches[i].prefix, path, len) && !r->branches[i].prefix[len]) {
            return &r->branches[i];
        }
    }
    if (r->branch_count == BRANCH_LIMIT) {
        return NULL;
    }
    r->branches = keel_realloc(r->branches, (r->branch_count + 1) * sizeof(branch));
    branch *b = &r->branches[r->branch_count++];
    *b = (branch){.prefix = keel_memdup(path, len), .next = 1};
    return b;
}

/* The ordinal at the end of "3.2.7", and the bytes before it; 0: not a path. */
static uint32_t ordinal_of(const char *path, size_t *prefix) {
    uint64_t n = 0;
    int depth = 1;
    *prefix = 0;
    for (const char *p = path; *p; p++) {
        if (*p == '.') {
            if (!n) {
                return 0;
            }
            *prefix = (size_t)(p - path) + 1;
            n = 0;
            depth++;
        } else if (*p < '0' || *p > '9' || n > 100000000) {
            return 0;
        } else {
            n = n * 10 + (uint64_t)(*p - '0');
        }
    }
    return depth <= 2 * PATH_DEPTH ? (uint32_t)n : 0;
}

path_order run_path_order(run *r, const char *path) {
    size_t prefix = 0;
    uint32_t n = ordinal_of(path, &prefix);
    branch *b = n ? branch_of(r, path, prefix) : NULL;
    if (!b) {
        return PATH_BAD;
    }
    /* Ordinals may be left out: `all` and `any` take one and make no record of their own. */
    if (n < b->next) {
        return PATH_OLD;
    }
    b->next = n + 1;
    return PATH_NEW;
}

void run_forget_paths(run *r) {
    for (size_t i = 0; i < r->branch_count; i++) {
        free(r->branches[i].prefix);
    }
    free(r->branches);
    r->branches = NULL;
    r->branch_count = 0;
    r->effects = 0;
    r->early = false;
}
