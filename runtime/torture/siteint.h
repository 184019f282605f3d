/* What the files of a site share. */
#ifndef SITEINT_H
#define SITEINT_H

#include "site.h"

void site_sleep_us(long us);
/* A command of people on this workspace, with failpoints if `how` says so. */
pid_t site_cli_start(site *s, const site_start *how, const char *const *words);
void site_cli(site *s, const site_start *how, const char *const *words); /* to its end: s->status */
/* A file or folder, as cp -R does it, into `to` when that is a folder; ends the process when it
 * cannot. */
void site_copy(const char *from, const char *to);
void site_tell_places(const site *s); /* its share and state folders, to this process */
void site_keys(uint8_t public_key[32], uint8_t secret_key[64]);

#endif
