/* The inner pieces of workspace.h. */
#ifndef WORKSPACE_INT_H
#define WORKSPACE_INT_H

#include "workspace.h"

/* Fills what keel.yaml says into a workspace that has its root; the rest gets its defaults. */
int workspace_read(workspace *w, diag *d);

#endif
