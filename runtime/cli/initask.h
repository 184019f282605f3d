/* What `keel init` wants to know: options, else a person's answers, else defaults. */
#ifndef CLI_INITASK_H
#define CLI_INITASK_H

#include "cli.h"
#include "initfile.h"
#include "options.h"

typedef struct question {
    const char *option, *help, *question;
    int (*check)(const char *said, diag *d);
} question;

/* An answer that cannot be is asked for again on a terminal, and refused elsewhere. The end of
 * input ends it with DIAG_FAILED: nothing was made. `a` is to be freed in every case. */
int initask(cli *c, const options *o, const char *folder, init_answers *a, diag *d);
/* One question: the option's value, else the person's answer, else the default; takes `fallback`. */
int initask_one(cli *c, const options *o, const question *q, char *fallback, char **out, diag *d);
/* "~/mail" as a whole path; NULL: there is nothing. */
char *initask_path(const char *path);
void initask_free(init_answers *a);

/* ---- initmail.c: an account over the network ---- */

bool initmail_is(const char *said); /* a mail address rather than a path */
int initmail_ask(cli *c, const options *o, const char *address, init_answers *a, diag *d);
/* The domain to offer as one's own, "" where it is a provider's; the caller frees it. */
char *initmail_domain(const init_answers *a);
typedef enum connected { CONNECTED, CONNECT_NO_PASSWORD, CONNECT_FAILED } connected;
/* After the files are there: asks for the password, keeps it, and tries the login; says what fails.
 * With nobody to ask, or no password given, the files wait for one. */
connected initmail_connect(cli *c, const init_answers *a);

#endif
