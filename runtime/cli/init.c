/* keel init: a new workspace, from a few answers. */
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "approver.h"
#include "ask.h"
#include "commands.h"
#include "fsio.h"
#include "initfile.h"
#include "paths.h"

#define PACK_MAX (256u << 10)

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

/* ---- the answers ---- */

typedef struct question {
    const char *option, *help, *question;
} question;

/* The option's value, else the person's answer, else the default; takes `fallback`. */
static char *answer(cli *c, const options *o, const question *q, char *fallback) {
    const char *given = options_value(o, q->option);
    char *text = given ? keel_strdup(given) : ask_text(c, q->help, q->question, fallback);
    free(fallback);
    return text;
}

static char *joined(const options *o, const char *name) {
    keel_buf b = KEEL_BUF_INIT;
    const char *one;
    for (size_t i = 0; (one = options_nth(o, name, i)); i++) {
        keel_buf_printf(&b, "%s%s", i ? ", " : "", one);
    }
    return b.data;
}

static const question mail_question = {
    "from",
    "Where is your mail? A Maildir or an mbox file; Keel reads it and never changes it.\n"
    "Leave it empty to begin without mail.",
    "Mail"};
static const question domain_question = {
    "own-domain",
    "Which domains are yours? Policies treat mail to them as inside. Several: a.example, b.example",
    "Own domains"};
static const question sender_question = {
    "sender", "Who sends? Mail that you approve is written with this address.", "Sender"};
static const question currency_question = {
    "currency", "What do you count money in? Three capital letters.", "Currency"};
static const question zone_question = {"timezone", "In which time zone do your days begin and end?",
                                       "Time zone"};

/* ~/ as a person writes it; the rest from the current folder. */
static char *absolute(const char *path) {
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

static int check_mail(init_answers *a, const char *said, diag *d) {
    struct stat st;
    if (!a->mail || (*a->mail && stat(a->mail, &st) != 0)) {
        diag_set(d, DIAG_NOT_FOUND, "There is no mail at %s: %s.", said, strerror(errno));
        return diag_next(d, "Name a Maildir or an mbox file: keel init --from ~/Maildir");
    }
    a->mbox = *a->mail && S_ISREG(st.st_mode);
    if (*a->mail && !a->mbox && !S_ISDIR(st.st_mode)) {
        diag_set(d, DIAG_USAGE, "%s is neither a folder nor a file.", said);
        return diag_next(d, "Name a Maildir or an mbox file.");
    }
    return 0;
}

static int check_words(const init_answers *a, diag *d) {
    const char *capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    keel_buf address = KEEL_BUF_INIT;
    initfile_address(a->sender, &address);
    bool sender = address.len > 0;
    keel_buf_free(&address);
    if (strlen(a->currency) != 3 || strspn(a->currency, capitals) != 3) {
        diag_set(d, DIAG_USAGE, "\"%s\" is no currency.", a->currency);
        return diag_next(d, "Write a code of three capital letters, such as EUR.");
    }
    if (!sender) {
        diag_set(d, DIAG_USAGE, "\"%s\" has no mail address.", a->sender);
        return diag_next(d, "Write it like this: --sender \"Ada Owner <ada@studio.example>\"");
    }
    return 0;
}

static int gather(cli *c, const options *o, const char *folder, init_answers *a, diag *d) {
    char *said = answer(c, o, &mail_question, default_mail());
    a->mail = absolute(said);
    int rc = check_mail(a, said, d);
    free(said);
    if (rc) {
        return rc;
    }
    a->domains = joined(o, "own-domain");
    a->domains = a->domains ? a->domains : answer(c, o, &domain_question, default_domain());
    a->sender = answer(c, o, &sender_question, default_sender(a->domains));
    a->currency = answer(c, o, &currency_question, keel_strdup("EUR"));
    a->timezone = answer(c, o, &zone_question, default_zone());
    a->outbox = join(folder, "outbox");
    const char *name = strrchr(folder, '/');
    a->name = keel_strdup(name && name[1] ? name + 1 : "workspace");
    for (char *p = a->name; *p; p++) {
        bool plain =
            (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');
        *p = plain || strchr("_. -", *p) ? *p : '_';
    }
    return check_words(a, d);
}

static void free_answers(init_answers *a) {
    char *const all[] = {a->name,    a->mail,     a->outbox,  a->sender,
                         a->domains, a->currency, a->timezone};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        free(all[i]);
    }
}

/* ---- the files ---- */

static int write_new(const char *folder, const char *name, const keel_buf *text, diag *d) {
    char *path = join(folder, name);
    int rc = fsio_write_atomic(path, text->data, text->len, 0644, d);
    free(path);
    return rc;
}

static int write_policy(const char *folder, const init_answers *a, diag *d) {
    keel_buf pack = KEEL_BUF_INIT, text = KEEL_BUF_INIT;
    char *shipped = path_share("policies/starter.yaml");
    char *policies = join(folder, "policies");
    char *mine = join(policies, "starter.yaml");
    bool kept = access(mine, F_OK) == 0; /* what a person wrote stays */
    int rc = kept ? 0 : fsio_read(shipped, PACK_MAX, &pack, d);
    if (rc) {
        diag_set(d, rc, "The starter policy that ships with Keel is not at %s.", shipped);
        diag_next(d, "Install Keel again, or set KEEL_SHARE to the folder that holds policies/.");
    }
    rc = rc ? rc : fsio_mkdirs(policies, 0755, d);
    if (rc == 0 && !kept) {
        initfile_policy(a, pack.data ? pack.data : "", pack.len, &text);
        rc = write_new(policies, "starter.yaml", &text, d);
    }
    keel_buf_free(&pack);
    keel_buf_free(&text);
    free(shipped);
    free(policies);
    free(mine);
    return rc;
}

static int make_outbox(const char *outbox, diag *d) {
    static const char *const parts[] = {"tmp", "new", "cur"};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < 3; i++) {
        char *path = join(outbox, parts[i]);
        rc = fsio_mkdirs(path, 0700, d);
        free(path);
    }
    return rc;
}

static int write_approver(cli *c, diag *d) {
    approver_public p;
    keel_buf json = KEEL_BUF_INIT;
    keel_json_writer w;
    if (!ask_possible(c)) {
        return 0;
    }
    fprintf(
        stderr,
        "\nNothing leaves without your approval. Choose the passphrase that approves; Keel keeps\n"
        "only a public key that is made from it, so nobody can find it again.\n");
    int rc = approver_choose("operator", false, &p, d);
    if (rc) {
        return rc;
    }
    keel_json_write(&w, &json);
    keel_json_object(&w);
    keel_json_set_text(&w, "name", p.name);
    keel_json_set_text(&w, "public_key", p.public_key);
    keel_json_set_text(&w, "salt", p.salt);
    keel_json_object_end(&w);
    char *path = join(c->ws->keel, "approver.json");
    rc = fsio_write_atomic(path, json.data, json.len, 0600, d);
    free(path);
    keel_buf_free(&json);
    return rc;
}

static int make(cli *c, const char *folder, const init_answers *a, diag *d) {
    keel_buf text = KEEL_BUF_INIT;
    initfile_keel(a, &text);
    int rc = write_policy(folder, a, d);
    rc = rc ? rc : make_outbox(a->outbox, d);
    rc = rc ? rc : write_new(folder, "keel.yaml", &text, d);
    keel_buf_free(&text);
    c->folder = folder;
    if (rc) {
        return rc;
    }
    rc = cli_workspace(c, d); /* reads back what was written */
    rc = rc ? rc : workspace_prepare(c->ws, d);
    if (rc) {
        char *file = join(folder, "keel.yaml");
        unlink(file);
        free(file);
    }
    return rc;
}

/* A folder that is made, and nothing that is there already is overwritten. */
static int claim(const cli *c, const char *word, char whole[PATH_MAX], diag *d) {
    int rc = c->dry_run ? 0 : fsio_mkdirs(word, 0755, d);
    if (rc) {
        return rc;
    }
    if (c->dry_run && access(word, F_OK) != 0) {
        snprintf(whole, PATH_MAX, "%s", word);
        return 0;
    }
    if (!realpath(word, whole)) {
        return diag_set(d, DIAG_FAILED, "%s cannot be entered: %s.", word, strerror(errno));
    }
    char *file = join(whole, "keel.yaml");
    bool taken = access(file, F_OK) == 0;
    free(file);
    if (taken) {
        diag_set(d, DIAG_CONFLICT, "%s is a workspace already.", whole);
        return diag_next(d, "Start it with `keel up`, or choose another folder.");
    }
    return 0;
}

static void tell(cli *c, const char *folder, const init_answers *a, bool approver) {
    if (c->json) {
        keel_buf out = KEEL_BUF_INIT;
        keel_json_writer w;
        keel_json_write(&w, &out);
        keel_json_object(&w);
        keel_json_set_bool(&w, "approver", approver);
        keel_json_set_text(&w, "workspace", folder);
        keel_json_object_end(&w);
        cli_print("%s\n", out.data);
        keel_buf_free(&out);
        return;
    }
    cli_print("workspace: %s\n", folder);
    cli_say(
        c,
        "\nWritten: keel.yaml, policies/starter.yaml (read it: it says what agents may do).%s\n\n"
        "Next:\n  cd %s\n  keel up --detach%s\n  keel do triage\n  keel inbox",
        *a->mail ? "" : "\nNo mail is read yet: name its place as `source:` in keel.yaml.", folder,
        approver ? "" : "\n  keel approver set");
}

static int init_run(cli *c, const options *o, diag *d) {
    static char folder[PATH_MAX]; /* the command's folder from here on */
    init_answers a = {.name = NULL};
    const char *pack = options_value(o, "yes-policy");
    if (pack && strcmp(pack, "starter") != 0) {
        diag_set(d, DIAG_NOT_FOUND, "There is no policy pack %s.", pack);
        return diag_next(d, "There is one so far: starter.");
    }
    int rc = claim(c, o->arg_count ? o->args[0] : ".", folder, d);
    rc = rc ? rc : gather(c, o, folder, &a, d);
    if (rc == 0 && c->dry_run) {
        keel_buf text = KEEL_BUF_INIT;
        initfile_keel(&a, &text);
        cli_out(&text);
        keel_buf_free(&text);
    } else if (rc == 0) {
        rc = make(c, folder, &a, d);
        rc = rc ? rc : write_approver(c, d);
        if (rc == 0) {
            tell(c, folder, &a, ask_possible(c));
        }
    }
    free_answers(&a);
    return rc;
}

static const option init_options[] = {
    {"from", 0, "MAILDIR|MBOX", "the mail to read"},
    {"own-domain", 0, "DOMAIN", "a domain of yours; may be repeated"},
    {"sender", 0, "ADDRESS", "who sends: \"Ada Owner <ada@studio.example>\""},
    {"currency", 0, "CODE", "EUR if not given"},
    {"timezone", 0, "ZONE", "this machine's if not given"},
    {"yes-policy", 0, "PACK", "the policy pack to begin with: starter"},
    {NULL, 0, NULL, NULL},
};

const command init_command = {
    .name = "init",
    .words = "[DIR]",
    .summary = "make a workspace: a few questions, a commented keel.yaml and policy",
    .more = "What is not given as an option is asked, with a default. With --no-input nothing is "
            "asked, and\n"
            "the passphrase that approves is chosen later: keel approver set.",
    .examples = "keel init --from ~/Maildir\n"
                "keel init studio --from mail.mbox --own-domain studio.example --no-input",
    .options = init_options,
    .most = 1,
    .run = init_run,
};
