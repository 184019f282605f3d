/* What waits is edited before it is approved: only fields that its rule names, decided again, under another
 * digest. */
#include <string.h>

#include "attention.h"
#include "denials.h"
#include "parts.h"
#include "seal.h"
#include "short.h"
#include "tier.h"

static bool may_edit(const policy_approval *a, keel_json field) {
    for (size_t i = 0; i < a->edit_count; i++) {
        if (keel_json_is(field, a->edit[i])) {
            return true;
        }
    }
    return false;
}

static int check_fields(const policy_approval *a, const policy_decision *pd, keel_json set,
                        diag *d) {
    for (keel_json_iter it = keel_json_each(set); keel_json_next(&it);) {
        if (!may_edit(a, it.key)) {
            diag_set(d, DIAG_DENIED, "rule %s does not let %.*s be edited", pd->rule_id,
                     (int)it.key.len, it.key.data);
            return diag_next(d,
                             "fields that may be edited stand in `approval: { edit: [...] }` of "
                             "the rule at %s:%d",
                             pd->file, pd->line);
        }
    }
    return 0;
}

/* args with the members of set in place of its own, canonical. */
static void merge(keel_json args, keel_json set, keel_buf *out) {
    keel_buf plain = KEEL_BUF_INIT;
    char name[256];
    const char *comma = "";
    keel_buf_putc(&plain, '{');
    for (keel_json_iter it = keel_json_each(args); keel_json_next(&it);) {
        keel_json_copy(it.key, name, sizeof name);
        if (!keel_json_get(set, name).len) {
            keel_buf_printf(&plain, "%s%.*s:%.*s", comma, (int)it.key.len, it.key.data,
                            (int)it.value.len, it.value.data);
            comma = ",";
        }
    }
    for (keel_json_iter it = keel_json_each(set); keel_json_next(&it);) {
        keel_buf_printf(&plain, "%s%.*s:%.*s", comma, (int)it.key.len, it.key.data,
                        (int)it.value.len, it.value.data);
        comma = ",";
    }
    keel_buf_putc(&plain, '}');
    keel_json_canonical(out, plain.data, plain.len, NULL);
    keel_buf_free(&plain);
}

static void edited_record(kernel *k, call *c, keel_json decision) {
    keel_json_writer w;
    c->recorded = false; /* from here on this record is the one that says it all */
    attention_decided(k, c);
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_key(&w, "approval");
    keel_json_hex(&w, c->approval.bytes, DIGEST_SIZE);
    keel_json_set_raw(&w, "args", c->args);
    attention_put(k, &w);
    approval_put_batch(c, &w);
    beyond_put(c, true, &w);
    keel_json_set_text(&w, "by", "operator");
    effect_put_common(c, &w);
    keel_json_set_raw(&w, "decision", decision);
    effect_put_digest(c, &w);
    keel_json_set_int(&w, "number", (int64_t)c->number);
    seal_write(c, &w);
    denial_put(c, &w);
    effect_put_target(c, &w, 0);
    keel_json_object_end(&w);
    journal_effect(k, RECORD_APPROVAL_EDITED, c, &k->scratch);
    c->recorded = true;
}

static void edit_result(const call *c, keel_json decision, keel_buf *result) {
    keel_json_writer w;
    keel_json_write(&w, result);
    keel_json_object(&w);
    keel_json_key(&w, "approval");
    keel_json_hex(&w, c->approval.bytes, DIGEST_SIZE);
    keel_json_set_raw(&w, "decision", decision);
    keel_json_set_int(&w, "number", (int64_t)c->number);
    keel_json_object_end(&w);
}

int approval_edit(kernel *k, call *c, keel_json set, keel_buf *result, diag *d) {
    policy_query q;
    policy_decision pd;
    if (c->undoes) {
        diag_set(d, DIAG_USAGE, "it takes back what was written, and that cannot be edited");
        return diag_next(d, "approve or deny it as it is");
    }
    keel_buf merged = KEEL_BUF_INIT, text = KEEL_BUF_INIT;
    effect_query(k, c, &q);
    policy_decide(k->world.policy, &q, &pd);
    policy_approval a = policy_rule_approval(pd.rule);
    int rc = check_fields(&a, &pd, set, d);
    if (rc) {
        return rc;
    }
    keel_json old = c->args;
    digest old_digest = c->args_digest;
    merge(c->args, set, &merged);
    c->args = keel_json_view(merged.data, merged.len);
    c->args_digest = digest_of(merged.data, merged.len);
    effect_query(k, c, &q);
    policy_decide(k->world.policy, &q, &pd);
    policy_explain(k->world.policy, &q, &pd, &text);
    keel_json decision = keel_json_view(text.data, text.len);
    if (pd.verdict == POLICY_DENY) {
        char why[512] = "";
        body_text(decision, "why", why, sizeof why);
        c->args = old;
        c->args_digest = old_digest;
        rc = diag_set(d, DIAG_DENIED, "so edited, policy denies it: %s", why);
        keel_buf_free(&merged);
    } else {
        tier_edited(c);
        approval_digest(k, c, &pd, &c->approval);
        c->seal = seal_of(c, &pd);
        denial_edited(k, c, &pd);
        approval_group(k, c, &pd);
        edited_record(k, c, decision);
        edit_result(c, decision, result);
        keel_buf_free(&c->edited);
        c->edited = merged;
        c->rule_asks = pd.verdict == POLICY_ASK;
        c->raise_us = 0; /* somebody looks at it */
    }
    keel_buf_free(&text);
    return rc;
}
