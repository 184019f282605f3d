/* The stand-in for the outside of a workspace under torture: a connector of Keel's own with the id,
 * version, resources, verbs and classes of the real one, without its code, its account and its network.
 * It keeps a log of what it applied (the oracle), answers as the scenes say, and loses an answer when it
 * is told to (workspaces/standin.lua).
 *
 * Its folder in a site's workspace is outside-CONNECTION. */
#ifndef STANDIN_H
#define STANDIN_H

#include "diag.h"
#include "manifest.h"
#include "site.h"

#define STANDIN_TIMEOUT "10s" /* of each verb; where an answer is to be lost: */
#define STANDIN_HASTE   "300ms"

/* Writes the stand-in of the connector with this manifest into a new folder. library: standin.lua. */
int standin_write(const char *folder, const manifest *m, const char *text, size_t len,
                  const char *library, diag *d);
/* keel.yaml with every connection led to its stand-in: without logins, secrets, addresses. */
int standin_workspace(const char *from, keel_buf *out, diag *d);

/* What a scene answers, a canonical JSON object {"answers":[...],"scene":N}, for all connections. */
void standin_answers(const site *s, const char *connection, const keel_buf *answers);

/* "CONNECTION RESOURCE.VERB N HOW": at the N-th such call. HOW: dies_before, dies, silent, late. */
void standin_fault(const site *s, const char *fault);
bool standin_struck(const site *s);
extern const char *const standin_faults[]; /* NULL behind the last */
/* Appends a line "CONNECTION.RESOURCE.VERB" for each call to the file. */
void standin_calls(const site *s, const char *file);

#endif
