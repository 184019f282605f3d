/* The servers of a connection: may it speak to them, do they answer, do they take its login. */
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "connection_test.h"
#include "guard.h"
#include "mailhosts.h"
#include "origin.h"
#include "reach.h"

typedef bool each_address(proof *p, const char *url, const origin *o);

typedef struct walk {
    proof *p;
    each_address *each;
    bool good;
} walk;

static void walk_one(void *ctx, const char *url) {
    walk *w = ctx;
    origin o;
    if (origin_parse(&o, url, strlen(url), NULL) == 0) {
        w->good = w->each(w->p, url, &o) && w->good;
    }
}

static bool walk_all(proof *p, each_address *each) {
    walk w = {p, each, true};
    return reach_origins(p->m, p->k, walk_one, &w, NULL) == 0 && w.good;
}

/* ---- addresses ---- */

typedef struct allowing {
    const origin *o;
    bool covered;
} allowing;

static void on_pattern(void *ctx, const char *pattern, const char *file, int line) {
    allowing *a = ctx;
    (void)file;
    (void)line;
    a->covered = a->covered || origin_pattern_covers(pattern, a->o);
}

static bool by_policy(proof *p, const char *url, const origin *o) {
    allowing a = {o, false};
    if (!policy_egress(p->w->policy, p->k->name, on_pattern, &a) || a.covered) {
        return true;
    }
    proof_tell(p, VERDICT_FAILED, 1, "address",
               "Add it under `egress` in the policy, if it is meant.",
               "%s: policy's `egress` does not list it for %s", url, p->k->name);
    return false;
}

/* As egress does at the moment of connect. NULL: it may be connected to. */
static const char *guarded(const proof *p, const origin *o, const struct addrinfo *list, char *text,
                           size_t size) {
    const char *next = NULL;
    for (; list; list = list->ai_next) {
        guard_kind kind = guard_classify(list->ai_addr);
        guard_describe(list->ai_addr, text, size);
        if (kind == GUARD_FORBIDDEN) {
            next = next ? next : "No connection of Keel's goes there.";
        } else if (kind == GUARD_PRIVATE && !o->literal && !p->k->private) {
            next = "Say `private: true` of the connection in keel.yaml if it is meant.";
        } else {
            return NULL;
        }
    }
    return next;
}

static bool one_address(proof *p, const char *url, const origin *o) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    char text[160] = "";
    if (!by_policy(p, url, o)) {
        return false;
    }
    int rc = getaddrinfo(o->host, NULL, &hints, &list);
    if (rc != 0) {
        proof_tell(p, VERDICT_FAILED, 1, "address",
                   rc == EAI_AGAIN ? "See whether this machine is in the network; try again."
                                   : "Check how the name is written in keel.yaml.",
                   "%s: the name %s does not resolve (%s)", url, o->host, gai_strerror(rc));
        return false;
    }
    const char *next = guarded(p, o, list, text, sizeof text);
    freeaddrinfo(list);
    if (next) {
        proof_tell(p, VERDICT_FAILED, 1, "address", next, "%s: %s", url, text);
        return false;
    }
    proof_tell(p, VERDICT_OK, 0, "address", NULL, "%s: %s", url, text);
    return true;
}

bool proof_addresses(proof *p) {
    return walk_all(p, one_address);
}

/* ---- servers ---- */

static bool secured(const proof *p, const origin *o) {
    bool tls = !strcmp(o->scheme, "https") || !strcmp(o->scheme, "imaps") ||
               !strcmp(o->scheme, "smtps") || !strcmp(o->scheme, "tls");
    bool mail = !strcmp(o->scheme, "imap") || !strcmp(o->scheme, "smtp");
    return tls || (mail && !p->k->plain);
}

static bool takes_login(const proof *p, const origin *o) {
    bool http = !strncmp(o->scheme, "http", 4);
    bool mail = !strncmp(o->scheme, "imap", 4) || !strncmp(o->scheme, "smtp", 4);
    return recipe_kind_of(p->recipe) != RECIPE_NONE &&
           ((http && recipe_for_http(p->recipe)) || (mail && recipe_for_stream(p->recipe)));
}

static bool answers(proof *p, const char *url, const origin *o) {
    knock k;
    diag d = {0};
    if (probe_knock(p->probe, url, false, &k, &d) != 0) {
        proof_tell(p, VERDICT_FAILED, 1, "server", NULL, "%s: %s", url, d.what);
        return false;
    }
    if (!k.answered) {
        proof_tell(p, VERDICT_FAILED, 1, "server", NULL, "%s", k.message);
        return false;
    }
    proof_tell(p, VERDICT_OK, 0, "server", NULL, "%s:%u answers%s", o->host, (unsigned)o->port,
               secured(p, o) ? ", and its certificate is good" : ", without TLS");
    return true;
}

static bool logs_in(proof *p, const char *url, const origin *o) {
    knock k;
    diag d = {0};
    if (!takes_login(p, o)) {
        return true;
    }
    if (probe_knock(p->probe, url, true, &k, &d) != 0) {
        proof_tell(p, VERDICT_FAILED, 1, "login", NULL, "%s: %s", url, d.what);
        return false;
    }
    if (k.answered && (k.status == 401 || k.status == 407)) {
        snprintf(k.message, sizeof k.message,
                 "%s:%u refuses the login (%d). Check `auth` of connection %s, and its secret with "
                 "`keel secret test`.",
                 o->host, (unsigned)o->port, k.status, p->k->name);
        k.answered = false;
    }
    if (!k.answered) {
        const char *note = mailhosts_note(o->host);
        bool server = strstr(k.message, "refuses the login") || !strcmp(k.code, "denied");
        proof_tell(p, VERDICT_FAILED, server ? 4 : 1, "login", note, "%s", k.message);
        return false;
    }
    proof_tell(p, VERDICT_OK, 0, "login", NULL, "%s:%u takes the login", o->host,
               (unsigned)o->port);
    return true;
}

static bool one_server(proof *p, const char *url, const origin *o) {
    return answers(p, url, o) && logs_in(p, url, o);
}

bool proof_servers(proof *p) {
    return walk_all(p, one_server);
}
