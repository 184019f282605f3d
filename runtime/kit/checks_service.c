/* A service that hangs, loses, breaks, delays and forgets. */
#include <stdio.h>
#include <string.h>

#include "trial.h"

#define DEADLINE_US 2000000
#define CANCEL_US   300000

/* A write under faults. `want_maybe`: it must say that it may have been applied; else only that it
 * does not say that it was not. */
static kit_verdict write_under(trial *t, const char *faults, bool want_maybe, said *s) {
    char text[700];
    if (!trial_faults(t, faults)) {
        return KIT_FAILED;
    }
    trial_write(t, s);
    trial_no_faults(t);
    said_text(s, text, sizeof text);
    if (s->how == SAID_DIED || s->how == SAID_OVERDUE) {
        return trial_fail(t, "under %s it %s", faults, text);
    }
    if (said_not(s)) {
        return trial_fail(t,
                          "under %s it says that nothing was applied, which it cannot know: it %s",
                          faults, text);
    }
    if (want_maybe && !said_maybe(s)) {
        return trial_fail(t, "under %s it %s", faults, text);
    }
    return KIT_PASSED;
}

/* An effect that the service has is not to be called absent. */
static kit_verdict not_absent(trial *t, const char *when) {
    said s = {0};
    if (trial_class(t) == CLASS_REPEATABLE || trial_class(t) == CLASS_ONCE) {
        return KIT_PASSED;
    }
    const char *state = trial_reconcile(t, &s);
    said_free(&s);
    if (!strcmp(state, "absent")) {
        return trial_fail(t, "%s: it was applied, and reconcile says absent", when);
    }
    return *state ? KIT_PASSED : KIT_FAILED;
}

static kit_verdict lost(trial *t) {
    said s = {0};
    kit_verdict v = write_under(t, "\"always\":true,\"fault\":\"lost\"", true, &s);
    v = v == KIT_PASSED ? not_absent(t, "after a lost answer") : v;
    said_free(&s);
    return v;
}

static kit_verdict hang(trial *t, int64_t deadline_us, int64_t cancel_us) {
    char text[700];
    said s = {0};
    kit_verdict v = KIT_PASSED;
    ask a = {.verb = "write",
             .resource = t->resource->name,
             .key = t->key,
             .body = keel_json_view(t->body.data, t->body.len),
             .deadline_us = deadline_us,
             .cancel_us = cancel_us};
    if (!trial_faults(t, "\"always\":true,\"fault\":\"hang\"")) {
        return KIT_FAILED;
    }
    kit_site_ask(&t->site, &a, &s);
    trial_no_faults(t);
    if (!said_maybe(&s)) {
        v = trial_fail(t, "nothing was answered, and it %s", said_text(&s, text, sizeof text));
    } else if (cancel_us && s.took_us > cancel_us + DEADLINE_US) {
        v = trial_fail(t, "it went on for %d ms after it was stopped",
                       (int)((s.took_us - cancel_us) / 1000));
    }
    said_free(&s);
    return v;
}

static kit_verdict timeout(trial *t) {
    return hang(t, DEADLINE_US, 0);
}

static kit_verdict cancel(trial *t) {
    return hang(t, 5 * (int64_t)DEADLINE_US, CANCEL_US);
}

static kit_verdict too_many(trial *t) {
    char text[700];
    said s = {0};
    kit_verdict v = KIT_PASSED;
    if (!trial_faults(t, "\"always\":true,\"fault\":\"status\",\"retry_after\":1,\"status\":429")) {
        return KIT_FAILED;
    }
    trial_write(t, &s);
    trial_no_faults(t);
    if (s.how != SAID_FAIL || strcmp(s.code, "retry") != 0) {
        v = trial_fail(t, "429 means `retry`, and it %s", said_text(&s, text, sizeof text));
    }
    said_free(&s);
    return v;
}

static kit_verdict server_error(trial *t) {
    said s = {0};
    kit_verdict v =
        write_under(t, "\"always\":true,\"fault\":\"error_after\",\"status\":500", true, &s);
    v = v == KIT_PASSED ? not_absent(t, "after a 500") : v;
    said_free(&s);
    if (v == KIT_PASSED && !trial_fresh(t)) {
        return KIT_FAILED;
    }
    s = (said){0};
    v = v == KIT_PASSED
            ? write_under(t, "\"always\":true,\"fault\":\"status\",\"status\":503", true, &s)
            : v;
    said_free(&s);
    return v;
}

/* ---- answers that are none ---- */

static kit_verdict read_under(trial *t, const char *faults) {
    char text[700];
    said s = {0};
    kit_verdict v = KIT_PASSED;
    if (!t->query.len || !t->resource->verbs[VERB_READ].present) {
        return KIT_PASSED;
    }
    if (!trial_fresh(t) || !trial_any_faults(t, faults)) {
        return KIT_FAILED;
    }
    trial_read(t, keel_json_view(t->query.data, t->query.len), &s);
    trial_no_faults(t);
    if (s.how != SAID_FAIL) {
        v = trial_fail(t, "a read under %s %s", faults, said_text(&s, text, sizeof text));
    }
    said_free(&s);
    return v;
}

static kit_verdict odd_answer(trial *t, const char *faults, bool want_maybe) {
    said s = {0};
    kit_verdict v = KIT_PASSED;
    if (t->body.len && t->resource->verbs[VERB_WRITE].present) {
        v = trial_fresh(t) ? write_under(t, faults, want_maybe, &s) : KIT_FAILED;
        v = v == KIT_PASSED ? not_absent(t, faults) : v;
    }
    said_free(&s);
    return v == KIT_PASSED ? read_under(t, faults) : v;
}

static kit_verdict huge(trial *t) {
    return odd_answer(t, "\"always\":true,\"fault\":\"huge\",\"mib\":24", true);
}

static kit_verdict malformed(trial *t) {
    kit_verdict v = odd_answer(t, "\"always\":true,\"fault\":\"malformed\"", false);
    v = v == KIT_PASSED
            ? odd_answer(t, "\"always\":true,\"fault\":\"malformed\",\"http\":true", true)
            : v;
    return v == KIT_PASSED ? odd_answer(t, "\"always\":true,\"fault\":\"cut\"", true) : v;
}

/* ---- time ---- */

static kit_verdict late_truth(trial *t) {
    said s = {0};
    int64_t settle = t->resource->verbs[VERB_WRITE].settle_us;
    const char *early = trial_reconcile(t, &s);
    said_free(&s);
    if (!strcmp(early, "none")) {
        return trial_skip(t, "there is no reconcile");
    }
    if (!strcmp(early, "applied")) {
        return trial_fail(t, "nothing was applied yet, and reconcile says applied");
    }
    if (!strcmp(early, "absent") && settle == 0 && trial_class(t) == CLASS_CHECKABLE) {
        return trial_fail(t,
                          "a service may apply what it got a little later; without `settle` in the "
                          "manifest Keel believes the first `absent` and sends again");
    }
    outside_late(t->k->outside);
    return *early ? not_absent(t, "applied late") : KIT_FAILED;
}

static kit_verdict late(trial *t) {
    said s = {0};
    kit_verdict v =
        write_under(t, "\"after\":\"10m\",\"always\":true,\"fault\":\"late\"", true, &s);
    said_free(&s);
    return v == KIT_PASSED ? late_truth(t) : v;
}

/* The other side has forgotten the key: only looking can tell now. */
static kit_verdict key_expiry(trial *t) {
    char text[700];
    said s = {0};
    if (trial_class(t) != CLASS_KEYED) {
        return trial_skip(t, "the class is not keyed");
    }
    trial_write(t, &s);
    bool ok = s.how == SAID_REPLY;
    if (!ok) {
        trial_fail(t, "the write %s", said_text(&s, text, sizeof text));
    }
    said_free(&s);
    outside_forget_keys(t->k->outside);
    return ok ? not_absent(t, "when its key was forgotten") : KIT_FAILED;
}

const check checks_service[] = {
    {"lost", "a lost answer is not called `not applied`", NEED_WRITE | NEED_SERVICE, lost},
    {"timeout", "it ends by its deadline, and says that it may have been applied",
     NEED_WRITE | NEED_SERVICE, timeout},
    {"cancel", "it ends when what goes on outside is stopped", NEED_WRITE | NEED_SERVICE, cancel},
    {"429", "too many requests mean retry", NEED_WRITE | NEED_SERVICE, too_many},
    {"5xx", "a server's error is not called `not applied`", NEED_WRITE | NEED_SERVICE,
     server_error},
    {"huge", "a huge answer is an error", NEED_SERVICE, huge},
    {"malformed", "a malformed answer is an error", NEED_SERVICE, malformed},
    {"late", "what is applied late is found", NEED_WRITE | NEED_SERVICE | NEED_RECONCILE, late},
    {"key_expiry", "when the key is forgotten, nothing applied is called absent",
     NEED_WRITE | NEED_SERVICE, key_expiry},
    {0},
};
