/* Which addresses may be connected to: decided on the resolved address, at the moment of connect. */
#ifndef EGRESS_GUARD_H
#define EGRESS_GUARD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

typedef enum guard_kind {
    GUARD_PUBLIC,
    GUARD_PRIVATE,  /* loopback, RFC 1918, fc00::/7, 100.64/10: only for a literal host of the
                       connection's own, or where keel.yaml says `private: true` */
    GUARD_FORBIDDEN /* link-local (169.254/16 with the metadata services, fe80::/10), 0/8, multicast,
                       reserved, broadcast, documentation: never */
} guard_kind;

/* IPv4 inside of IPv6 (mapped, compatible, NAT64 64:ff9b::/96, 6to4, Teredo) counts as what it
 * embeds. Anything that is no IPv4 or IPv6 address is forbidden. */
guard_kind guard_classify(const struct sockaddr *address);
/* For people: "127.0.0.1 is a private address". */
void guard_describe(const struct sockaddr *address, char *out, size_t size);

#endif
