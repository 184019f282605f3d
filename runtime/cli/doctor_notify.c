/* Whether people can be told. */
#include "doctor.h"
#include "notify_check.h"
#include "text.h"
#include "troubles.h"

static bool cannot(const workspace_notifier *t, finding *f) {
    keel_buf why = KEEL_BUF_INIT;
    bool wrong = notify_wrong(t, &why);
    if (wrong) {
        found(f, HEALTH_FAIL, "%s: %s", t->name, why.data);
        remedy(f, "Correct keel.yaml:%d, or what it names; then `keel notify test %s`.", t->line,
               t->name);
    }
    keel_buf_free(&why);
    return wrong;
}

static bool did_not(const workspace_notifier *t, const keel_buf *status, finding *f) {
    char trouble[240] = "";
    keel_json why = keel_json_get(troubles_notifier(status, t->name), "trouble");
    bool wrong = keel_json_copy(why, trouble, sizeof trouble) > 0;
    if (wrong) {
        found(f, HEALTH_WARN, "%s was not told: %s", t->name, trouble);
        remedy(f, "Try it: `keel notify test %s`.", t->name);
    }
    return wrong;
}

bool check_notify(cli *c, finding *f) {
    if (!c->ws || !c->ws->notifier_count) {
        return false;
    }
    keel_buf status = KEEL_BUF_INIT, words = KEEL_BUF_INIT;
    bool wrong = false;
    troubles_ask(c, &status);
    for (size_t i = 0; !wrong && i < c->ws->notifier_count; i++) {
        wrong = cannot(&c->ws->notifiers[i], f);
    }
    for (size_t i = 0; !wrong && i < c->ws->notifier_count; i++) {
        wrong = did_not(&c->ws->notifiers[i], &status, f);
    }
    if (!wrong) {
        text_plural(&words, (int64_t)c->ws->notifier_count, "way", "ways");
        found(f, HEALTH_OK, "%s to tell you; try one with `keel notify test NAME`", words.data);
    }
    keel_buf_free(&status);
    keel_buf_free(&words);
    return true;
}
