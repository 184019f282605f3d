/* keel connection test: proves one connection, without a kernel and without changing anything. */
#ifndef CLI_CONNECTION_TEST_H
#define CLI_CONNECTION_TEST_H

#include "cli.h"
#include "probe.h"
#include "recipe.h"
#include "survey.h"

typedef enum verdict { VERDICT_OK, VERDICT_FAILED, VERDICT_SKIPPED } verdict;

typedef struct proof {
    cli *c;
    const workspace_connection *k;
    survey *w;
    const manifest *m;
    plugin *plugin;
    recipe *recipe;
    probe *probe;
    keel_buf reach, bare; /* what egress is told: with the login, and without */
    int counts[3];        /* by verdict */
    int exit;             /* of what failed first; 0: nothing did */
} proof;

/* One line. exit: what the command ends with if nothing failed before. next: what to do, or NULL. */
void proof_tell(proof *p, verdict v, int exit, const char *step, const char *next,
                const char *format, ...) __attribute__((format(printf, 6, 7)));

/* connection_net.c: addresses, TLS, login; each tells. false: one of them is at fault. */
bool proof_addresses(proof *p);
bool proof_servers(proof *p);

/* All of it, of one connection of c->ws. The exit code, or a DIAG_ code: it could not be tried. */
int connection_prove(cli *c, const workspace_connection *k, diag *d);

#endif
