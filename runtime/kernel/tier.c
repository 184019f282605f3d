/* Tiers. What is put in an effect's place is settled once, before the first decision whose record has its
 * arguments: an approval, an attempt and a key are of exact bytes, and keep them. */
#include "tier.h"

#include <stdlib.h>
#include <string.h>

#include "usage.h"

/* The one field that says it, as text; else none. */
static keel_json field_of(const call *c) {
    const manifest_attr *a = tier_declared(c->resource);
    keel_json v = {NULL, 0};
    if (a && a->fn == ATTR_VALUE && a->of_count == 1) {
        v = keel_json_path(c->args, a->of[0]);
    }
    return v.len && keel_json_typeof(v) == KEEL_JSON_STRING ? v : (keel_json){NULL, 0};
}

/* ---- a cheaper one ---- */

/* The arguments are canonical before and after: one text in them is another. */
static void put_in_place(call *c, keel_json field, const char *name) {
    keel_buf request = KEEL_BUF_INIT;
    size_t at = (size_t)(field.data - c->request.data);
    keel_buf_append(&request, c->request.data, at);
    keel_json_quote(&request, name, strlen(name));
    keel_buf_append(&request, field.data + field.len, c->request.len - at - field.len);
    keel_buf_free(&c->request);
    c->request = request;
    keel_json all = keel_json_view(request.data, request.len);
    c->args = keel_json_get(all, "args");
    c->why = keel_json_get(all, "why");
    c->evidence = keel_json_get(all, "evidence");
    c->args_digest = digest_of(c->args.data, c->args.len);
    c->recorded = false; /* the next record has them */
}

static void note(call *c, const char *from, const char *to, const budget_lowering *why) {
    keel_buf text = KEEL_BUF_INIT;
    keel_json_writer w;
    keel_json_write(&w, &text);
    keel_json_object(&w);
    keel_json_set_text(&w, "budget", why->budget);
    keel_json_set_text(&w, "from", from);
    keel_json_set_text(&w, "to", to);
    keel_json_set_text(&w, "why", why->why);
    keel_json_object_end(&w);
    free(c->tier);
    c->tier = text.data;
}

/* Whose bytes are nobody's yet. */
static bool is_free(const call *c) {
    return !c->number && !c->approved && !c->consented && !c->attempt && !c->edited.len;
}

static void lower(kernel *k, call *c, const policy *p) {
    keel_json field = field_of(c);
    char name[64];
    if (!is_free(c) || keel_json_copy(field, name, sizeof name) < 0) {
        return;
    }
    const policy_tier *from = policy_tier_get(p, name, strlen(name));
    budget_request q;
    budget_lowering why;
    usage_request(k, c, &q);
    const policy_tier *to =
        from ? budget_tier(k->budgets, p, &q, kernel_now(k), from, c->run->label.level, &why)
             : NULL;
    if (to) {
        keel_json asked = c->tier ? keel_json_get(keel_json_view(c->tier, strlen(c->tier)), "from")
                                  : (keel_json){NULL, 0};
        char first[64];
        bool again = asked.len && keel_json_copy(asked, first, sizeof first) >= 0;
        put_in_place(c, field, to->name);
        note(c, again ? first : name, to->name, &why);
    }
}

bool tier_settles(kernel *k, call *c) {
    const policy *p = k->world.policy;
    size_t count;
    char why[400];
    if (c->kind != CALL_EFFECT || c->undoes || !policy_tier_count(p) ||
        !tier_declared(c->resource)) {
        return true;
    }
    lower(k, c, p);
    attr_set_fill(k->attrs, c->resource, c->args);
    const attr *all = attr_set_list(k->attrs, &count);
    if (tier_lets(p, all, count, c->run->label.level, why, sizeof why)) {
        return true;
    }
    effect_denied(k, c, keel_json_view("{}", 2), "denied", "tiers", why);
    return false;
}

/* ---- what is said of it ---- */

void tier_put(const call *c, keel_json_writer *w) {
    if (c->tier && !c->recorded) {
        keel_json_set_raw(w, "tier", keel_json_view(c->tier, strlen(c->tier)));
    }
}

void tier_restore(call *c, keel_json body) {
    keel_json v = keel_json_get(body, "tier");
    if (v.len) {
        keel_buf text = KEEL_BUF_INIT;
        keel_buf_append(&text, v.data, v.len);
        c->tier = text.data;
    }
}

static bool runs_at(const call *c, keel_json to) {
    char name[64];
    return keel_json_copy(to, name, sizeof name) >= 0 && keel_json_is(field_of(c), name);
}

void tier_edited(call *c) {
    if (c->tier && !runs_at(c, keel_json_get(keel_json_view(c->tier, strlen(c->tier)), "to"))) {
        free(c->tier);
        c->tier = NULL;
    }
}

keel_json tier_told(const call *c, keel_json result, keel_buf *room) {
    if (!c->tier || keel_json_typeof(result) != KEEL_JSON_OBJECT ||
        keel_json_get(result, "tier").len) {
        return result;
    }
    keel_buf plain = KEEL_BUF_INIT;
    keel_json to = keel_json_get(keel_json_view(c->tier, strlen(c->tier)), "to");
    keel_buf_printf(&plain, "{\"tier\":%.*s%s", (int)to.len, to.data,
                    keel_json_count(result) ? "," : "");
    keel_buf_append(&plain, result.data + 1, result.len - 1);
    keel_json_canonical(room, plain.data, plain.len, NULL);
    keel_buf_free(&plain);
    return keel_json_view(room->data, room->len);
}
