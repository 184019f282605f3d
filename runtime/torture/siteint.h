/* What site.c and sitetalk.c share. */
#ifndef SITEINT_H
#define SITEINT_H

#include "site.h"

void site_sleep_us(long us);
void site_copy(const char *from, const char *to); /* a folder; ends the process when it cannot */
void site_keys(uint8_t public_key[32], uint8_t secret_key[64]);

#endif
