/* People are told: by the ways that keel.yaml's `notify` names, besides the log and `keel inbox`.
 *
 * What a step of escalate.c says is written first, and told after its commit. That it was told, or why it
 * could not be, is a second record of the same kind with the member "told". A step without that second
 * record is told again after a restart: so around a crash a person may be told twice, and never not at
 * all. What fails is tried three times in all, the item stays open whatever becomes of it, and its next step
 * is told again.
 *
 * What comes within two seconds is told together, each way at most once a minute, and four ways at most
 * at the same time. The number of what waits is that of the open items. */
#ifndef KERNEL_NOTICES_H
#define KERNEL_NOTICES_H

#include "command.h"

#define NOTICE_AT_ONCE  4 /* ways that are at work */
#define NOTICE_TRIES    3
#define NOTICE_LISTED   10                    /* items that one notice names */
#define NOTICE_LAST_US  (15 * 60 * 1000000LL) /* longer than the last try of a notice can take */
#define NOTICE_GATHER   2000000LL
#define NOTICE_EVERY_US 60000000LL

/* The item's last step is to be told to that one. false: keel.yaml has no way to. */
bool notice_add(kernel *k, open_item *x, const char *to);
bool notice_possible(const kernel *k, const char *to);
/* At the start: the last steps of which nobody knows whether they were told. */
int notices_load(kernel *k, diag *d);
/* After its commit: hands the notice of that number over. */
void notice_leaves(kernel *k, uint64_t id, const char *body, size_t len);
void notices_write(const kernel *k, keel_json_writer *w); /* for `status` */
void notices_free(kernel *k);

/* ---- notice_text.c ---- */
/* A notice as canonical JSON: {"items":[{"kind","number","rule"?,"step","what"?}],"look","test"?:true,
 * "text","title","workspace"}. Of an item whose run has read more than what is internal, it has no "what".
 * All texts are one line, what others wrote is escaped as text.h says; "text" has several. */
void notice_text(kernel *k, const uint64_t *numbers, size_t count, keel_buf *out);
void notice_test(kernel *k, const char *name, keel_buf *out);

#endif
