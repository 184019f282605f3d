/* keel init: a new workspace, from a few answers. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "approver.h"
#include "ask.h"
#include "commands.h"
#include "fsio.h"
#include "initask.h"
#include "initfile.h"
#include "paths.h"

#define PACK_MAX (256u << 10)

static char *join(const char *folder, const char *name) {
    keel_buf b = KEEL_BUF_INIT;
    keel_buf_printf(&b, "%s/%s", folder, name);
    return b.data;
}

/* ---- the files ---- */

static int write_new(const char *folder, const char *name, const keel_buf *text, diag *d) {
    char *path = join(folder, name);
    int rc = fsio_write_atomic(path, text->data, text->len, 0644, d);
    free(path);
    return rc;
}

/* What an editor with a YAML language server reads. */
static void modeline(keel_buf *out, const char *schema) {
    char *url = path_schema_url();
    keel_buf_printf(out, "# yaml-language-server: $schema=%s/%s\n", url, schema);
    free(url);
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
        modeline(&text, "policy.schema.json");
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

/* An anchor that an earlier workspace in the same folder left: its heads are not this one's. */
static int set_aside(const workspace *w, diag *d) {
    if (!w->own_anchor || access(w->db, F_OK) == 0 || access(w->anchor, F_OK) != 0) {
        return 0;
    }
    keel_buf old = KEEL_BUF_INIT;
    keel_buf_printf(&old, "%s.%" PRId64, w->anchor, cli_now_us() / 1000000);
    int rc = rename(w->anchor, old.data);
    if (rc) {
        diag_set(d, DIAG_FAILED, "%s cannot be renamed: %s.", w->anchor, strerror(errno));
        diag_next(d, "It is an earlier workspace's: move it away.");
    }
    keel_buf_free(&old);
    return rc ? DIAG_FAILED : 0;
}

static int make(cli *c, const char *folder, const init_answers *a, diag *d) {
    keel_buf text = KEEL_BUF_INIT;
    modeline(&text, "keel.schema.json");
    initfile_keel(a, &text);
    int rc = write_policy(folder, a, d);
    rc = rc || a->user ? rc : make_outbox(a->outbox, d);
    rc = rc ? rc : write_new(folder, "keel.yaml", &text, d);
    keel_buf_free(&text);
    c->folder = folder;
    if (rc) {
        return rc;
    }
    rc = cli_workspace(c, d); /* reads back what was written */
    rc = rc ? rc : workspace_prepare(c->ws, d);
    rc = rc ? rc : set_aside(c->ws, d);
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

static void tell_json(const char *folder, bool approver) {
    keel_buf out = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &out);
    keel_json_object(&w);
    keel_json_set_bool(&w, "approver", approver);
    keel_json_set_text(&w, "workspace", folder);
    keel_json_object_end(&w);
    cli_print("%s\n", out.data);
    keel_buf_free(&out);
}

static void tell(cli *c, const char *folder, const init_answers *a, bool approver,
                 connected account) {
    static const char *const account_next[] = {
        [CONNECTED] = "",
        [CONNECT_NO_PASSWORD] = "\n  keel secret set mail-password\n  keel connection test inbox",
        [CONNECT_FAILED] = "\n  keel connection test inbox        once it is corrected: the "
                           "password by\n                                    `keel secret set "
                           "mail-password`, the rest in keel.yaml"};
    if (c->json) {
        tell_json(folder, approver);
        return;
    }
    cli_print("workspace: %s\n", folder);
    cli_say(c,
            "\nWritten: keel.yaml, policies/starter.yaml (read it: it says what agents may do).%s%s"
            "\n\nNext:\n  cd %s%s\n  keel up --detach%s\n  keel do triage\n  keel inbox",
            *a->mail || a->user
                ? ""
                : "\nNo mail is read yet: name its place as `source:` in keel.yaml.",
            account == CONNECT_FAILED ? "\nThe account cannot be used yet; nothing is lost by that."
                                      : "",
            folder, account_next[account], approver ? "" : "\n  keel approver set");
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
    rc = rc ? rc : initask(c, o, folder, &a, d);
    if (rc == 0 && c->dry_run) {
        keel_buf text = KEEL_BUF_INIT;
        initfile_keel(&a, &text);
        cli_out(&text);
        keel_buf_free(&text);
    } else if (rc == 0) {
        rc = make(c, folder, &a, d);
        if (rc == 0) {
            rc = write_approver(c, d);
            connected account = a.user ? initmail_connect(c, &a) : CONNECTED;
            tell(c, folder, &a, rc == 0 && ask_possible(c), account);
        }
    }
    initask_free(&a);
    return rc;
}

static const option init_options[] = {
    {"from", 0, "MAILDIR|MBOX", "the mail to read"},
    {"mail", 0, "ADDRESS", "the mail account to read and send with, over the network"},
    {"imap", 0, "ADDRESS", "its server, such as imaps://imap.studio.example:993"},
    {"smtp", 0, "ADDRESS", "the server that sends, such as smtps://smtp.studio.example:465"},
    {"ca", 0, "FILE", "certificates of the servers, where they are your own"},
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
            "the passphrase that approves is chosen later: keel approver set. With --mail the\n"
            "servers are proposed, and the password is asked for, kept as a secret, and tried.",
    .examples = "keel init ~/studio --mail ada@studio.example\n"
                "keel init --from ~/Maildir\n"
                "keel init studio --from mail/2026.mbox --own-domain studio.example --no-input",
    .options = init_options,
    .most = 1,
    .run = init_run,
};
