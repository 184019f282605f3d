/* What all transfers have in common: the address is judged when the socket is made, no proxy, no
 * cookie, no file, TLS verified. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "egress.h"
#include "guard.h"

static bool address_ok(transfer *t, const struct sockaddr *a) {
    guard_kind kind = guard_classify(a);
    if (kind == GUARD_PUBLIC || (kind == GUARD_PRIVATE && t->private_ok)) {
        return true;
    }
    guard_describe(a, t->refused, sizeof t->refused);
    t->forbidden = kind == GUARD_FORBIDDEN;
    return false;
}

static curl_socket_t on_open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *a) {
    transfer *t = ctx;
    if (purpose != CURLSOCKTYPE_IPCXN || !address_ok(t, &a->addr)) {
        return CURL_SOCKET_BAD;
    }
    t->tried = true;
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

bool transfer_address_ok(transfer *t, const char *ip) {
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, ip, &v4.sin_addr) == 1) {
        return address_ok(t, (const struct sockaddr *)&v4);
    }
    if (inet_pton(AF_INET6, ip, &v6.sin6_addr) == 1) {
        return address_ok(t, (const struct sockaddr *)&v6);
    }
    snprintf(t->refused, sizeof t->refused, "its address cannot be read");
    return false;
}

void transfer_prepare(transfer *t, connection *c, const char *url, const char *protocols,
                      bool private_ok) {
    t->conn = c;
    t->private_ok = private_ok;
    t->tried = false;
    t->forbidden = false;
    t->refused[0] = 0;
    t->error[0] = 0;
    t->easy = multi_handle(&c->m);
    CURL *e = t->easy;
    curl_easy_setopt(e, CURLOPT_PRIVATE, (char *)t);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
    curl_easy_setopt(e, CURLOPT_URL, url);
    curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, protocols);
    curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, "");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (c->ca) {
        curl_easy_setopt(e, CURLOPT_CAINFO, c->ca);
        curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
    }
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, 15000L);
    curl_easy_setopt(e, CURLOPT_DNS_CACHE_TIMEOUT, 5L);
    curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, 60L);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t);
}

static bool untrusted(CURLcode code) {
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
           code == CURLE_SSL_ISSUER_ERROR;
}

bool transfer_refused(const transfer *t, const origin *o, char *out, size_t size) {
    if (!t->refused[0] || t->tried) {
        return false;
    }
    snprintf(out, size, "%s is not connected to: %s. %s", o->host, t->refused,
             t->forbidden ? "No connection of Keel's goes there."
                          : "Say `private: true` of the connection in keel.yaml if it is meant.");
    return true;
}

void transfer_explain(const transfer *t, CURLcode code, const origin *o, char *out, size_t size) {
    long number = 0;
    const char *host = o->host;
    unsigned port = o->port;
    if (t->easy) {
        curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &number);
    }
    if (code == CURLE_COULDNT_RESOLVE_HOST) {
        snprintf(out, size,
                 "%s is not known: its name does not resolve. Check how it is written, "
                 "and the network.",
                 host);
    } else if (code == CURLE_COULDNT_CONNECT && number) {
        snprintf(out, size,
                 "%s:%u does not answer: %s. Check the address, and whether the service "
                 "runs.",
                 host, port, strerror((int)number));
    } else if (code == CURLE_COULDNT_CONNECT) {
        snprintf(out, size,
                 "%s:%u does not answer. Check the address, and whether the service "
                 "runs.",
                 host, port);
    } else if (code == CURLE_OPERATION_TIMEDOUT) {
        snprintf(out, size, "%s:%u did not answer in time. Try again later.", host, port);
    } else if (untrusted(code)) {
        snprintf(out, size,
                 "%s:%u is not trusted: %s. Check the name, or give its certificate "
                 "authority as `tls: { ca: FILE }` in keel.yaml.",
                 host, port, t->error[0] ? t->error : curl_easy_strerror(code));
    } else {
        snprintf(out, size, "The connection with %s:%u failed: %s.", host, port,
                 t->error[0] ? t->error : curl_easy_strerror(code));
    }
}
