/* keel init with a mail account: its servers, its password, and whether they go together. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "connection_test.h"
#include "initask.h"
#include "mailhosts.h"
#include "origin.h"
#include "passphrase.h"
#include "secretlist.h"

#define SECRET    "mail-password"
#define LINE_ROOM 4096

/* local@domain and nothing else. */
static bool is_address(const char *text) {
    const char *at = strrchr(text, '@');
    const char *domain = at ? at + 1 : "";
    bool dotted = strchr(domain, '.') || !strcmp(domain, "localhost");
    return at && at != text && dotted && !strpbrk(text, " \t<>,;:/\\\"()") && domain[0] != '.' &&
           !strstr(domain, "..") && domain[strlen(domain) - 1] != '.';
}

bool initmail_is(const char *text) {
    return is_address(text) && access(text, F_OK) != 0;
}

static int check_server(const char *text, const char *scheme, const char *example, diag *d) {
    origin o;
    diag why = {0};
    int rc = origin_parse(&o, text, strlen(text), &why);
    size_t len = strlen(scheme);
    const char *rest = rc == 0 && !strncmp(o.scheme, scheme, len) ? o.scheme + len : "?";
    if (rc == 0 && (!*rest || !strcmp(rest, "s"))) {
        return 0;
    }
    diag_set(d, DIAG_USAGE, "\"%s\" is no address of such a server: %s", text,
             rc ? why.what : "it begins with another word.");
    return diag_next(d, "Write it like this: %ss://%s", scheme, example);
}

static int check_imap(const char *text, diag *d) {
    return check_server(text, "imap", "imap.studio.example:993", d);
}

static int check_smtp(const char *text, diag *d) {
    return check_server(text, "smtp", "smtp.studio.example:465", d);
}

static const question imap_question = {
    "imap", "Which server has the mail? imaps:// is encrypted at once, imap:// by STARTTLS.",
    "Mail is read from", check_imap};
static const question smtp_question = {"smtp", "Which server sends it?", "Mail is sent through",
                                       check_smtp};

static int take_ca(const options *o, init_answers *a, diag *d) {
    const char *ca = options_value(o, "ca");
    if (!ca) {
        return 0;
    }
    a->ca = initask_path(ca);
    if (!a->ca) {
        diag_set(d, DIAG_NOT_FOUND, "There are no certificates at %s.", ca);
        return diag_next(d, "Name a PEM file; leave --ca out where the servers have certificates "
                            "that everybody trusts.");
    }
    return 0;
}

int initmail_ask(cli *c, const options *o, const char *address, init_answers *a, diag *d) {
    if (!is_address(address)) {
        diag_set(d, DIAG_USAGE, "\"%s\" is no mail address.", address);
        return diag_next(d, "Write it like this: keel init --mail ada@studio.example");
    }
    mailhost host = mailhosts_of(strrchr(address, '@') + 1);
    a->user = keel_strdup(address);
    a->note = host.note;
    a->sent = host.sent;
    a->copies = host.copies;
    int rc = take_ca(o, a, d);
    if (rc) {
        free(host.imap);
        free(host.smtp);
        return rc;
    }
    rc = initask_one(c, o, &imap_question, host.imap, &a->imap, d);
    if (rc) {
        free(host.smtp);
        return rc;
    }
    return initask_one(c, o, &smtp_question, host.smtp, &a->smtp, d);
}

char *initmail_domain(const init_answers *a) {
    const char *domain = strrchr(a->user, '@') + 1;
    mailhost host = mailhosts_of(domain);
    free(host.imap);
    free(host.smtp);
    return keel_strdup(host.name ? "" : domain); /* everybody there is not inside */
}

/* ---- the password ---- */

static int ask_password(cli *c, const init_answers *a, diag *d) {
    char prompt[400];
    keel_buf folder = KEEL_BUF_INIT;
    char *value = sodium_init() < 0 ? NULL : sodium_malloc(LINE_ROOM);
    if (!value) {
        return diag_set(d, DIAG_FAILED, "No memory can be locked for a password.");
    }
    fprintf(stderr,
            "\nThe password of the mail account%s%s.\nIt is kept in .keel/secrets, in a file "
            "that only you can read.\n",
            a->note ? ". " : "", a->note ? a->note : "");
    snprintf(prompt, sizeof prompt, "Password of %.300s (not shown): ", a->user);
    int rc = hidden_read(prompt, "password", value, LINE_ROOM, d);
    if (rc == 0) {
        secret_places places = secret_places_of(c, &folder);
        rc = secret_write(&places, SECRET, value, strlen(value), d);
    }
    sodium_free(value);
    keel_buf_free(&folder);
    return rc;
}

static const workspace_connection *inbox_of(const workspace *w) {
    for (size_t i = 0; i < w->connection_count; i++) {
        if (!strcmp(w->connections[i].name, "inbox")) {
            return &w->connections[i];
        }
    }
    return NULL;
}

connected initmail_connect(cli *c, const init_answers *a) {
    diag d = {0};
    const workspace_connection *inbox = inbox_of(c->ws);
    if (!ask_possible(c) || !inbox) {
        return CONNECT_NO_PASSWORD;
    }
    if (ask_password(c, a, &d) != 0) {
        (void)cli_fault(&d);
        return CONNECT_NO_PASSWORD;
    }
    cli_say(c, "\nTrying it:");
    int rc = connection_prove(c, inbox, &d);
    if (rc < 0) {
        (void)cli_fault(&d);
    }
    return rc ? CONNECT_FAILED : CONNECTED;
}
