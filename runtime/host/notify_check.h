/* What can be said of a notifier without using it. */
#ifndef HOST_NOTIFY_CHECK_H
#define HOST_NOTIFY_CHECK_H

#include "workspace.h"

/* It would not start; why: a sentence without its end. */
bool notify_wrong(const workspace_notifier *t, keel_buf *why);
/* A program by its name in PATH: its whole path. */
bool notify_find(const char *name, keel_buf *out);

#endif
