/* Commands of the approver and operator: approve, deny, edit, verdict, batch, approver.set. */
#include <sodium.h>
#include <string.h>

#include "attention.h"
#include "command.h"
#include "grants.h"

int command_approve(kernel *k, command *c, diag *d) {
    char by[64] = "operator";
    keel_json_writer w;
    body_text(c->args, "by", by, sizeof by);
    keel_json items = keel_json_get(c->args, "items");
    if (!keel_json_count(items)) {
        diag_set(d, DIAG_USAGE, "there is nothing to approve in this command");
        return diag_next(d, "name what is to be approved: keel inbox");
    }
    if (k->halted) {
        diag_set(d, DIAG_CONFLICT,
                 "the workspace is halted, and nothing is sent; nothing was approved");
        return diag_next(d, "lift the halt with: keel resume; then approve again");
    }
    for (keel_json_iter it = keel_json_each(items); keel_json_next(&it);) {
        int rc = approval_check(k, it.value, by, d); /* all signatures before the first act */
        if (rc) {
            return rc;
        }
    }
    keel_json_write(&w, &c->result);
    keel_json_object(&w);
    keel_json_key(&w, "items");
    keel_json_array(&w);
    for (keel_json_iter it = keel_json_each(items); keel_json_next(&it);) {
        approval_give(k, it.value, by, &w);
    }
    keel_json_array_end(&w);
    keel_json_object_end(&w);
    return 0;
}

static call *item_call(kernel *k, keel_json number, int64_t *n) {
    *n = 0;
    keel_json_int(number, n);
    return *n > 0 ? map_get(&k->items, (uint64_t)*n) : NULL;
}

int command_deny(kernel *k, command *c, diag *d) {
    char why[512] = "";
    keel_json_writer w;
    keel_json_copy(keel_json_get(c->args, "why"), why, sizeof why);
    keel_json items = keel_json_get(c->args, "items");
    if (!keel_json_count(items)) {
        diag_set(d, DIAG_USAGE, "there is nothing to deny in this command");
        return diag_next(d, "name what is to be denied: keel inbox");
    }
    keel_json_write(&w, &c->result);
    keel_json_object(&w);
    keel_json_key(&w, "items");
    keel_json_array(&w);
    for (keel_json_iter it = keel_json_each(items); keel_json_next(&it);) {
        int64_t n;
        call *e = item_call(k, it.value, &n);
        bool open = e && e->state == EFFECT_WAITING;
        if (open) {
            effect_rejected(k, e, "operator", why);
        }
        keel_json_object(&w);
        keel_json_set_int(&w, "number", n);
        keel_json_set_text(&w, "outcome", open ? "denied" : "gone");
        keel_json_object_end(&w);
    }
    keel_json_array_end(&w);
    keel_json_object_end(&w);
    return 0;
}

int command_grant_revoke(kernel *k, command *c, diag *d) {
    int64_t n = 0;
    char why[512] = "";
    keel_json_int(keel_json_get(c->args, "number"), &n);
    body_text(c->args, "why", why, sizeof why);
    return grant_revoke(k, n > 0 ? (uint64_t)n : 0, why, d);
}

int command_edit(kernel *k, command *c, diag *d) {
    int64_t n;
    call *e = item_call(k, keel_json_get(c->args, "number"), &n);
    if (!e || e->state != EFFECT_WAITING) {
        diag_set(d, DIAG_NOT_FOUND, "nothing waits under number %lld", (long long)n);
        return diag_next(d, "see what waits: keel inbox");
    }
    keel_json set = keel_json_get(c->args, "set");
    if (!keel_json_count(set)) {
        diag_set(d, DIAG_USAGE, "the edit changes nothing");
        return diag_next(d, "name a field and its value: keel approve N --set FIELD=VALUE");
    }
    return approval_edit(k, e, set, &c->result, d);
}

int command_verdict(kernel *k, command *c, diag *d) {
    int64_t n;
    char verdict[16] = "", why[512] = "";
    call *e = item_call(k, keel_json_get(c->args, "number"), &n);
    body_text(c->args, "verdict", verdict, sizeof verdict);
    keel_json_copy(keel_json_get(c->args, "why"), why, sizeof why);
    if (e && e->state == EFFECT_RECONCILING && !e->queued) {
        diag_set(d, DIAG_CONFLICT, "Keel is looking at number %lld at this moment", (long long)n);
        return diag_next(d, "wait for what it finds: keel unknown list");
    }
    if (!e || (e->state != EFFECT_UNKNOWN && e->state != EFFECT_RECONCILING)) {
        diag_set(d, DIAG_NOT_FOUND, "number %lld is not an effect whose outcome is unknown",
                 (long long)n);
        return diag_next(d, "see: keel unknown list");
    }
    if (strcmp(verdict, "done") != 0 && strcmp(verdict, "not_done") != 0) {
        diag_set(d, DIAG_USAGE, "a verdict is done or not_done");
        return diag_next(d, "keel unknown verdict N done --why TEXT, or not_done");
    }
    worker_drop(k, e); /* a look that waits, such as for a connection that rests, is not needed */
    if (!strcmp(verdict, "done")) {
        keel_buf result = KEEL_BUF_INIT;
        keel_json_writer w;
        keel_json_write(&w, &result);
        keel_json_object(&w);
        keel_json_set_text(&w, "verdict", why);
        keel_json_object_end(&w);
        effect_done(k, e, keel_json_view(result.data, result.len), (keel_json){0}, "operator");
        keel_buf_free(&result);
    } else {
        effect_not_done(k, e, "not_done", why[0] ? why : "the operator found that it was not done",
                        "operator");
    }
    return 0;
}

/* All of them are open, and by their rule may be approved at one look. */
static int check_batch(kernel *k, keel_json numbers, diag *d) {
    const call *first = NULL;
    size_t count = 0;
    for (keel_json_iter it = keel_json_each(numbers); keel_json_next(&it); count++) {
        int64_t n;
        const call *c = item_call(k, it.value, &n);
        if (!c) {
            diag_set(d, DIAG_NOT_FOUND, "nothing waits under number %lld", (long long)n);
            return diag_next(d, "see what waits: keel inbox");
        }
        first = first ? first : c;
        if (c->state != first->state || strcmp(c->batch, first->batch) != 0) {
            diag_set(d, DIAG_CONFLICT, "number %lld is not of one batch with number %llu",
                     (long long)n, (unsigned long long)first->number);
            return diag_next(d, "`batch: { by: [...] }` of the rule says what they have in "
                                "common; nothing was fixed");
        }
    }
    if (first && first->batch[0] && count > (size_t)first->batch_max) {
        diag_set(d, DIAG_CONFLICT, "these are %zu, and its rule lets %d be approved at one look",
                 count, first->batch_max);
        return diag_next(d, "`batch: { max: N }` of the rule says so; nothing was fixed");
    }
    return 0;
}

int command_batch(kernel *k, command *c, diag *d) {
    keel_json numbers = keel_json_get(c->args, "numbers");
    if (!keel_json_count(numbers)) {
        return diag_set(d, DIAG_USAGE, "a batch holds at least one number");
    }
    int rc = check_batch(k, numbers, d);
    if (rc) {
        return rc;
    }
    uint64_t batch = k->next_batch++;
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_int(&w, "batch", (int64_t)batch);
    keel_json_set_raw(&w, "numbers", numbers);
    keel_json_object_end(&w);
    journal_add(k, RECORD_BATCH, 0, "", &k->scratch);
    attention_note(k, numbers);
    keel_buf_printf(&c->result, "{\"batch\":%llu}", (unsigned long long)batch);
    return 0;
}

int command_shown(kernel *k, command *c, diag *d) {
    (void)d;
    attention_shown(k, keel_json_get(c->args, "numbers"));
    return 0;
}

int command_gathered(kernel *k, command *c, diag *d) {
    if (k->halted) {
        diag_set(d, DIAG_CONFLICT, "the workspace is halted, and nothing is asked for");
        return diag_next(d, "lift the halt with: keel resume");
    }
    keel_buf_printf(&c->result, "{\"raised\":%zu}", attention_raise(k));
    return 0;
}

/* Replacing an approver takes a signature of the one who is replaced. */
static bool proof_holds(const kernel *k, const approver *old, const char *key, keel_json args) {
    char proof[129], text[256];
    uint8_t signature[64];
    int n = snprintf(text, sizeof text,
                     "{\"approver\":\"%s\",\"incarnation\":\"%s\",\"public_key\":\"%s\"}",
                     old->name, k->identity.incarnation, key);
    return body_text(args, "proof", proof, sizeof proof) &&
           hex_decode(signature, sizeof signature, proof, strlen(proof)) == 64 &&
           !crypto_sign_verify_detached(signature, (const uint8_t *)text, (unsigned long long)n,
                                        old->public_key);
}

static bool approver_read(keel_json args, approver *a, char key[65], char salt[33]) {
    return body_text(args, "name", a->name, sizeof a->name) && a->name[0] &&
           a->name[strspn(a->name, "abcdefghijklmnopqrstuvwxyz0123456789-_")] == 0 &&
           body_text(args, "public_key", key, 65) && body_text(args, "salt", salt, 33) &&
           hex_decode(a->public_key, 32, key, strlen(key)) == 32 &&
           hex_decode(a->salt, 16, salt, strlen(salt)) == 16;
}

int approver_set(kernel *k, keel_json args, bool first, diag *d) {
    approver a;
    char key[65], salt[33];
    if (!approver_read(args, &a, key, salt)) {
        return diag_set(d, DIAG_USAGE,
                        "an approver has a name (a-z, 0-9, - and _), a public key "
                        "and a salt");
    }
    approver *old = NULL;
    for (size_t i = 0; i < k->approver_count; i++) {
        if (!strcmp(k->approvers[i].name, a.name)) {
            old = &k->approvers[i];
        }
    }
    if ((old && !proof_holds(k, old, key, args)) || (!old && !first && k->approver_count)) {
        diag_set(d, DIAG_AUTH, "approver %s is set already", a.name);
        return diag_next(d, "to change the passphrase, give the old one too");
    }
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_text(&w, "name", a.name);
    keel_json_set_text(&w, "public_key", key);
    keel_json_set_text(&w, "salt", salt);
    keel_json_object_end(&w);
    journal_add(k, RECORD_APPROVER, 0, "", &k->scratch);
    if (!old) {
        k->approvers = keel_realloc(k->approvers, (k->approver_count + 1) * sizeof(approver));
        old = &k->approvers[k->approver_count++];
    }
    *old = a;
    return 0;
}

int command_approver_set(kernel *k, command *c, diag *d) {
    return approver_set(k, c->args, false, d);
}
