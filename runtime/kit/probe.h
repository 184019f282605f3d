/* One connection as keel.yaml has it, without a kernel: its executor and the real egress, beside a
 * kernel that may run. Nothing is written. One thread; blocks. */
#ifndef KIT_PROBE_H
#define KIT_PROBE_H

#include "driver.h"
#include "knock.h"

typedef struct probe_settings {
    plugin *plugin;     /* stays the caller's, as all else */
    kit_settings parts; /* folder, so_folder, executor, egress, unsafe */
    const char *root;   /* the workspace */
    keel_json config;
    const keel_buf *reach; /* body of G_CONNECTION; empty: it has no way out */
    const keel_buf *bare;  /* the same without the login */
    net_secrets secrets;
} probe_settings;

typedef struct probe probe;

int probe_open(probe **out, const probe_settings *s, diag *d);
void probe_close(probe *p); /* takes NULL */
/* Starts the executor. false: *why says what it said, or how it died. */
bool probe_start(probe *p, const char **why);
/* Speaks to an address that the connection may reach, with its login or without. */
int probe_knock(probe *p, const char *url, bool login, knock *out, diag *d);
/* One read, as an agent would ask it. Free *out with said_free. */
void probe_read(probe *p, const char *resource, keel_json query, said *out);

#endif
