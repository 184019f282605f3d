/* keel.yaml: logins of connections, and where their secrets are. What a login's kind wants is
 * the business of who applies it; here no secret may stand in the file. */
#include <stdlib.h>
#include <string.h>

#include "workspace_int.h"

static const char set_first[] = "Keep it out of the file: `keel secret set NAME`, and write "
                                "{ secret: NAME } here.";

bool workspace_is_secret(const yaml_node *n) {
    return workspace_is_text(n) && workspace_is_word(n->text, SMALL DIGITS, SMALL DIGITS "-_.", 63);
}

/* As ordinary JSON, in the file's order; every scalar is a text: `client_id: 1234` is no number. */
static void write_texts(const yaml_node *n, keel_buf *out) {
    if (n->kind == YAML_SCALAR) {
        keel_json_quote(out, n->text, n->len);
        return;
    }
    keel_buf_putc(out, n->kind == YAML_MAP ? '{' : '[');
    for (size_t i = 0; i < n->count; i++) {
        keel_buf_puts(out, i ? "," : "");
        if (n->kind == YAML_MAP) {
            keel_json_quote(out, n->keys[i]->text, n->keys[i]->len);
            keel_buf_putc(out, ':');
        }
        write_texts(n->items[i], out);
    }
    keel_buf_putc(out, n->kind == YAML_MAP ? '}' : ']');
}

static int to_json(const workspace_reader *r, const yaml_node *n, keel_buf *out) {
    keel_buf text = KEEL_BUF_INIT;
    keel_json_error err;
    write_texts(n, &text);
    int rc = keel_json_canonical(out, text.data, text.len, &err);
    keel_buf_free(&text);
    return rc ? workspace_fault(r, n, err.message, "Use fewer levels.") : 0;
}

/* ---- auth ---- */

static bool holds_secret(const char *key) {
    static const char *const names[] = {"password", "token",         "value",
                                        "key",      "client_secret", "refresh_token"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], key) == 0) {
            return true;
        }
    }
    return false;
}

static int check_reference(const workspace_reader *r, const yaml_node *key, const yaml_node *n) {
    static const char *const known[] = {"secret", NULL};
    if (n->kind != YAML_MAP) {
        yaml_fault(r->tree, n, r->d, "`%s` is a secret, and secrets do not stand in keel.yaml",
                   key->text);
        return diag_next(r->d, "%s", set_first);
    }
    int rc = yaml_known_keys(r->tree, n, known, r->d);
    const yaml_node *name = yaml_get(n, "secret");
    if (rc == 0 && !name) {
        rc = workspace_fault(r, n, "the name of the secret is missing", set_first);
    }
    if (rc == 0 && !workspace_is_secret(name)) {
        rc = workspace_fault(r, name,
                             "the name of a secret is up to 63 small letters, digits, -, _ and "
                             "dots, beginning with a letter or digit",
                             set_first);
    }
    return rc;
}

int workspace_read_auth(const workspace_reader *r, const yaml_node *n, keel_buf *out) {
    if (n->kind != YAML_MAP) {
        return workspace_fault(
            r, n, "`auth` is a map with a kind",
            "For example: `auth: { kind: bearer, token: { secret: billing } }`.");
    }
    for (size_t i = 0; i < n->count; i++) {
        if (holds_secret(n->keys[i]->text)) {
            int rc = check_reference(r, n->keys[i], n->items[i]);
            if (rc) {
                return rc;
            }
        }
    }
    const yaml_node *kind = yaml_get(n, "kind");
    if (!kind || !workspace_is_text(kind)) {
        return workspace_fault(r, kind ? kind : n, "`auth` does not say its kind",
                               "Write `kind: basic`, bearer, header, sasl-plain, xoauth2, hmac or "
                               "oauth2-refresh.");
    }
    return to_json(r, n, out);
}

/* ---- secrets ---- */

static int check_command(const workspace_reader *r, const yaml_node *n) {
    static const char next[] = "For example: `{ command: [pass, show, mail] }`.";
    if (n->kind != YAML_LIST || n->count == 0) {
        return workspace_fault(r, n, "`command` is a list: a program and its arguments", next);
    }
    for (size_t i = 0; i < n->count; i++) {
        const yaml_node *word = n->items[i];
        if (word->kind != YAML_SCALAR || (i == 0 && word->len == 0)) {
            return workspace_fault(r, word, "a command is made of texts", next);
        }
    }
    return 0;
}

static int check_credential(const workspace_reader *r, const yaml_node *n) {
    if (!workspace_is_text(n) ||
        !workspace_is_word(n->text, SMALL LARGE DIGITS "_", SMALL LARGE DIGITS "_.-", 63)) {
        return workspace_fault(r, n, "`credential` is the name of a systemd credential",
                               "For example: `{ credential: mail }`, with "
                               "`LoadCredentialEncrypted=mail` in the unit.");
    }
    return 0;
}

static int check_secret(const workspace_reader *r, const yaml_node *key, const yaml_node *n) {
    static const char *const known[] = {"command", "credential", NULL};
    if (!workspace_is_secret(key)) {
        return workspace_fault(r, key,
                               "the name of a secret is up to 63 small letters, digits, -, _ and "
                               "dots, beginning with a letter or digit",
                               "For example: `mail`.");
    }
    if (n->kind != YAML_MAP) {
        return workspace_fault(r, n, "`secrets` says where a secret is, and never holds one",
                               "Write { command: [pass, show, NAME] } or { credential: NAME }; or "
                               "remove the line, and `keel secret set NAME`.");
    }
    int rc = yaml_known_keys(r->tree, n, known, r->d);
    const yaml_node *command = yaml_get(n, "command");
    const yaml_node *credential = yaml_get(n, "credential");
    if (rc == 0 && !command == !credential) {
        return workspace_fault(r, n,
                               "a secret comes from a command or from a credential: one of them",
                               "Write { command: [pass, show, NAME] } or { credential: NAME }.");
    }
    if (rc == 0) {
        rc = command ? check_command(r, command) : check_credential(r, credential);
    }
    return rc;
}

int workspace_read_secrets(const workspace_reader *r, const yaml_node *n) {
    if (n->kind != YAML_MAP) {
        return workspace_fault(
            r, n, "`secrets` is a map from names to where they are",
            "For example: `secrets: { mail: { command: [pass, show, mail] } }`.");
    }
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        rc = check_secret(r, n->keys[i], n->items[i]);
    }
    return rc ? rc : to_json(r, n, &r->w->secrets);
}
