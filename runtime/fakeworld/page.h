/* Which objects a list or a search answers with, and how a list goes on. No state. */
#ifndef FAKEWORLD_PAGE_H
#define FAKEWORLD_PAGE_H

#include "keel/buf.h"
#include "keel/json.h"
#include "request.h"
#include "script.h"

/* Whether an object is one that the request is after: by the search, each filter that it gives, and
 * `after` an id. */
bool page_takes(const route *r, const request *q, keel_json object);
/* The first of those that are taken, counted from 0. */
int64_t page_from(const route *r, const request *q);
/* What leads on: a header, or members behind the list in the body. */
void page_end(const route *r, const request *q, int64_t from, bool more, keel_buf *headers,
              keel_buf *body);

#endif
