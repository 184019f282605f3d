/* What a scripted outside holds: objects in collections, and the keys that it remembers. In memory,
 * one owner. */
#ifndef FAKEWORLD_SHELF_H
#define FAKEWORLD_SHELF_H

#include "digest.h"
#include "keel/buf.h"
#include "keel/json.h"
#include "request.h"
#include "script.h"

typedef struct answer {
    int status;
    keel_buf headers; /* lines of "Name: value\r\n" */
    keel_buf body;
    bool applied; /* something was changed */
} answer;

typedef struct shelf shelf;

shelf *shelf_create(void);
void shelf_destroy(shelf *s);
/* Does what the route says at `now_us`. `a` must be empty. */
void shelf_act(shelf *s, const route *r, const request *q, int64_t now_us, answer *a);
/* From now on this status is the answer to the request's key, as services do that save a failure. */
void shelf_save_answer(shelf *s, const route *r, const request *q, int64_t now_us, int status);
void shelf_forget_keys(shelf *s);
void shelf_clear(shelf *s);
/* All objects as canonical JSON, [{"body","place"}]: equal bytes mean that nothing has changed. */
void shelf_write(const shelf *s, keel_buf *out);

void answer_set(answer *a, int status, const char *body, size_t len);
void answer_text(answer *a, int status, const char *body);
void answer_free(answer *a);

#endif
