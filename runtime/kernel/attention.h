/* A person's attention in the kernel: what is raised at once, what is gathered until there is attention
 * again and then comes together, and the minutes that are spent on what was shown. */
#ifndef KERNEL_ATTENTION_H
#define KERNEL_ATTENTION_H

#include "parts.h"

/* About to be raised for a person. true: it was gathered instead, since the day's attention is spent or a
 * budget of its is at a soft limit that gathers, and waits; false: it interrupts, which is booked for the
 * record that comes next. */
bool attention_gathers(kernel *k, call *c, const policy_decision *d, keel_json decision);
/* A question is about to be asked: when it is shown; 0: at once. It interrupts then, together with what
 * else is shown at that moment, which is booked for its record. One that would expire before that is
 * never kept. */
int64_t attention_of_question(kernel *k, const call *c);
bool attention_gathered(const call *c);
/* It is decided by a person now: what was spent on it is booked for the record that comes next. */
void attention_decided(kernel *k, const call *c);
/* The member "attention" of that record, if anything is booked. */
void attention_put(kernel *k, keel_json_writer *w);
/* What is gathered is raised at once: a person came to look. How many. */
size_t attention_raise(kernel *k);
/* A person sees these items; journaled where minutes are limited. */
void attention_shown(kernel *k, keel_json numbers);
/* The same without a record: it stands in one. */
void attention_note(kernel *k, keel_json numbers);
int attention_load(kernel *k, diag *d); /* at the start: what was shown */
/* {"count","until_us"} of what is gathered, or nothing. */
void attention_write(kernel *k, keel_json_writer *w);

#endif
