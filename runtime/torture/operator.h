/* The person before the workspace, in the scripts of the crash tests: says each command once, and
 * decides what waits. */
#ifndef OPERATOR_H
#define OPERATOR_H

#include "site.h"

#define OPERATOR_PATIENCE_MS 20000
#define OPERATOR_LOOK_MS     20 /* between two looks at the database: each costs what a commit does */

bool operator_alive(site *s); /* the kernel runs, and nothing was wrong so far */
/* A command, once. A refusal is a fault; false also when the kernel has gone. */
bool operator_tell(site *s, const char *request, const char *name, const char *args);
/* The run that `do` began under this request id; 0: the kernel has gone. */
long operator_begin(site *s, const char *request, const char *args);
long operator_number(const char *answer, const char *key);
/* Waits until the query gives at least n; false when the kernel has gone or time is up. */
bool operator_await(site *s, const char *sql, long n, int ms);
/* The first number under which a target was asked, open or not. */
long operator_item(site *s, const char *target);
/* Until all is at rest; people: decides meanwhile what waits. That it does not come to rest is a
 * fault. */
bool operator_settle(site *s, bool people);
/* No run, no effect and no item is open. items: how many of the last are. */
bool operator_at_rest(site *s, long *items);
/* The same, and what is stuck is tried `again` instead of given up: a write that a death broke off is
 * settled as not done, and fails what needs it. */
bool operator_persist(site *s, bool (*again)(site *s, long number));
/* Decides the first open item: signs what is asked, settles what is unknown by what the outside has.
 * false: there was none, or the kernel has gone. */
bool operator_decide(site *s);
bool operator_restless(site *s); /* the fault that it does not come to rest; false */

#endif
