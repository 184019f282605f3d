/* The questions of `keel init`. */
#include "initask.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ask.h"

static char *join(const char *folder, const char *name) {
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_printf(&b, "%s/%s", folder, name);
    return b.data;
}

/* ---- defaults ---- */

static char *default_zone(void) {
    char path[PATH_MAX];
    const char *tz = getenv("TZ");
    ssize_t n = readlink("/etc/localtime", path, sizeof path - 1);
    if (tz && strchr(tz, '/') && tz[0] != '/' && tz[0] != ':') {
        return keel_strdup(tz);
    }
    if (n > 0) {
        path[n] = 0;
        const char *zone = strstr(path, "zoneinfo/");
        if (zone) {
            return keel_strdup(zone + strlen("zoneinfo/"));
        }
    }
    return keel_strdup("UTC");
}

static char *default_mail(void) {
    const char *mail = getenv("MAIL"), *home = getenv("HOME");
    char *maildir = join(home ? home : "", "Maildir");
    if (access(maildir, R_OK) == 0) {
        return maildir;
    }
    free(maildir);
    return keel_strdup(mail && access(mail, R_OK) == 0 ? mail : "");
}

static char *default_sender(const char *domains) {
    const char *email = getenv("EMAIL");
    const struct passwd *me = getpwuid(getuid());
    keel_buf b = KEEL_BUF_INIT;
    if (email && strchr(email, '@')) {
        return keel_strdup(email);
    }
    size_t len = strcspn(domains, ", ;");
    keel_buf_printf(&b, "%s@%.*s", me ? me->pw_name : "operator", len ? (int)len : 9,
                    len ? domains : "localhost");
    return b.data;
}

static char *default_domain(void) {
    keel_buf address = KEEL_BUF_INIT;
    const char *email = getenv("EMAIL");
    initfile_address(email ? email : "", &address);
    const char *at = strrchr(address.data, '@');
    char *domain = keel_strdup(at ? at + 1 : "");
    keel_buf_free(&address);
    return domain;
}

/* ---- what an answer must be ---- */

/* ~/ as a person writes it; the rest from the current folder. NULL: there is nothing. */
char *initask_path(const char *path) {
    char whole[PATH_MAX];
    const char *home = getenv("HOME");
    if (!*path) {
        return keel_strdup("");
    }
    char *expanded =
        path[0] == '~' && path[1] == '/' && home ? join(home, path + 2) : keel_strdup(path);
    char *found = realpath(expanded, whole) ? keel_strdup(whole) : NULL;
    free(expanded);
    return found;
}

static int check_mail(const char *said, diag *d) {
    struct stat st;
    if (initmail_is(said)) {
        return 0;
    }
    char *path = initask_path(said);
    int rc = 0;
    if (!path || (*path && stat(path, &st) != 0)) {
        diag_set(d, DIAG_NOT_FOUND, "There is no mail at %s: %s.", said, strerror(errno));
        rc = diag_next(d, "Name a Maildir or an mbox file: keel init --from ~/Maildir; or your "
                          "address: keel init --mail ada@studio.example");
    } else if (*path && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        diag_set(d, DIAG_USAGE, "%s is neither a folder nor a file.", said);
        rc = diag_next(d, "Name a Maildir or an mbox file: keel init --from ~/Maildir");
    }
    free(path);
    return rc;
}

static bool plain_domain(const char *name, size_t len) {
    for (size_t i = 0; i < len; i++) {
        unsigned char ch = (unsigned char)name[i];
        bool letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch >= 0x80;
        if (!letter && !(ch >= '0' && ch <= '9') && !strchr("-.", ch) && !(ch == '@' && i == 0)) {
            return false;
        }
    }
    return memchr(name, '.', len) != NULL || (len == 9 && memcmp(name, "localhost", len) == 0);
}

static int check_domains(const char *said, diag *d) {
    for (const char *p = said; *p;) {
        size_t len = strcspn(p, ", \t;");
        if (len && !plain_domain(p, len)) {
            diag_set(d, DIAG_USAGE, "\"%.*s\" is no domain.", (int)len, p);
            return diag_next(d, "Write what stands behind the @ of your addresses, such as "
                                "studio.example.");
        }
        p += len + (p[len] != 0);
    }
    return 0;
}

static int check_sender(const char *said, diag *d) {
    keel_buf address = KEEL_BUF_INIT;
    initfile_address(said, &address);
    bool good = address.len > 0;
    keel_buf_free(&address);
    if (good) {
        return 0;
    }
    diag_set(d, DIAG_USAGE, "\"%s\" has no mail address.", said);
    return diag_next(d, "Write it like this: Ada Owner <ada@studio.example>");
}

static int check_currency(const char *said, diag *d) {
    if (strlen(said) == 3 && strspn(said, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3) {
        return 0;
    }
    diag_set(d, DIAG_USAGE, "\"%s\" is no currency.", said);
    return diag_next(d, "Write a code of three capital letters, such as EUR.");
}

static int check_zone(const char *said, diag *d) {
    static const char folder[] = "/usr/share/zoneinfo";
    char *path = join(folder, said);
    bool odd = !*said || *said == '/' || strstr(said, "..");
    bool known = !odd && (access(folder, F_OK) != 0 || access(path, R_OK) == 0);
    free(path);
    if (known) {
        return 0;
    }
    diag_set(d, DIAG_USAGE, "There is no time zone \"%s\" on this machine.", said);
    return diag_next(d, "Write a name such as Europe/Madrid; `timedatectl list-timezones` lists "
                        "them.");
}

/* ---- the questions ---- */

static const question mail_question = {
    "from",
    "Where is your mail? Your mail address, or a Maildir or an mbox file on this machine.\n"
    "Leave it empty to begin without mail.",
    "Mail", check_mail};
static const question domain_question = {
    "own-domain",
    "Which domains are yours? Policies treat mail to them as inside. Several: a.example, b.example",
    "Own domains", check_domains};
static const question sender_question = {
    "sender", "Who sends? Mail that you approve is written with this address.", "Sender",
    check_sender};
static const question currency_question = {
    "currency", "What do you count money in? Three capital letters.", "Currency", check_currency};
static const question zone_question = {"timezone", "In which time zone do your days begin and end?",
                                       "Time zone", check_zone};

static char *joined(const options *o, const char *name) {
    keel_buf b = KEEL_BUF_INIT;
    const char *one;
    for (size_t i = 0; (one = options_nth(o, name, i)); i++) {
        keel_buf_puts(&b, i ? ", " : "");
        keel_buf_puts(&b, one);
    }
    return b.data;
}

static int ask_until(cli *c, const question *q, const char *fallback, char **out, diag *d) {
    for (;;) {
        char *said = ask_text(c, q->help, q->question, fallback);
        if (!said) {
            diag_set(d, DIAG_FAILED,
                     "The input ended before every question was answered: nothing "
                     "was made.");
            return diag_next(d, "Run it again, or give the answers as options: keel init -h");
        }
        int rc = q->check(said, d);
        if (rc == 0) {
            *out = said;
            return 0;
        }
        free(said);
        if (!ask_possible(c)) {
            return rc;
        }
        fprintf(stderr, "%s\n  %s\n", d->what, d->next);
    }
}

int initask_one(cli *c, const options *o, const question *q, char *fallback, char **out, diag *d) {
    char *given = joined(o, q->option);
    int rc = given ? q->check(given, d) : ask_until(c, q, fallback, out, d);
    free(fallback);
    if (given && rc == 0) {
        *out = given;
    } else {
        free(given);
    }
    return rc;
}

static char *name_of(const char *folder) {
    const char *slash = strrchr(folder, '/');
    char *name = keel_strdup(slash && slash[1] ? slash + 1 : "workspace");
    for (char *p = name; *p; p++) {
        bool plain =
            (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');
        *p = plain || strchr("_. -", *p) ? *p : '_';
    }
    return name;
}

/* A connection is granted the whole folder of its mail; one that holds the workspace would open
 * Keel's own files to a plugin, and is refused when it starts. */
static int check_apart(const init_answers *a, const char *folder, diag *d) {
    size_t len = a->mbox ? (size_t)(strrchr(a->mail, '/') - a->mail) : strlen(a->mail);
    if (!*a->mail || strncmp(folder, a->mail, len) != 0 || !strchr("/", folder[len])) {
        return 0;
    }
    diag_set(
        d, DIAG_USAGE,
        "The folder of the mail, %.*s, also holds the workspace: a plugin that may read the one "
        "could read the other.",
        (int)len, a->mail);
    return diag_next(d, a->mbox
                            ? "Put the mbox file into a folder of its own, and name it there."
                            : "Make the workspace somewhere else: keel init ~/studio --from ...");
}

/* What is read: a folder, a file, or an account. */
static int ask_mail(cli *c, const options *o, const char *folder, init_answers *a, diag *d) {
    struct stat st;
    const char *account = options_value(o, "mail");
    char *said = NULL;
    int rc = account ? 0 : initask_one(c, o, &mail_question, default_mail(), &said, d);
    if (rc) {
        return rc;
    }
    if (account || initmail_is(said)) {
        a->mail = keel_strdup("");
        rc = initmail_ask(c, o, account ? account : said, a, d);
        free(said);
        return rc;
    }
    a->mail = initask_path(said);
    a->mbox = *said && stat(a->mail, &st) == 0 && S_ISREG(st.st_mode);
    free(said);
    return check_apart(a, folder, d);
}

static int check_options(const options *o, diag *d) {
    static const char *const needs[] = {"imap", "smtp", "ca"};
    if (options_has(o, "mail") && options_has(o, "from")) {
        diag_set(d, DIAG_USAGE,
                 "--mail reads an account over the network, and --from a folder of "
                 "this machine: it can only be one of them.");
        return diag_next(d, "Leave one out; another connection can be added to keel.yaml later.");
    }
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
        if (options_has(o, needs[i]) && !options_has(o, "mail")) {
            diag_set(d, DIAG_USAGE, "--%s is of a mail account, and none is named.", needs[i]);
            return diag_next(d, "Name it: keel init --mail ada@studio.example");
        }
    }
    return 0;
}

int initask(cli *c, const options *o, const char *folder, init_answers *a, diag *d) {
    int rc = check_options(o, d);
    a->outbox = join(folder, "outbox");
    a->name = name_of(folder);
    rc = rc ? rc : ask_mail(c, o, folder, a, d);
    char *domain = a->user ? initmail_domain(a) : default_domain();
    rc = rc ? rc : initask_one(c, o, &domain_question, keel_strdup(domain), &a->domains, d);
    free(domain);
    rc = rc ? rc
            : initask_one(c, o, &sender_question,
                          a->user ? keel_strdup(a->user) : default_sender(a->domains), &a->sender,
                          d);
    rc = rc ? rc : initask_one(c, o, &currency_question, keel_strdup("EUR"), &a->currency, d);
    return rc ? rc : initask_one(c, o, &zone_question, default_zone(), &a->timezone, d);
}

void initask_free(init_answers *a) {
    char *const all[] = {a->name,     a->mail, a->outbox, a->sender, a->domains, a->currency,
                         a->timezone, a->user, a->imap,   a->smtp,   a->ca};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        free(all[i]);
    }
}
