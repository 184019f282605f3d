/* The last failure of each connection, of the network and of the anchor, for `status`. */
#ifndef KERNEL_TROUBLE_H
#define KERNEL_TROUBLE_H

#include "parts.h"

void trouble_note(kernel *k, connection *cn, const char *text); /* cn may be NULL */
void trouble_of_network(kernel *k, const char *text);
void trouble_clear(kernel *k, connection *cn); /* the same */
void trouble_connections(const kernel *k, keel_json_writer *w);
void trouble_network(const kernel *k, keel_json_writer *w);
void trouble_anchor(const kernel *k, keel_json_writer *w);

#endif
