/* service.yaml: a REST service in YAML alone, read by the engine plugins/rest/rest.lua, whose README
 * is its manual. Checked as a whole when its connector is looked at or installed, so that the engine
 * need not: what it gets is whole. */
#ifndef SERVICE_H
#define SERVICE_H

#include "diag.h"
#include "keel/buf.h"
#include "manifest.h"

/* Appends the description as canonical JSON, which is what the engine reads. `m` is the manifest beside
 * it, with m->service. 0, or a DIAG_ code with file, line and column. */
int service_parse(keel_buf *json, const manifest *m, const char *file, const char *text, size_t len,
                  diag *d);
/* The same of the entry's text in that folder. */
int service_convert(keel_buf *json, const manifest *m, const char *folder, const keel_buf *text,
                    diag *d);
/* Reads and checks the entry in a folder. */
int service_check(const manifest *m, const char *folder, diag *d);

#endif
