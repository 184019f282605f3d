/* What the files of the inbox view share. */
#ifndef CLI_INBOXVIEW_INT_H
#define CLI_INBOXVIEW_INT_H

#include "inboxbody.h"
#include "inboxview.h"
#include "screen.h"
#include "signer.h"

typedef struct view {
    cli *c;
    looks *l;
    screen *s;
    keys keys;
    bodies bodies;
    bool all; /* also what a later digest is to show */
    signer who;
    diag nobody; /* why nobody can approve; code 0: somebody can */
    int tries;
    int64_t looked_ms;
    size_t columns;
} view;

/* ---- inboxview.c ---- */

void view_draw(view *v);
bool view_running(view *v); /* a kernel that has gone is found again by itself when it is back */
/* Who approves: may be chosen, or his passphrase changed, while the view is open. Locks it. */
void view_approver(view *v);

/* ---- inboxact.c ---- */

bool view_act(view *v, looks_action action); /* false: the person leaves */

#endif
