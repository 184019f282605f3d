/* keel-egress without a kernel: the real one, with orders as the kernel gives them. */
#ifndef KIT_NET_H
#define KIT_NET_H

#include <uv.h>

#include "diag.h"
#include "keel/buf.h"
#include "keel/json.h"

typedef struct net net;

typedef struct net_secrets {
    const char *folder;      /* files of their names */
    const char *credentials; /* a folder, or NULL */
    keel_json declared;      /* as in keel.yaml, or none */
} net_secrets;

int net_start(net **out, uv_loop_t *loop, const char *program, const net_secrets *secrets, diag *d);
void net_stop(net *n); /* takes NULL */
/* Says what a connection may reach: the body of G_CONNECTION. Its number. */
uint64_t net_connection(net *n, const keel_buf *body);
/* The executor's end of its door. -1 and d: none can be had. */
int net_door(net *n, uint64_t executor, uint64_t connection, diag *d);
void net_order(net *n, uint64_t ref, uint64_t executor, uint64_t connection, bool unsafe,
               int64_t us);
void net_end(net *n, uint64_t ref);

#endif
