#include "guard.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* IANA's special-purpose registries. The longest prefixes come first where they overlap; what no row
 * covers is public. */
typedef struct range4 {
    uint32_t network;
    int bits;
    guard_kind kind;
    const char *name;
} range4;

#define V4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

static const range4 ranges4[] = {
    {V4(0, 0, 0, 0), 8, GUARD_FORBIDDEN, "an address of \"this network\""},
    {V4(10, 0, 0, 0), 8, GUARD_PRIVATE, "a private address"},
    {V4(100, 64, 0, 0), 10, GUARD_PRIVATE, "an address shared behind a provider's NAT"},
    {V4(127, 0, 0, 0), 8, GUARD_PRIVATE, "a private address"},
    {V4(169, 254, 0, 0), 16, GUARD_FORBIDDEN, "a link-local address (metadata services)"},
    {V4(172, 16, 0, 0), 12, GUARD_PRIVATE, "a private address"},
    {V4(192, 0, 0, 9), 32, GUARD_PUBLIC, "a public address"},
    {V4(192, 0, 0, 10), 32, GUARD_PUBLIC, "a public address"},
    {V4(192, 0, 0, 0), 24, GUARD_FORBIDDEN, "a reserved address"},
    {V4(192, 0, 2, 0), 24, GUARD_FORBIDDEN, "an address for documentation"},
    {V4(192, 88, 99, 0), 24, GUARD_FORBIDDEN, "a reserved address"},
    {V4(192, 168, 0, 0), 16, GUARD_PRIVATE, "a private address"},
    {V4(198, 18, 0, 0), 15, GUARD_FORBIDDEN, "an address for benchmarks"},
    {V4(198, 51, 100, 0), 24, GUARD_FORBIDDEN, "an address for documentation"},
    {V4(203, 0, 113, 0), 24, GUARD_FORBIDDEN, "an address for documentation"},
    {V4(224, 0, 0, 0), 4, GUARD_FORBIDDEN, "a multicast address"},
    {V4(255, 255, 255, 255), 32, GUARD_FORBIDDEN, "the broadcast address"},
    {V4(240, 0, 0, 0), 4, GUARD_FORBIDDEN, "a reserved address"},
};

/* Alibaba's metadata service lies in 100.64/10, Oracle's in 192.0.0/24, AWS's second one below. */
static const uint32_t metadata4 = V4(100, 100, 100, 200);

typedef enum embedded {
    NOT_EMBEDDED,
    EMBEDDED_AT, /* four bytes, as they are */
    EMBEDDED_INVERTED
} embedded;

typedef struct range6 {
    uint8_t network[16];
    int bits;
    guard_kind kind;
    const char *name;
    embedded embedded;
    int at;
} range6;

static const range6 ranges6[] = {
    {{[15] = 1}, 128, GUARD_PRIVATE, "a private address", NOT_EMBEDDED, 0},
    {{0}, 128, GUARD_FORBIDDEN, "the unspecified address", NOT_EMBEDDED, 0},
    {{0}, 96, GUARD_FORBIDDEN, NULL, EMBEDDED_AT, 12},                   /* compatible */
    {{[10] = 0xff, 0xff}, 96, GUARD_FORBIDDEN, NULL, EMBEDDED_AT, 12},   /* mapped */
    {{[8] = 0xff, 0xff}, 96, GUARD_FORBIDDEN, NULL, EMBEDDED_AT, 12},    /* translated */
    {{0, 0x64, 0xff, 0x9b}, 96, GUARD_FORBIDDEN, NULL, EMBEDDED_AT, 12}, /* NAT64 */
    {{0, 0x64, 0xff, 0x9b, 0, 1}, 48, GUARD_FORBIDDEN, "a reserved address", NOT_EMBEDDED, 0},
    {{0x20, 0x01}, 32, GUARD_FORBIDDEN, NULL, EMBEDDED_INVERTED, 12}, /* Teredo */
    {{0x20, 0x02}, 16, GUARD_FORBIDDEN, NULL, EMBEDDED_AT, 2},        /* 6to4 */
    {{0x20, 0x01, 0x0d, 0xb8},
     32,
     GUARD_FORBIDDEN,
     "an address for documentation",
     NOT_EMBEDDED,
     0},
    {{0x3f, 0xff}, 20, GUARD_FORBIDDEN, "an address for documentation", NOT_EMBEDDED, 0},
    {{0x20, 0x01}, 23, GUARD_FORBIDDEN, "a reserved address", NOT_EMBEDDED, 0},
    {{0xfd, 0x00, 0x0e, 0xc2, [14] = 2, 0x54},
     128,
     GUARD_FORBIDDEN,
     "a metadata service",
     NOT_EMBEDDED,
     0},
    {{0xfd, 0x20, 0, 0xce, [14] = 2, 0x54},
     128,
     GUARD_FORBIDDEN,
     "a metadata service",
     NOT_EMBEDDED,
     0},
    {{0xfc}, 7, GUARD_PRIVATE, "a private address", NOT_EMBEDDED, 0},
    {{0xfe, 0x80}, 10, GUARD_FORBIDDEN, "a link-local address", NOT_EMBEDDED, 0},
    {{0xff}, 8, GUARD_FORBIDDEN, "a multicast address", NOT_EMBEDDED, 0},
    {{0x20}, 3, GUARD_PUBLIC, "a public address", NOT_EMBEDDED, 0},
};

static guard_kind judge4(uint32_t address, const char **name) {
    if (address == metadata4) {
        *name = "a metadata service";
        return GUARD_FORBIDDEN;
    }
    for (size_t i = 0; i < sizeof ranges4 / sizeof *ranges4; i++) {
        const range4 *r = &ranges4[i];
        if ((address ^ r->network) >> (32 - r->bits) == 0) {
            *name = r->name;
            return r->kind;
        }
    }
    *name = "a public address";
    return GUARD_PUBLIC;
}

static uint32_t word_at(const uint8_t *p) {
    return V4(p[0], p[1], p[2], p[3]);
}

static bool within(const uint8_t *address, const range6 *r) {
    int whole = r->bits / 8;
    int rest = r->bits % 8;
    return memcmp(address, r->network, (size_t)whole) == 0 &&
           (rest == 0 || (address[whole] ^ r->network[whole]) >> (8 - rest) == 0);
}

static guard_kind judge6(const uint8_t *address, const char **name) {
    for (size_t i = 0; i < sizeof ranges6 / sizeof *ranges6; i++) {
        const range6 *r = &ranges6[i];
        if (!within(address, r)) {
            continue;
        }
        if (r->embedded == NOT_EMBEDDED) {
            *name = r->name;
            return r->kind;
        }
        uint32_t v4 = word_at(address + r->at);
        return judge4(r->embedded == EMBEDDED_INVERTED ? ~v4 : v4, name);
    }
    *name = "a reserved address"; /* nothing outside of 2000::/3 is given to anybody */
    return GUARD_FORBIDDEN;
}

static guard_kind judge(const struct sockaddr *address, const char **name) {
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        return judge4(ntohl(in.sin_addr.s_addr), name);
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, address, sizeof in);
        return judge6(in.sin6_addr.s6_addr, name);
    }
    *name = "no address of the internet";
    return GUARD_FORBIDDEN;
}

guard_kind guard_classify(const struct sockaddr *address) {
    const char *name;
    return judge(address, &name);
}

void guard_describe(const struct sockaddr *address, char *out, size_t size) {
    const char *name;
    char text[INET6_ADDRSTRLEN] = "This";
    judge(address, &name);
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, address, sizeof in);
        inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof text);
    }
    snprintf(out, size, "%s is %s", text, name);
}
