#include "signer.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>

#include "digest.h"

int signer_find(cli *c, signer *s, diag *d) {
    int rc = cli_one(c, "SELECT name, public_key, salt FROM approver ORDER BY at_us DESC LIMIT 1",
                     NULL, 0, &s->row, d);
    if (rc == DIAG_NOT_FOUND && c->db) {
        diag_set(d, DIAG_AUTH, "This workspace has no approver yet, so nobody can approve.");
        return diag_next(d, "Choose a passphrase with `keel approver set`.");
    }
    if (rc) {
        return rc;
    }
    s->incarnation = cli_value(c, "SELECT value FROM meta WHERE key = 'incarnation'", NULL);
    if (!s->incarnation) {
        return diag_set(d, DIAG_STORAGE, "The database has no incarnation: it is damaged.");
    }
    return 0;
}

int signer_open(cli *c, signer *s, const char *what, const char *words, diag *d) {
    int rc = signer_find(c, s, d);
    if (rc) {
        return rc;
    }
    if (c->no_input) {
        diag_set(d, DIAG_AUTH, "%s needs the passphrase, and --no-input forbids to ask for it.",
                 what);
        return diag_next(d, "Run `%s` in a terminal.", words);
    }
    char **v = s->row.values;
    return approver_unlock(v[SIGNER_NAME], v[SIGNER_PUBLIC_KEY], v[SIGNER_SALT], &s->key, d);
}

void signer_finish(signer *s) {
    approver_key_wipe(&s->key);
    cli_row_free(&s->row);
    free(s->incarnation);
    s->incarnation = NULL;
}

/* remember: "", or the digest of what it is to be remembered for. */
static void signed_item(const signer *s, const render_card *k, const char *remember,
                        keel_json_writer *to) {
    uint8_t nonce[16], signature[APPROVER_SIGNED];
    char hex[33];
    keel_buf bytes = KEEL_BUF_INIT;
    keel_json_writer w;
    randombytes_buf(nonce, sizeof nonce);
    hex_encode(hex, nonce, sizeof nonce);
    keel_json_write(&w, &bytes);
    keel_json_object(&w);
    keel_json_set_text(&w, "approval", k->approval);
    keel_json_set_text(&w, "incarnation", s->incarnation);
    keel_json_set_text(&w, "nonce", hex);
    keel_json_set_int(&w, "number", k->number);
    if (remember[0]) {
        keel_json_set_text(&w, "remember", remember);
    }
    keel_json_set_text(&w, "verdict", "approve");
    keel_json_object_end(&w);
    approver_sign(&s->key, bytes.data, bytes.len, signature);
    keel_json_object(to);
    keel_json_set_text(to, "approval", k->approval);
    keel_json_set_text(to, "nonce", hex);
    keel_json_set_int(to, "number", k->number);
    if (remember[0]) {
        keel_json_set_text(to, "remember", remember);
    }
    keel_json_key(to, "signature");
    keel_json_hex(to, signature, sizeof signature);
    keel_json_object_end(to);
    keel_buf_free(&bytes);
}

int signer_may_remember(const card *k, diag *d) {
    const render_card *s = card_shown(k);
    if (s->remember.data) {
        return 0;
    }
    diag_set(d, DIAG_DENIED,
             "Item %" PRId64 " cannot be remembered: its rule does not say `remember`, another "
             "rule asks too, it was edited, or it takes something back.",
             s->number);
    return diag_next(d, "Approve it without, or see `keel policy explain remember`.");
}

void signer_approve(const signer *s, card *const *cards, size_t count, bool remember,
                    keel_buf *out) {
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_set_text(&w, "by", s->row.values[0]);
    keel_json_key(&w, "items");
    keel_json_array(&w);
    for (size_t i = 0; i < count; i++) {
        const render_card *k = card_shown(cards[i]);
        char hex[DIGEST_HEX] = "";
        if (remember && k->remember.data) {
            digest scope = digest_of(k->remember.data, k->remember.len);
            digest_hex(&scope, hex);
        }
        signed_item(s, k, hex, &w);
    }
    keel_json_array_end(&w);
    keel_json_object_end(&w);
}

void signer_override(const signer *s, const char *signs, uint64_t run, const char *path,
                     const char *why, keel_buf *out) {
    uint8_t nonce[16], signature[APPROVER_SIGNED];
    char hex[33];
    keel_buf bytes = KEEL_BUF_INIT;
    keel_json_writer w;
    randombytes_buf(nonce, sizeof nonce);
    hex_encode(hex, nonce, sizeof nonce);
    keel_json_write(&w, &bytes);
    keel_json_object(&w);
    keel_json_set_text(&w, "incarnation", s->incarnation);
    keel_json_set_text(&w, "nonce", hex);
    keel_json_set_text(&w, "override", signs);
    keel_json_set_text(&w, "verdict", "override");
    keel_json_object_end(&w);
    approver_sign(&s->key, bytes.data, bytes.len, signature);
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_set_text(&w, "by", s->row.values[SIGNER_NAME]);
    keel_json_set_text(&w, "nonce", hex);
    keel_json_set_text(&w, "override", signs);
    keel_json_set_text(&w, "path", path);
    keel_json_set_int(&w, "run", (int64_t)run);
    keel_json_key(&w, "signature");
    keel_json_hex(&w, signature, sizeof signature);
    keel_json_set_text(&w, "why", why);
    keel_json_object_end(&w);
    keel_buf_free(&bytes);
}
