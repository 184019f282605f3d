/* Writes when nothing goes wrong: results, dry runs, keys, reconcile, compensate, leaks. */
#include <stdlib.h>
#include <string.h>

#include "trial.h"

#define LEAK_ROUNDS 50   /* each a read, a write and a reconcile, where they are there */
#define LEAK_KIB    2048 /* more than this in that many rounds is growth */

static bool written(trial *t, said *s) {
    char text[700];
    trial_write(t, s);
    if (s->how != SAID_REPLY) {
        trial_fail(t, "the write %s", said_text(s, text, sizeof text));
    }
    return s->how == SAID_REPLY;
}

static bool equal(keel_json a, keel_json b) {
    return a.len == b.len && !memcmp(a.data, b.data, a.len);
}

static kit_verdict works(trial *t) {
    said s = {0};
    bool ok = written(t, &s) && trial_usage(t, VERB_WRITE, &s);
    keel_json result = keel_json_view(s.result.data, s.result.len);
    keel_json expect = keel_json_view(t->c->expect.data, t->c->expect.len);
    for (keel_json_iter it = keel_json_each(expect); ok && keel_json_next(&it);) {
        char name[256];
        keel_json_copy(it.key, name, sizeof name);
        keel_json got = keel_json_get(result, name);
        if (!equal(got, it.value)) {
            ok = false;
            trial_fail(t, "the result's %s is %.*s, and check.yaml expects %.*s", name,
                       got.len ? (int)got.len : 7, got.len ? got.data : "missing",
                       (int)it.value.len, it.value.data);
        }
    }
    said_free(&s);
    return ok ? KIT_PASSED : KIT_FAILED;
}

static kit_verdict shows(trial *t) {
    said s = {0};
    bool ok = written(t, &s);
    said_free(&s);
    if (ok && site_same(&t->site, &t->before)) {
        return trial_fail(t, "the write answered, and the outside is as it was before it");
    }
    return ok ? KIT_PASSED : KIT_FAILED;
}

static kit_verdict dry_run(trial *t) {
    char text[700];
    said s = {0};
    ask a = {.verb = "write",
             .resource = t->resource->name,
             .key = t->key,
             .body = keel_json_view(t->body.data, t->body.len),
             .dry_run = true};
    kit_site_ask(&t->site, &a, &s);
    said_text(&s, text, sizeof text);
    bool fine = s.how == SAID_REPLY || (s.how == SAID_FAIL && !strcmp(s.code, "not_implemented"));
    said_free(&s);
    if (!site_same(&t->site, &t->before)) {
        return trial_fail(
            t, "a dry run changed the outside; where q.dry_run (KEEL_REQUEST_DRY_RUN) is "
               "set, change nothing, or fail with not_implemented");
    }
    return fine ? KIT_PASSED : trial_fail(t, "a dry run %s", text);
}

/* ---- keys ---- */

static kit_verdict twice_keyed(trial *t, const said *first) {
    said s = {0};
    keel_buf once = KEEL_BUF_INIT;
    bool ok = true;
    site_state(&t->site, &once);
    if (!written(t, &s)) {
        ok = false;
    } else if (!equal(keel_json_view(first->result.data, first->result.len),
                      keel_json_view(s.result.data, s.result.len))) {
        ok = false;
        trial_fail(t, "the same key gave %.200s first and then %.200s", first->result.data,
                   s.result.data);
    }
    if (!site_same(&t->site, &once)) {
        ok = false;
        trial_fail(t, "the same key was applied twice");
    }
    keel_buf_free(&once);
    said_free(&s);
    return ok ? KIT_PASSED : KIT_FAILED;
}

static kit_verdict found_again(trial *t, const said *first) {
    said s = {0};
    const char *state = trial_reconcile(t, &s);
    keel_json ref = keel_json_get(keel_json_view(s.result.data, s.result.len), "ref");
    bool applied = !strcmp(state, "applied");
    bool same = equal(ref, keel_json_view(first->result.data, first->result.len));
    kit_verdict v = KIT_PASSED;
    if (!applied) {
        v = trial_fail(t, "after a write that was answered, reconcile says %s",
                       *state ? state : "nothing of use");
    } else if (!same) {
        v = trial_fail(t, "reconcile's ref is %.*s, and the write's result was %.200s",
                       ref.len ? (int)ref.len : 7, ref.len ? ref.data : "missing",
                       first->result.data);
    }
    said_free(&s);
    return v;
}

static kit_verdict same_key(trial *t) {
    said s = {0};
    effect_class class = trial_class(t);
    kit_verdict v = KIT_FAILED;
    if (class == CLASS_ONCE) {
        return trial_skip(t, "the class is once: it is never sent again");
    }
    if (written(t, &s)) {
        said again = {0};
        v = class == CLASS_KEYED       ? twice_keyed(t, &s)
            : class == CLASS_CHECKABLE ? found_again(t, &s)
            : written(t, &again)       ? KIT_PASSED
                                       : KIT_FAILED;
        said_free(&again);
    }
    said_free(&s);
    return v;
}

static kit_verdict reconcile(trial *t) {
    said s = {0};
    const char *state = trial_reconcile(t, &s);
    said_free(&s);
    if (!strcmp(state, "none")) {
        return trial_class(t) == CLASS_CHECKABLE
                   ? trial_fail(t, "the class is checkable, and there is no reconcile")
                   : trial_skip(t, "there is no reconcile: a lost answer ends with a person");
    }
    if (!strcmp(state, "applied") || !strcmp(state, "pending")) {
        return trial_fail(t, "reconcile says %s of a key that was never written", state);
    }
    if (*state && !site_same(&t->site, &t->before)) {
        return trial_fail(t, "reconcile changed the outside");
    }
    return *state ? KIT_PASSED : KIT_FAILED;
}

/* ---- compensate ---- */

static kit_verdict compensate(trial *t) {
    char text[700];
    said s = {0}, undo = {0};
    if (!t->resource->verbs[VERB_COMPENSATE].present) {
        return trial_skip(t, "the manifest has no compensate of it");
    }
    bool ok = written(t, &s);
    ask a = {.verb = "compensate",
             .resource = t->resource->name,
             .key = t->key,
             .body = keel_json_view(t->body.data, t->body.len),
             .outcome = keel_json_view(s.result.data, s.result.len)};
    if (ok) {
        kit_site_ask(&t->site, &a, &undo);
        ok = undo.how == SAID_REPLY;
    }
    if (!ok && s.how == SAID_REPLY) {
        trial_fail(t, "it %s", said_text(&undo, text, sizeof text));
    } else if (ok && !t->c->corrects && !site_same(&t->site, &t->before)) {
        ok = false;
        trial_fail(t, "the outside is not as it was before the write; where it corrects instead of "
                      "removing, say `compensate: corrects` in check.yaml");
    }
    said_free(&s);
    said_free(&undo);
    return ok ? KIT_PASSED : KIT_FAILED;
}

/* ---- leaks ---- */

static bool leak_rounds(trial *t, int rounds) {
    said s = {0};
    bool alive = true;
    for (int i = 0; i < rounds && alive; i++) {
        if (t->resource->verbs[VERB_READ].present && t->query.len) {
            trial_read(t, keel_json_view(t->query.data, t->query.len), &s);
        }
        if (t->resource->verbs[VERB_WRITE].present && t->body.len) {
            trial_write(t, &s);
            trial_reconcile(t, &s);
        }
        alive = t->site.process != NULL;
    }
    said_free(&s);
    keel_buf_clear(&t->why);
    return alive;
}

static kit_verdict leaks(trial *t) {
    long kib[2], fds[2];
    if (!t->query.len && !t->body.len) {
        return trial_skip(t, "check.yaml has neither a write nor a read of it");
    }
    bool alive = leak_rounds(t, LEAK_ROUNDS / 2);
    site_size(&t->site, &kib[0], &fds[0]);
    alive = alive && leak_rounds(t, LEAK_ROUNDS);
    site_size(&t->site, &kib[1], &fds[1]);
    if (!alive) {
        return trial_fail(t, "the executor ended: %s", t->site.why);
    }
    if (kib[1] - kib[0] > LEAK_KIB) {
        return trial_fail(t, "in %d rounds its memory grew from %ld to %ld KiB", LEAK_ROUNDS,
                          kib[0], kib[1]);
    }
    if (fds[1] > fds[0]) {
        return trial_fail(t, "in %d rounds its descriptors grew from %ld to %ld", LEAK_ROUNDS,
                          fds[0], fds[1]);
    }
    return KIT_PASSED;
}

const check checks_write[] = {
    {"write.works", "a write answers with its result", NEED_WRITE, works},
    {"write.shows", "what was written is there", NEED_WRITE | NEED_ORACLE, shows},
    {"dry_run", "a dry run changes nothing", NEED_WRITE | NEED_ORACLE, dry_run},
    {"same_key", "the same key twice is one effect", NEED_WRITE, same_key},
    {"reconcile", "reconcile tells what is so, and changes nothing", NEED_WRITE | NEED_RECONCILE,
     reconcile},
    {"compensate", "compensate undoes a write, given its result", NEED_WRITE, compensate},
    {"leaks", "a hundred verbs leave memory and descriptors as they were", 0, leaks},
    {0},
};
