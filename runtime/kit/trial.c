#include "trial.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tokens.h"

kit_verdict trial_fail(trial *t, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    keel_buf_puts(&t->why, t->why.len ? "; " : "");
    keel_buf_vprintf(&t->why, format, ap);
    va_end(ap);
    return KIT_FAILED;
}

kit_verdict trial_skip(trial *t, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    keel_buf_clear(&t->why);
    keel_buf_vprintf(&t->why, format, ap);
    va_end(ap);
    return KIT_SKIPPED;
}

kit_verdict trial_pass(trial *t, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    keel_buf_clear(&t->why);
    keel_buf_vprintf(&t->why, format, ap);
    va_end(ap);
    return KIT_PASSED;
}

effect_class trial_class(const trial *t) {
    return t->resource ? t->resource->verbs[VERB_WRITE].class : CLASS_NONE;
}

/* As the kernel mints them: 32 hex digits. */
void trial_next_key(trial *t) {
    char seed[64];
    snprintf(seed, sizeof seed, "check %" PRIu64 " %" PRIu64, t->k->salt, ++t->k->next);
    digest of = digest_of(seed, strlen(seed));
    hex_encode(t->key, of.bytes, 16);
}

bool trial_fresh(trial *t) {
    diag d = {0};
    if (t->site.folder) {
        site_close(&t->site);
    }
    if (site_open(&t->site, t->k, (keel_json){0}, &d) != 0) {
        trial_fail(t, "%s", d.what);
        return false;
    }
    keel_buf_clear(&t->before);
    keel_buf_clear(&t->body);
    keel_buf_clear(&t->query);
    keel_buf_reserve(&t->before, 1);
    site_state(&t->site, &t->before);
    if (t->c) {
        plan_fill(&t->body, keel_json_view(t->c->write.data, t->c->write.len), t->site.folder,
                  outside_base(t->k->outside));
        plan_fill(&t->query, keel_json_view(t->c->read.data, t->c->read.len), t->site.folder,
                  outside_base(t->k->outside));
    }
    return true;
}

void trial_write(trial *t, said *out) {
    ask a = {.verb = "write",
             .resource = t->resource->name,
             .key = t->key,
             .body = keel_json_view(t->body.data, t->body.len)};
    kit_site_ask(&t->site, &a, out);
}

void trial_read(trial *t, keel_json query, said *out) {
    ask a = {.verb = "read", .resource = t->resource->name, .body = query};
    kit_site_ask(&t->site, &a, out);
}

bool trial_usage(trial *t, manifest_verb_id verb, const said *s) {
    token_usage used;
    char model[TOKENS_MODEL];
    bool declared = t->resource->verbs[verb].tokens.present;
    int cut = s->usage.len < 200 ? (int)s->usage.len : 200;
    if (declared && !s->usage.len) {
        trial_fail(t, "the manifest declares `tokens`, and the answer does not say what was used "
                      "(keel.usage)");
    } else if (!declared && s->usage.len) {
        trial_fail(t,
                   "it says what a model used, and the manifest declares no `tokens` for %s: %.*s",
                   manifest_verb_name(verb), cut, s->usage.data);
    } else if (declared &&
               !tokens_read(keel_json_view(s->usage.data, s->usage.len), &used, model)) {
        trial_fail(t, "what it says was used is not to be believed: %.*s", cut, s->usage.data);
    } else {
        return true;
    }
    return false;
}

const char *trial_reconcile(trial *t, said *out) {
    static const char *const states[] = {"applied", "absent", "pending", "cannot_tell"};
    char text[700];
    ask a = {.verb = "reconcile",
             .resource = t->resource->name,
             .key = t->key,
             .body = keel_json_view(t->body.data, t->body.len)};
    kit_site_ask(&t->site, &a, out);
    if (out->how == SAID_FAIL && !strcmp(out->code, "not_implemented")) {
        return "none";
    }
    keel_json result = keel_json_view(out->result.data, out->result.len);
    for (size_t i = 0; out->how == SAID_REPLY && i < sizeof states / sizeof *states; i++) {
        if (keel_json_is(keel_json_get(result, "state"), states[i])) {
            return states[i];
        }
    }
    trial_fail(t, "reconcile %s, which is none of its four states",
               said_text(out, text, sizeof text));
    return "";
}

static bool set_faults(trial *t, const char *const *methods, const char *members) {
    keel_buf json = KEEL_BUF_INIT;
    keel_buf_putc(&json, '[');
    for (size_t i = 0; methods[i]; i++) {
        keel_buf_printf(&json, "%s{%s%s%s%s}", i ? "," : "", members,
                        *methods[i] ? ",\"method\":\"" : "", methods[i], *methods[i] ? "\"" : "");
    }
    keel_buf_putc(&json, ']');
    bool ok = outside_faults(t->k->outside, json.data) == 0;
    keel_buf_free(&json);
    if (!ok) {
        trial_fail(t, "keel-fakeworld did not take the faults %s", members);
    }
    return ok;
}

bool trial_faults(trial *t, const char *members) {
    static const char *const unsafe[] = {"POST", "PUT", "PATCH", "DELETE", NULL};
    return set_faults(t, unsafe, members);
}

bool trial_any_faults(trial *t, const char *members) {
    static const char *const any[] = {"", NULL};
    return set_faults(t, any, members);
}

bool trial_no_faults(trial *t) {
    return outside_faults(t->k->outside, "[]") == 0;
}

void json_with(keel_buf *out, keel_json object, const char *key, keel_json value) {
    char name[256];
    bool done = false;
    keel_json_iter it = keel_json_each(object);
    keel_buf_putc(out, '{');
    for (size_t n = 0;;) {
        bool more = keel_json_next(&it);
        int order = 1;
        if (more) {
            keel_json_copy(it.key, name, sizeof name);
            order = keel_json_compare_keys(name, strlen(name), key, strlen(key));
        }
        if (!done && order >= 0) {
            keel_buf_printf(out, "%s\"%s\":", n++ ? "," : "", key);
            keel_buf_append(out, value.data, value.len);
            done = true;
        }
        if (!more) {
            break;
        }
        if (order) {
            keel_buf_printf(out, "%s%.*s:", n++ ? "," : "", (int)it.key.len, it.key.data);
            keel_buf_append(out, it.value.data, it.value.len);
        }
    }
    keel_buf_putc(out, '}');
}
