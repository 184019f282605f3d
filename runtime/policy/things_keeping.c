/* Tiers, and how memory is kept, as things. */
#include "diffint.h"
#include "label.h"

static void read_tier(const policy *p, size_t i, things *out) {
    const policy_tier *t = policy_tier_at(p, i);
    thing *x = thing_add(out, THING_TIER, t->name, t->file, t->line);
    keel_buf models = KEEL_BUF_INIT;
    for (size_t k = 0; k < t->model_count; k++) {
        keel_buf_printf(&models, "%s%s", k ? ", " : "", t->models[k]);
    }
    thing_part_add(x, "models", models.data); /* their order says what falls back to what */
    keel_buf_free(&models);
    if (t->max_tokens) {
        thing_text_add(x, "max_tokens", "%lld", (long long)t->max_tokens);
    }
    thing_part_add(x, "max_sensitivity", sensitivity_name(t->most));
    thing_part_add(x, "where", t->local ? "local" : "remote");
    if (i) {
        thing_part_add(x, "dearer than", policy_tier_at(p, i - 1)->name);
    }
}

static void read_retention(const policy *p, kept_kind of, things *out) {
    const retention_rule *r = &p->keeping.retention[of];
    if (r->file) {
        thing *x = thing_add(out, THING_RETENTION, kept_names[of], r->file, r->line);
        thing_span_add(x, "ttl", r->ttl_us);
    }
}

static void read_compact(const policy *p, kept_kind of, things *out) {
    static const char *const units[] = {"items", "tokens"};
    for (compact_unit u = COMPACT_ITEMS; u < COMPACT_UNITS; u++) {
        const policy_compaction *r = policy_compact(p, of, u);
        if (r) {
            keel_buf id = KEEL_BUF_INIT;
            keel_buf_printf(&id, "%s by %s", kept_names[of], units[u]);
            thing *x = thing_add(out, THING_COMPACT, id.data, r->file, r->line);
            thing_text_add(x, "when", "%s >= %lld", units[u], (long long)r->from);
            thing_part_add(x, "by", r->by);
            if (r->tier) {
                thing_part_add(x, "tier", r->tier);
            }
            keel_buf_free(&id);
        }
    }
}

static void read_snapshots(const policy *p, things *out) {
    static const char *const words[] = {"", "hour", "day", "week"};
    const snapshot_rule *s = &p->keeping.snapshots;
    if (s->file) {
        thing *x = thing_add(out, THING_SNAPSHOTS, "all", s->file, s->line);
        thing_part_add(x, "every", words[s->says.every]);
        thing_text_add(x, "keep", "%d", s->says.keep);
    }
}

void things_read_keeping(const policy *p, things *out) {
    for (size_t i = 0; i < policy_tier_count(p); i++) {
        read_tier(p, i, out);
    }
    for (kept_kind of = KEPT_WORKING; of < KEPT_KINDS; of++) {
        read_retention(p, of, out);
        read_compact(p, of, out);
    }
    read_snapshots(p, out);
}
