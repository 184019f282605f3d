/* What people do besides waiting: batch, halt, deny, edit, reload, set an approver, cancel. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "digest.h"
#include "fsio.h"
#include "operator.h"
#include "scripts.h"
#include "siteint.h"

static bool batch(site *s) {
    char args[200];
    if (site_answer_to(s, "batch-01")) {
        return true;
    }
    if (!operator_await(s, "SELECT count(*) FROM item", 5, OPERATOR_PATIENCE_MS)) {
        return operator_alive(s) && site_fault(s, "the questions do not come");
    }
    snprintf(args, sizeof args, "{\"numbers\":[%ld]}", operator_item(s, "plain.signed.write"));
    return operator_tell(s, "batch-01", "batch", args);
}

static bool halt(site *s, long run) {
    char args[128];
    snprintf(args, sizeof args, "{\"body\":null,\"name\":\"go\",\"run\":%ld}", run);
    if (!operator_tell(s, "halt-001", "halt", "{\"why\":\"a test\"}") ||
        !operator_tell(s, "send-go-2", "run.send", args)) {
        return false;
    }
    if (!site_answer_to(s, "resume-1")) { /* no executor starts while halted: it may never come */
        operator_await(s, "SELECT count(*) FROM effect WHERE reason = 'halted'", 1, 300);
    }
    return operator_tell(s, "resume-1", "resume", "{}");
}

static bool decide(site *s) {
    char args[200];
    snprintf(args, sizeof args, "{\"items\":[%ld],\"why\":\"not this one\"}",
             operator_item(s, "plain.rejected.write"));
    if (!operator_tell(s, "deny-001", "deny", args)) {
        return false;
    }
    snprintf(args, sizeof args, "{\"number\":%ld,\"set\":{\"text\":\"as edited\"}}",
             operator_item(s, "plain.edited.write"));
    return operator_tell(s, "edit-001", "edit", args);
}

static void put_policy(site *s, const char *more) {
    char path[240];
    keel_buf text = KEEL_BUF_INIT;
    snprintf(path, sizeof path, "%s/policies/faults.yaml", s->root);
    if (!fsio_read(path, 65536, &text, NULL)) {
        char *at = strstr(text.data, "expires: 2h }");
        if (at) {
            memcpy(at, "expires: 3h }", 13);
        }
        site_put(s, "policies/faults.yaml", text.data);
    }
    keel_buf_free(&text);
    site_put(s, "policies/more.yaml", more);
}

/* A rule changes: what was asked under it is stale. Then a policy that cannot be read. */
static bool reload(site *s) {
    put_policy(s, "version: 1\n");
    if (!operator_tell(s, "reload-1", "reload", "{}")) {
        return false;
    }
    put_policy(s, "version: 1\nrules:\n  - { id: broken\n");
    site_said said = site_say(s, "reload-2", "reload", "{}");
    put_policy(s, "version: 1\n");
    if (said == SITE_ANSWERED) {
        site_fault(s, "a broken policy took force");
    }
    return said == SITE_REFUSED;
}

static bool set_approver(site *s) {
    uint8_t pk[32], sk[64], signature[64];
    char incarnation[17], key[65], proof[129], text[300], args[500];
    site_keys(pk, sk);
    hex_encode(key, pk, sizeof pk);
    site_read(s, "SELECT value FROM meta WHERE key = 'incarnation'", NULL, incarnation,
              sizeof incarnation);
    int n = snprintf(text, sizeof text,
                     "{\"approver\":\"operator\",\"incarnation\":\"%s\",\"public_key\":\"%s\"}",
                     incarnation, key);
    crypto_sign_detached(signature, NULL, (uint8_t *)text, (unsigned long long)n, sk);
    hex_encode(proof, signature, sizeof signature);
    snprintf(args, sizeof args,
             "{\"name\":\"operator\",\"proof\":\"%s\",\"public_key\":\"%s\","
             "\"salt\":\"11111111111111111111111111111111\"}",
             proof, key);
    return operator_tell(s, "approver-1", "approver.set", args);
}

/* What is approved to be remembered is asked once, for two; then that ends. */
static bool remember(site *s) {
    static const char asks[] = "{\"agent\":\"asker\",\"input\":{\"questions\":[\"remembered\"]}}";
    static const char asked[] = "SELECT count(*) FROM item i JOIN effect e ON e.run = i.run AND"
                                " e.path = i.path WHERE e.target = 'plain.remembered.write'";
    static const char done[] = "SELECT count(*) FROM effect WHERE state = 'done'"
                               " AND target = 'plain.remembered.write'";
    char number[24], args[80];
    if (!operator_begin(s, "do-asker-r1", asks)) {
        return false; /* it is dying, which takes a moment */
    }
    if (!operator_await(s, asked, 1, OPERATOR_PATIENCE_MS)) {
        return operator_alive(s) && site_fault(s, "what is to be remembered is not asked");
    }
    snprintf(number, sizeof number, "%ld", operator_item(s, "plain.remembered.write"));
    if (site_remember(s, "remember-1", number) != SITE_ANSWERED) {
        return false;
    }
    if (!strstr(site_answer_to(s, "remember-1"), "\"grant\"")) {
        return site_fault(s, "it is not remembered: %s", site_answer_to(s, "remember-1"));
    }
    if (!operator_begin(s, "do-asker-r2", asks)) {
        return false;
    }
    if (!operator_await(s, done, 2, OPERATOR_PATIENCE_MS)) {
        return operator_alive(s) && site_fault(s, "what is remembered is not sent");
    }
    if (site_count(s, "SELECT used FROM grant") != 1) {
        return site_fault(s, "I5: the grant counts %ld uses of one",
                          site_count(s, "SELECT used FROM grant"));
    }
    snprintf(args, sizeof args, "{\"number\":%s,\"why\":\"enough\"}", number);
    return operator_tell(s, "revoke-1", "grant.revoke", args);
}

bool script_cancel(site *s) {
    char args[128];
    long run = operator_begin(s, "do-sleeper-1", "{\"agent\":\"sleeper\",\"input\":{}}");
    snprintf(args, sizeof args, "{\"run\":%ld,\"why\":\"not needed\"}", run);
    return run && operator_tell(s, "cancel-1", "run.cancel", args);
}

/* ---- expiry: the clock stands two minutes later when the kernel starts again ---- */

bool script_prepare_expiry(site *s) {
    if (!site_up_plain(s) ||
        !operator_begin(s, "do-asker-2",
                        "{\"agent\":\"asker\",\"input\":{\"questions\":[\"expiring\"]}}") ||
        !operator_await(s, "SELECT count(*) FROM item", 1, OPERATOR_PATIENCE_MS)) {
        return site_fault(s, "the question does not come");
    }
    site_kill(s);
    return true;
}

bool script_expiry(site *s) {
    return operator_settle(s, false);
}

/* ---- a denial that is lifted: what is signed is fixed before any kernel dies ---- */

#define LIFTED "lifted.json"

static bool sign_override(site *s, const char *plan) {
    uint8_t pk[32], sk[64], signature[64];
    char signs[65], incarnation[17], text[300], hex[129], args[700];
    keel_json_copy(keel_json_get(keel_json_view(plan, strlen(plan)), "override"), signs,
                   sizeof signs);
    site_read(s, "SELECT value FROM meta WHERE key = 'incarnation'", NULL, incarnation,
              sizeof incarnation);
    int n = snprintf(text, sizeof text,
                     "{\"incarnation\":\"%s\",\"nonce\":\"%032d\",\"override\":\"%s\","
                     "\"verdict\":\"override\"}",
                     incarnation, 1, signs);
    site_keys(pk, sk);
    crypto_sign_detached(signature, NULL, (uint8_t *)text, (unsigned long long)n, sk);
    hex_encode(hex, signature, sizeof signature);
    snprintf(args, sizeof args,
             "{\"by\":\"operator\",\"nonce\":\"%032d\",\"override\":\"%s\",\"path\":\"1\","
             "\"run\":1,\"signature\":\"%s\",\"why\":\"once\"}",
             1, signs, hex);
    site_put(s, LIFTED, args);
    s->answer_count--; /* a plan changes nothing, and no record has it */
    return true;
}

bool script_prepare_override(site *s) {
    static const char stuck[] = "SELECT count(*) FROM item WHERE kind = 'stuck'";
    if (!site_up_plain(s) || !operator_begin(s, "do-bold-1", "{\"agent\":\"bold\",\"input\":{}}") ||
        !operator_await(s, stuck, 1, OPERATOR_PATIENCE_MS) ||
        site_say(s, "plan-001", "override.plan", "{\"path\":\"1\",\"run\":1}") != SITE_ANSWERED ||
        !sign_override(s, site_answer_to(s, "plan-001"))) {
        return site_fault(s, "what was denied cannot be lifted: %s", site_refusal);
    }
    site_kill(s);
    return true;
}

bool script_override(site *s) {
    char path[240];
    keel_buf args = KEEL_BUF_INIT;
    snprintf(path, sizeof path, "%s/" LIFTED, s->root);
    bool told = !fsio_read(path, 4096, &args, NULL) &&
                operator_tell(s, "override-1", "override", args.data);
    keel_buf_free(&args);
    return told && operator_settle(s, true);
}

bool script_people(site *s) {
    long run =
        operator_begin(s, "do-asker-1",
                       "{\"agent\":\"asker\",\"input\":{\"questions\":[\"signed\",\"rejected\","
                       "\"edited\",\"stale\"],\"wonder\":true,\"word\":true}}");
    return run && batch(s) && halt(s, run) && decide(s) && reload(s) && set_approver(s) &&
           remember(s) && script_cancel(s) &&
           operator_begin(s, "do-bomb-1", "{\"agent\":\"bomb\",\"input\":{}}") &&
           operator_settle(s, true);
}
