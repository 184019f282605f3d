/* The plugin as a whole: that it loads, and what it does with a config that is wrong. */
#include <stdio.h>
#include <string.h>

#include "trial.h"

static kit_verdict loads(trial *t) {
    return kit_site_up(&t->site) ? KIT_PASSED : trial_fail(t, "%s", t->site.why);
}

/* ---- bad config ---- */

/* What the members are replaced by: another type than theirs. */
static const char *other_type(keel_json v) {
    keel_json_type type = keel_json_typeof(v);
    return type == KEEL_JSON_OBJECT || type == KEEL_JSON_ARRAY ? "\"text\"" : "{\"a\":[1]}";
}

/* The config without its i-th member, or with another type there. */
static void spoil(keel_json config, size_t at, bool drop, keel_buf *out, char *name, size_t size) {
    size_t i = 0, n = 0;
    keel_buf_putc(out, '{');
    for (keel_json_iter it = keel_json_each(config); keel_json_next(&it); i++) {
        if (i == at) {
            keel_json_copy(it.key, name, size);
        }
        if (i == at && drop) {
            continue;
        }
        keel_buf_printf(out, "%s%.*s:", n++ ? "," : "", (int)it.key.len, it.key.data);
        if (i == at) {
            keel_buf_puts(out, other_type(it.value));
        } else {
            keel_buf_append(out, it.value.data, it.value.len);
        }
    }
    keel_buf_putc(out, '}');
}

/* One verb of each resource that a case has. false: it crashed, hung or gave no reason. */
static bool verbs_end_well(trial *t, site *s, const char *how, const char *name) {
    char text[700];
    bool ok = true;
    for (size_t i = 0; i < t->k->plan->case_count && ok; i++) {
        const plan_case *c = &t->k->plan->cases[i];
        bool write = c->write.len > 0;
        said out = {0};
        keel_buf body = KEEL_BUF_INIT;
        plan_fill(&body,
                  keel_json_view(write ? c->write.data : c->read.data,
                                 write ? c->write.len : c->read.len),
                  s->folder, outside_base(t->k->outside));
        ask a = {.verb = write ? "write" : "read",
                 .resource = c->resource,
                 .key = write ? t->key : NULL,
                 .body = keel_json_view(body.data, body.len),
                 .deadline_us = 5000000};
        kit_site_ask(s, &a, &out);
        ok = out.how == SAID_REPLY || (out.how == SAID_FAIL && *out.message);
        if (!ok) {
            trial_fail(t, "with config.%s %s, %s of %s %s%s", name, how, a.verb, a.resource,
                       said_text(&out, text, sizeof text),
                       out.how == SAID_FAIL ? ", without a message" : "");
        }
        said_free(&out);
        keel_buf_free(&body);
    }
    return ok;
}

/* Whether the executor ended without the plugin having refused in words. */
static bool crashed(const site *s) {
    return !strncmp(s->why, "its executor", 12) || !*s->why;
}

static bool refused_cleanly(trial *t, size_t at, bool drop) {
    char name[128] = "";
    const char *how = drop ? "missing" : "of another type";
    diag d = {0};
    site s;
    keel_buf config = KEEL_BUF_INIT;
    keel_json plan_config = keel_json_view(t->k->plan->config.data, t->k->plan->config.len);
    spoil(plan_config, at, drop, &config, name, sizeof name);
    bool ok = site_open(&s, t->k, keel_json_view(config.data, config.len), &d) == 0;
    if (!ok) {
        trial_fail(t, "%s", d.what);
    } else if (!kit_site_up(&s)) {
        ok = !crashed(&s);
        if (!ok) {
            trial_fail(t, "with config.%s %s, %s", name, how, s.why);
        }
    } else {
        ok = verbs_end_well(t, &s, how, name);
    }
    site_close(&s);
    keel_buf_free(&config);
    return ok;
}

static kit_verdict bad_config(trial *t) {
    keel_json config = keel_json_view(t->k->plan->config.data, t->k->plan->config.len);
    size_t count = keel_json_count(config);
    bool ok = true;
    if (count == 0) {
        return trial_skip(t, "the config has no members");
    }
    for (size_t i = 0; i < count; i++) {
        ok = refused_cleanly(t, i, true) && ok;
        ok = refused_cleanly(t, i, false) && ok;
    }
    return ok ? KIT_PASSED : KIT_FAILED;
}

const check checks_plugin[] = {
    {"loads", "the plugin loads", 0, loads},
    {"config", "a wrong config is refused in words, without a crash", 0, bad_config},
    {0},
};
