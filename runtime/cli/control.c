/* keel halt, resume and approver: commands to the whole. */
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "approver.h"
#include "commands.h"
#include "digest.h"

static int halt_run(cli *c, const options *o, diag *d) {
    const char *why = options_value(o, "why");
    keel_buf args = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &args);
    keel_json_object(&w);
    keel_json_set_text(&w, "why", why ? why : "halted by the operator");
    keel_json_object_end(&w);
    int rc = c->dry_run ? 0 : cli_call(c, "halt", &args, NULL, d);
    keel_buf_free(&args);
    if (rc == 0) {
        cli_say(c,
                c->dry_run
                    ? "Everything would halt."
                    : "Halted. New effects wait, open ones settle, also after a restart. Lift it "
                      "with `keel resume`.");
    }
    return rc;
}

static const option halt_options[] = {
    {"why", 0, "TEXT", "the reason, for the record"},
    {NULL, 0, NULL, NULL},
};

const command halt_command = {
    .name = "halt",
    .words = "[--why TEXT]",
    .summary = "stop all new effects at once, until a person resumes",
    .examples = "keel halt --why \"that letter went to the wrong list\"",
    .options = halt_options,
    .run = halt_run,
};

/* A clock that has jumped ahead is not believed until somebody says that it is right. */
static int resume_clock(cli *c, diag *d) {
    keel_buf args = KEEL_BUF_INIT;
    keel_buf_puts(&args, "{\"clock\":true}");
    int rc = c->dry_run ? 0 : cli_call(c, "resume", &args, NULL, d);
    keel_buf_free(&args);
    if (rc == 0) {
        cli_say(c, c->dry_run ? "The clock would be believed."
                              : "The clock is believed: what has expired by it has expired.");
    }
    return rc;
}

static int resume_run(cli *c, const options *o, diag *d) {
    if (options_has(o, "clock")) {
        return resume_clock(c, d);
    }
    keel_buf result = KEEL_BUF_INIT, afresh = KEEL_BUF_INIT;
    int64_t waiting = 0;
    int rc = c->dry_run ? 0 : cli_call(c, "resume", NULL, &result, d);
    if (rc == 0) {
        keel_json_int(keel_json_get(keel_json_view(result.data, result.len), "waiting"), &waiting);
        keel_buf_puts(&afresh, "");
        if (waiting) {
            keel_buf_printf(&afresh, " %" PRId64 " %s decided afresh.", waiting,
                            waiting == 1 ? "effect that waited is" : "effects that waited are");
        }
        cli_say(c, "%s.%s", c->dry_run ? "Work would go on" : "Work goes on", afresh.data);
    }
    keel_buf_free(&afresh);
    keel_buf_free(&result);
    return rc;
}

static const option resume_options[] = {
    {"clock", 0, NULL, "believe a clock that has jumped ahead, and let expire what is over by it"},
    {NULL, 0, NULL, NULL},
};

const command resume_command = {
    .name = "resume",
    .words = "[--clock]",
    .summary = "lift a halt; what waited is decided afresh",
    .examples = "keel resume\nkeel resume --clock",
    .options = resume_options,
    .run = resume_run,
};

/* ---- approver ---- */

static const column approver_columns[] = {
    {"NAME", "name", COLUMN_TEXT},
    {"SINCE", "at_us", COLUMN_TIME},
    {"PUBLIC KEY", "public_key", COLUMN_TEXT},
};

static int approver_list(cli *c, const options *o, diag *d) {
    (void)o;
    return cli_list(c, "SELECT name, at_us, public_key FROM approver ORDER BY name", NULL, 0,
                    approver_columns, 3,
                    "No approver yet. Choose a passphrase with `keel approver set`.", d);
}

static const command approver_list_verb = {
    .name = "list",
    .words = "",
    .summary = "who may approve",
    .examples = "keel approver list",
    .run = approver_list,
};

static int prove(cli *c, const cli_row *old, const char *name, const char *public_key,
                 keel_buf *proof, diag *d) {
    approver_key key;
    uint8_t signature[APPROVER_SIGNED];
    char hex[2 * APPROVER_SIGNED + 1];
    keel_buf bytes = KEEL_BUF_INIT;
    keel_json_writer w;
    char *incarnation = cli_value(c, "SELECT value FROM meta WHERE key = 'incarnation'", NULL);
    int rc = approver_unlock(old->values[0], old->values[1], old->values[2], &key, d);
    if (rc == 0) {
        keel_json_write(&w, &bytes);
        keel_json_object(&w);
        keel_json_set_text(&w, "approver", name);
        keel_json_set_text(&w, "incarnation", incarnation ? incarnation : "");
        keel_json_set_text(&w, "public_key", public_key);
        keel_json_object_end(&w);
        approver_sign(&key, bytes.data, bytes.len, signature);
        hex_encode(hex, signature, sizeof signature);
        keel_buf_puts(proof, hex);
        approver_key_wipe(&key);
    }
    keel_buf_free(&bytes);
    free(incarnation);
    return rc;
}

static void set_args(const approver_public *p, const keel_buf *proof, keel_buf *out) {
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_set_text(&w, "name", p->name);
    if (proof->len) {
        keel_json_set_text(&w, "proof", proof->data);
    }
    keel_json_set_text(&w, "public_key", p->public_key);
    keel_json_set_text(&w, "salt", p->salt);
    keel_json_object_end(&w);
}

static const char approver_sql[] =
    "SELECT name, public_key, salt FROM approver ORDER BY at_us DESC LIMIT 1";

static int approver_set(cli *c, const options *o, diag *d) {
    approver_public p;
    cli_row old = {0};
    keel_buf proof = KEEL_BUF_INIT, args = KEEL_BUF_INIT;
    int rc = cli_client(c, d);
    if (rc) {
        return rc;
    }
    rc = cli_one(c, approver_sql, NULL, 0, &old, d);
    bool first = rc == DIAG_NOT_FOUND;
    const char *name = options_value(o, "name");
    name = name ? name : first ? "operator" : old.count ? old.values[0] : "operator";
    rc = first || rc == 0 ? approver_choose(name, c->no_input, &p, d) : rc;
    if (rc == 0 && !first) {
        cli_say(c, "The one in force so far has to agree.");
        rc = prove(c, &old, p.name, p.public_key, &proof, d);
    }
    if (rc == 0) {
        set_args(&p, &proof, &args);
        rc = cli_call(c, "approver.set", &args, NULL, d);
    }
    if (rc == 0) {
        cli_say(c, "Approvals are now given with the new passphrase.");
    }
    cli_row_free(&old);
    keel_buf_free(&proof);
    keel_buf_free(&args);
    return rc;
}

static const option set_options[] = {
    {"name", 0, "NAME", "the approver's name; operator if not given"},
    {NULL, 0, NULL, NULL},
};

static const command approver_set_verb = {
    .name = "set",
    .words = "[--name NAME]",
    .summary = "choose the passphrase that approves, or change it",
    .more = "Keel keeps the public key that is made from it and nothing else: a lost passphrase "
            "cannot be\n"
            "found again.",
    .examples = "keel approver set",
    .options = set_options,
    .run = approver_set,
};

static const command *const verbs[] = {&approver_list_verb, &approver_set_verb, NULL};

const command approver_command = {
    .name = "approver",
    .words = "list | set",
    .summary = "who may approve, and his passphrase",
    .verbs = verbs,
};
