/* What the scenes of polling share: a mailbox `inbox` whose messages are polled each minute, and whose
 * answers the test gives. */
#ifndef POLLSCENE_H
#define POLLSCENE_H

#include "scene.h"

#define FREE "  - { id: lets, on: \"*\", allow: {} }\n"
#define RECEIVE                                                                                    \
    { "receive", "", "{\"name\":\"inbox.message\"}" }
#define ITEM(id) "{\"id\":\"" id "\"}"
#define POLL     "message: 60s"

#define records_are(w, n)  number_is(w, "SELECT count(*) FROM journal WHERE kind = 58", n)
#define runs_are(w, is, n) number_is(w, "SELECT count(*) FROM run WHERE state = '" is "'", n)
/* How many have received the item of that id. */
#define got(w, who, id, n)                                                                         \
    number_is(w,                                                                                   \
              "SELECT count(*) FROM journal j LEFT JOIN payload p ON p.digest = j.digest"          \
              " WHERE kind = 29 AND " who " AND CAST(coalesce(j.body, p.bytes) AS TEXT)"           \
              " LIKE '%\"from\":\"inbox.message\"%\"id\":\"" id "\"%'",                            \
              n)

/* The read that is out, with these arguments, is answered so; rest: what stands behind the items. */
#define page(w, args, items, rest)                                                                 \
    do {                                                                                           \
        read_is_out(w, args);                                                                      \
        scene_answer(w, "{\"result\":{\"items\":[" items "]" rest "}}");                           \
    } while (0)

/* Boss's program; the kernel runs, its first read of inbox is out. */
sim_world *inbox_scene(const char *rules, const sim_op *ops, size_t count);
/* The same, and what was there before is known: an item "a". */
sim_world *inbox_scene_known(const char *rules, const sim_op *ops, size_t count);
/* A workspace with such a mailbox. */
void inbox_folder(const char *root);
/* keel.yaml with these lines of the connection inbox, beside its `use`. */
void inbox_keel_yaml(const char *root, const char *lines);
/* Answers the read that is out with these items. */
void inbox_has(sim_world *w, const char *items);
/* A minute later the read comes, and is answered so. */
void later_inbox_has(sim_world *w, const char *items);
/* That a read is out, with these arguments. */
void read_is_out(const sim_world *w, const char *args);
/* An answer with so many items, whose ids are numbers. */
void list_of(keel_buf *out, int from, int count, const char *rest);

#endif
