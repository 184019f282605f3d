/* keel-egress as the kit uses it: the real one, with orders as the kernel gives them. */
#ifndef KIT_NET_H
#define KIT_NET_H

#include <uv.h>

#include "diag.h"
#include "keel/json.h"
#include "manifest.h"

typedef struct net net;

/* secrets: {NAME: VALUE} or none; written into a folder of their own below `temp`. */
int net_start(net **out, uv_loop_t *loop, const char *program, const char *temp, keel_json secrets,
              diag *d);
void net_stop(net *n); /* takes NULL */
/* Says what a connection with this config may reach: the addresses of the manifest's needs, in the
 * clear and private ones too, since they are those of tests. Its number, or 0 and d: the config is
 * refused. auth, ca: as in keel.yaml, or none and NULL. */
uint64_t net_connection(net *n, const manifest *m, keel_json config, keel_json auth, const char *ca,
                        diag *d);
/* The executor's end of its door. -1 and d: none can be had. */
int net_door(net *n, uint64_t executor, uint64_t connection, diag *d);
void net_order(net *n, uint64_t ref, uint64_t executor, uint64_t connection, bool unsafe,
               int64_t us);
void net_end(net *n, uint64_t ref);

#endif
