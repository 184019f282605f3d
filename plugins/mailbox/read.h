/* A page of messages as it is being answered. */
#ifndef MAILBOX_READ_H
#define MAILBOX_READ_H

#include "box.h"

#define PAGE_BYTES (1u << 20)  /* of answer: the page ends when it is fuller */
#define PAGE_LOOK  (24u << 20) /* of mail looked at for one page */

typedef struct page {
    const box *box;
    keel_call *call;
    char *cursor; /* where to go on, or NULL: from the start */
    char *id;     /* only this message, or NULL */
    size_t limit;
    keel_buf out;
    keel_json_writer w;
    char **ids; /* of the items on this page */
    size_t items;
    uint64_t looked;
    bool more;
    keel_buf next;
} page;

/* Takes one message's bytes; `at->id` is set here. */
void page_add(page *p, const char *bytes, size_t len, mail_place *at);
/* Whether no more belongs on the page. */
bool page_full(const page *p);

/* Fill the page from p->cursor on and set next and more. */
keel_status read_maildir(page *p);
keel_status read_mbox(page *p, const char *file);

#endif
