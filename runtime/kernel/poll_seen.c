/* Ids that were seen, oldest first. */
#include <stdlib.h>

#include "polls.h"

void seen_begin(seen_list *l) {
    *l = (seen_list){.oldest = NULL};
    l->last = &l->oldest;
}

seen_id *seen_find(const seen_list *l, uint64_t key) {
    return map_get(&l->by_key, key);
}

static void append(seen_list *l, seen_id *s) {
    s->next = NULL;
    *l->last = s;
    l->last = &s->next;
    map_put(&l->by_key, s->key, s);
}

void seen_add(seen_list *l, const char *id, uint64_t key, uint64_t walk) {
    seen_id *s = keel_alloc(sizeof *s);
    *s = (seen_id){.key = key, .walk = walk, .id = keel_strdup(id)};
    append(l, s);
}

void seen_drop_oldest(seen_list *l) {
    seen_id *s = l->oldest;
    l->oldest = s->next;
    if (!l->oldest) {
        l->last = &l->oldest;
    }
    map_take(&l->by_key, s->key);
    free(s->id);
    free(s);
}

void seen_move(seen_list *to, seen_list *from) {
    seen_id *next;
    for (seen_id *s = from->oldest; s; s = next) {
        next = s->next;
        append(to, s);
    }
    map_free(&from->by_key);
    seen_begin(from);
}

void seen_free(seen_list *l) {
    while (l->oldest) {
        seen_drop_oldest(l);
    }
    map_free(&l->by_key);
    seen_begin(l);
}
