/* The lives of a workspace, as its anchor file keeps them: one line for each time that a file which may
 * not be the newest was gone on with, written before it is.
 *
 *   keel1-life WORKSPACE INCARNATION FROM SEQ
 *
 * INCARNATION took up a file of the life FROM that ended at record SEQ. What a backup cannot know was
 * sent by the life that it is of, and by any other that began since; each shares the file's records
 * up to a point, and only what stands before it has the same numbers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

typedef struct life {
    char incarnation[17], from[17];
    int64_t seq; /* where it begins; of the file's own lives: where it ends in it */
} life;

typedef struct lives {
    life *list;
    size_t count;
} lives;

static void add(lives *l, const life *x) {
    l->list = keel_realloc(l->list, (l->count + 1) * sizeof *l->list);
    l->list[l->count++] = *x;
}

static const life *find(const lives *l, const char *incarnation) {
    for (size_t i = l->count; i-- > 0;) {
        if (!strcmp(l->list[i].incarnation, incarnation)) {
            return &l->list[i];
        }
    }
    return NULL;
}

/* An anchor that is not there knows of none. */
static void read_all(const char *path, const char *workspace, lives *out) {
    FILE *f = fopen(path, "re");
    char *line = NULL;
    size_t cap = 0;
    while (f && getline(&line, &cap, f) > 0) {
        char own[33] = "";
        life x = {.seq = 0};
        long long seq;
        int end = 0;
        if (sscanf(line, "keel1-life %32[0-9a-f] %16[0-9a-f] %16[0-9a-f] %20lld%n", own,
                   x.incarnation, x.from, &seq, &end) == 4 &&
            line[end] == '\n' && !strcmp(own, workspace)) {
            x.seq = seq;
            add(out, &x);
        }
    }
    free(line);
    if (f) {
        fclose(f);
    }
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* The lives whose records the file holds, each up to where. */
static void own_lives(const store *s, const lives *all, lives *own) {
    life x = {.seq = s->last.seq};
    memcpy(x.incarnation, s->before, sizeof x.incarnation);
    const life *begun;
    do {
        add(own, &x);
        begun = find(all, x.incarnation);
        if (begun) {
            memcpy(x.incarnation, begun->from, sizeof x.incarnation);
            x.seq = least(x.seq, begun->seq);
        }
    } while (begun && !find(own, x.incarnation));
}

/* The last record that a life shares with the file; -1: it cannot be told. */
static int64_t shared(const lives *all, const lives *own, const life *x) {
    int64_t seq = x->seq;
    const life *in;
    for (size_t i = 0; i <= all->count; i++) {
        if ((in = find(own, x->from)) != NULL) {
            return least(seq, in->seq);
        }
        if ((x = find(all, x->from)) == NULL) {
            return -1;
        }
        seq = least(seq, x->seq);
    }
    return -1;
}

static bool is_other(const store *s, const lives *own, const life *x) {
    return !find(own, x->incarnation) && strcmp(x->incarnation, s->identity.incarnation) != 0;
}

int64_t lives_shared(const store *s) {
    lives all = {0}, own = {0};
    int64_t least_shared = s->last.seq;
    read_all(s->anchor, s->identity.workspace, &all);
    own_lives(s, &all, &own);
    for (size_t i = 0; i < all.count; i++) {
        if (is_other(s, &own, &all.list[i])) {
            least_shared = least(least_shared, shared(&all, &own, &all.list[i]));
        }
    }
    free(all.list);
    free(own.list);
    return least_shared;
}

void lives_write(const store *s, keel_json_writer *w) {
    lives all = {0}, own = {0};
    read_all(s->anchor, s->identity.workspace, &all);
    own_lives(s, &all, &own);
    keel_json_key(w, "lives");
    keel_json_array(w);
    for (size_t i = all.count; i-- > 0;) { /* newest first */
        const life *x = &all.list[i];
        if (!is_other(s, &own, x)) {
            continue;
        }
        keel_json_object(w);
        keel_json_set_text(w, "incarnation", x->incarnation);
        keel_json_set_int(w, "seq", shared(&all, &own, x));
        keel_json_object_end(w);
    }
    keel_json_array_end(w);
    free(all.list);
    free(own.list);
}
