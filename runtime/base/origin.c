#include "origin.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define URL_LIMIT 16384

/* smtp is submission (RFC 6409): we are a client of the person's own provider, no relay. */
static const struct scheme {
    const char *name;
    uint16_t port; /* 0: must be written */
    bool path;
} schemes[] = {
    {"http", 80, true},   {"https", 443, true},  {"imap", 143, false}, {"imaps", 993, false},
    {"smtp", 587, false}, {"smtps", 465, false}, {"tls", 0, false},    {"tcp", 0, false},
};

/* ---- bytes ---- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int hex_of(char c) {
    if (is_digit(c)) {
        return c - '0';
    }
    char small = (char)(c | 0x20);
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

/* ---- refusals ---- */

/* What of the URL may be shown: no query, and only the scheme where people may have written a
 * password. */
static void show(const char *url, size_t len, char out[100]) {
    size_t n = 0;
    size_t end = strcspn(url, memchr(url, '@', len) ? ":?#" : "?#");
    for (; n < end && n < 96; n++) {
        out[n] = url[n] > ' ' && url[n] < 0x7f ? url[n] : '?';
    }
    out[n] = 0;
}

static const char fix[] =
    "Write it as scheme://host:port/path, for example https://api.example.com/v1.";

typedef struct input {
    char *text; /* NUL-terminated, len bytes */
    size_t len;
    diag *d;
} input;

static int refuse(const input *in, const char *why) {
    char shown[100];
    show(in->text, in->len, shown);
    diag_set(in->d, DIAG_USAGE, "The address `%s` is refused: %s.", shown, why);
    diag_next(in->d, "%s", fix);
    return DIAG_USAGE;
}

/* ---- the host ---- */

static bool label_ok(const char *label, size_t len) {
    if (len == 0 || len > 63 || label[0] == '-' || label[len - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (!is_letter(label[i]) && !is_digit(label[i]) && label[i] != '-') {
            return false;
        }
    }
    return true;
}

/* Such a last label makes resolvers and browsers read the whole as an IPv4 address. */
static bool label_is_number(const char *label, size_t len) {
    size_t i = len >= 2 && label[0] == '0' && label[1] == 'x' ? 2 : 0;
    bool hex = i == 2;
    while (i < len && (hex ? hex_of(label[i]) >= 0 : is_digit(label[i]))) {
        i++;
    }
    return i == len;
}

static int read_name(origin *out, const input *in) {
    const char *label = out->host;
    for (;;) {
        size_t len = strcspn(label, ".");
        if (!label_ok(label, len)) {
            return refuse(in, len == 0 ? "its host has an empty part, or a dot at the end"
                                       : "a host is made of letters, digits, hyphens and dots "
                                         "(write other alphabets as xn--...)");
        }
        if (!label[len]) {
            break;
        }
        label += len + 1;
    }
    struct in_addr v4;
    if (label_is_number(label, strlen(label))) {
        /* inet_pton takes four decimal numbers without leading zeros and nothing else. */
        if (inet_pton(AF_INET, out->host, &v4) != 1) {
            return refuse(in,
                          "an IPv4 address is four numbers from 0 to 255, without leading zeros");
        }
        out->literal = true;
    }
    out->literal = out->literal || strcmp(out->host, "localhost") == 0;
    return 0;
}

static int read_host(origin *out, const input *in, const char *text, size_t len) {
    if (len == 0) {
        return refuse(in, "it names no host");
    }
    if (len > 253) {
        return refuse(in, "its host is longer than 253 bytes");
    }
    for (size_t i = 0; i < len; i++) {
        out->host[i] = is_letter(text[i]) ? (char)(text[i] | 0x20) : text[i];
    }
    out->host[len] = 0;
    return read_name(out, in);
}

/* text: what stands between the brackets. */
static int read_v6(origin *out, const input *in, const char *text, size_t len) {
    char copy[64];
    struct in6_addr v6;
    if (len >= sizeof copy) {
        return refuse(in, "what stands in brackets is no IPv6 address");
    }
    memcpy(copy, text, len);
    copy[len] = 0;
    if (inet_pton(AF_INET6, copy, &v6) != 1) {
        return refuse(in, "what stands in brackets is no IPv6 address");
    }
    inet_ntop(AF_INET6, &v6, out->host, sizeof out->host);
    out->literal = true;
    return 0;
}

static int read_port(origin *out, const input *in, const char *text, size_t len) {
    uint32_t port = 0;
    for (size_t i = 0; i < len && i < 6; i++) {
        if (!is_digit(text[i])) {
            return refuse(in, "its port is no number");
        }
        port = port * 10 + (uint32_t)(text[i] - '0');
    }
    if (len == 0 || len > 5 || text[0] == '0' || port > 65535) {
        return refuse(in, "a port is a number from 1 to 65535, without leading zeros");
    }
    out->port = (uint16_t)port;
    return 0;
}

/* host, host:port, [v6], [v6]:port */
static int read_authority(origin *out, const input *in, const char *text, size_t len) {
    if (memchr(text, '@', len)) {
        return refuse(in, "it has a user in front of an \"@\"; logins belong under `auth:`");
    }
    const char *after;
    int rc;
    if (len && text[0] == '[') {
        const char *close = memchr(text, ']', len);
        if (!close) {
            return refuse(in, "a bracket is not closed");
        }
        after = close + 1;
        rc = read_v6(out, in, text + 1, (size_t)(close - text - 1));
    } else {
        const char *colon = memchr(text, ':', len);
        after = colon ? colon : text + len;
        rc = read_host(out, in, text, (size_t)(after - text));
    }
    size_t rest = len - (size_t)(after - text);
    if (rc || rest == 0) {
        return rc;
    }
    return *after == ':' ? read_port(out, in, after + 1, rest - 1)
                         : refuse(in, "something follows the bracket of its host");
}

/* ---- the path ---- */

/* Whether servers may read a segment as "." or "..": also before ";", where some put parameters. */
static bool segment_is_dots(const char *segment, size_t len) {
    size_t dots = 0;
    while (dots < len && segment[dots] == '.') {
        dots++;
    }
    return (dots == 1 || dots == 2) && (dots == len || segment[dots] == ';');
}

/* Dot segments with each %XX read once, where %2f and %5c divide as "/" does. */
static bool path_climbs(const char *path, size_t len) {
    char segment[3]; /* more need not be known: two dots and what follows them */
    size_t n = 0;
    for (size_t i = 0; i <= len; i++) {
        char c = i < len ? path[i] : '/';
        if (c == '%' && i + 2 < len) {
            c = (char)(hex_of(path[i + 1]) * 16 + hex_of(path[i + 2]));
            i += 2;
        }
        if (c == '/' || c == '\\') {
            if (segment_is_dots(segment, n)) {
                return true;
            }
            n = 0;
        } else if (n < sizeof segment) {
            segment[n++] = c;
        }
    }
    return false;
}

static int check_path(const input *in, const char *path) {
    size_t len = strlen(path);
    for (size_t i = 0; i < len; i++) {
        if (path[i] != '%') {
            continue;
        }
        if (i + 2 >= len || hex_of(path[i + 1]) < 0 || hex_of(path[i + 2]) < 0) {
            return refuse(in, "a percent sign is followed by two hexadecimal digits (itself: %25)");
        }
        if (path[i + 1] == '0' && path[i + 2] == '0') {
            return refuse(in, "its path has a NUL");
        }
    }
    if (path_climbs(path, strcspn(path, "?"))) {
        return refuse(in, "its path has a segment that is \".\" or \"..\"");
    }
    return 0;
}

/* ---- the whole ---- */

static int check_bytes(const input *in) {
    if (in->len > URL_LIMIT) {
        return refuse(in, "it is longer than 16384 bytes");
    }
    for (size_t i = 0; i < in->len; i++) {
        unsigned char c = (unsigned char)in->text[i];
        if (c <= ' ' || c >= 0x7f) {
            return refuse(in, "it has a space, a control character or one that is not ASCII; in "
                              "paths such are written as %20");
        }
        if (c == '\\') {
            return refuse(in, "it has a backslash");
        }
        if (c == '#') {
            return refuse(in, "it has a fragment (\"#\"), which no server is sent");
        }
    }
    return 0;
}

static const struct scheme *read_scheme(origin *out, const input *in, const char **rest) {
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t n = strlen(schemes[i].name);
        if (strncasecmp(in->text, schemes[i].name, n) == 0 &&
            strncmp(in->text + n, "://", 3) == 0) {
            memcpy(out->scheme, schemes[i].name, n + 1);
            *rest = in->text + n + 3;
            return &schemes[i];
        }
    }
    refuse(in, "it must begin with https://, http://, imaps://, imap://, smtps://, smtp://, tls:// "
               "or tcp://");
    return NULL;
}

/* wild: where "*." before the host is allowed, and whether it stood there. */
static int parse(origin *out, const input *in, bool *wild) {
    const char *rest;
    int rc = check_bytes(in);
    const struct scheme *s = rc ? NULL : read_scheme(out, in, &rest);
    if (!s) {
        return DIAG_USAGE;
    }
    bool below = wild && strncmp(rest, "*.", 2) == 0;
    rest += below ? 2 : 0;
    size_t authority = strcspn(rest, "/?");
    rc = read_authority(out, in, rest, authority);
    if (rc) {
        return rc;
    }
    if (below && out->literal) {
        return refuse(in, "nothing lies below an IP address or localhost");
    }
    if (wild) {
        *wild = below;
    }
    out->port = out->port ? out->port : s->port;
    if (out->port == 0) {
        return refuse(in, "tls:// and tcp:// must name a port");
    }
    out->path = rest + authority;
    out->path_len = in->len - (size_t)(out->path - in->text);
    if (!s->path) {
        if (strcmp(out->path, "/") != 0 && out->path_len) {
            return refuse(in, "only http:// and https:// have a path");
        }
        out->path_len = 0;
    }
    return check_path(in, out->path);
}

static int parse_copied(origin *out, const char *url, size_t len, bool *wild, diag *d) {
    input in = {keel_memdup(url, len), len, d};
    origin o = {.port = 0};
    int rc = memchr(url, 0, len) ? refuse(&in, "it has a NUL") : parse(&o, &in, wild);
    if (rc == 0) {
        o.path = url + (o.path - in.text);
        *out = o;
    }
    free(in.text);
    return rc;
}

int origin_parse(origin *out, const char *url, size_t len, diag *d) {
    return parse_copied(out, url, len, NULL, d);
}

void origin_write(const origin *o, keel_buf *out) {
    bool v6 = strchr(o->host, ':');
    bool web = strncmp(o->scheme, "http", 4) == 0;
    keel_buf_printf(out, "%s://%s%s%s:%u", o->scheme, v6 ? "[" : "", o->host, v6 ? "]" : "",
                    o->port);
    if (web && (o->path_len == 0 || o->path[0] == '?')) {
        keel_buf_putc(out, '/');
    }
    keel_buf_append(out, o->path, o->path_len);
}

static bool path_covers(const origin *allowed, const origin *o) {
    size_t n = allowed->path_len;
    if (n == 0 || (n == 1 && allowed->path[0] == '/')) {
        return true;
    }
    if (o->path_len < n || memcmp(o->path, allowed->path, n) != 0) {
        return false;
    }
    if (o->path_len == n) {
        return true;
    }
    if (memchr(allowed->path, '?', n)) {
        return false; /* with a query it is itself alone */
    }
    return allowed->path[n - 1] == '/' || o->path[n] == '/' || o->path[n] == '?';
}

bool origin_covers(const origin *allowed, const origin *o) {
    return strcmp(allowed->scheme, o->scheme) == 0 && allowed->port == o->port &&
           strcmp(allowed->host, o->host) == 0 && path_covers(allowed, o);
}

/* ---- patterns ---- */

int origin_pattern_check(const char *pattern, diag *d) {
    origin o;
    bool wild = false;
    int rc = parse_copied(&o, pattern, strlen(pattern), &wild, d);
    if (rc == 0 && strchr(pattern, '?')) {
        diag_set(d, DIAG_USAGE, "The pattern has a query (\"?\"), which is not matched.");
        return diag_next(d, "End it with the path: all below it, with any query, is covered.");
    }
    return rc;
}

bool origin_pattern_covers(const char *pattern, const origin *o) {
    origin p;
    bool wild = false;
    if (parse_copied(&p, pattern, strlen(pattern), &wild, NULL) || strchr(pattern, '?')) {
        return false;
    }
    if (wild) {
        size_t host = strlen(o->host);
        size_t base = strlen(p.host);
        if (host <= base + 1 || o->host[host - base - 1] != '.' || o->literal ||
            strcmp(o->host + host - base, p.host) != 0) {
            return false;
        }
        memcpy(p.host, o->host, sizeof p.host);
    }
    return origin_covers(&p, o);
}
