/* Two policies beside each other. */
#include "policy_diff.h"

#include <string.h>

#include "diffint.h"

typedef struct comparing {
    const policy *before, *after;
    keel_json_writer w;
    bool lists_differ;
} comparing;

static void put(comparing *c, const thing *x, const char *change, const char *part,
                const char *from, const char *to) {
    static const char *const kinds[] = {"list",    "rule",      "budget", "egress",  "retry",
                                        "breaker", "rate",      "quiet",  "tier",    "retention",
                                        "compact", "snapshots", "price",  "unpriced"};
    keel_json_writer *w = &c->w;
    keel_json_object(w);
    keel_json_set_text(w, "change", change);
    keel_json_set_text(w, "file", x->file);
    if (from) {
        keel_json_set_text(w, "from", from);
    }
    keel_json_set_text(w, "id", x->id);
    keel_json_set_text(w, "kind", kinds[x->kind]);
    keel_json_set_int(w, "line", x->line);
    if (part) {
        keel_json_set_text(w, "part", part);
    }
    if (to) {
        keel_json_set_text(w, "to", to);
    }
    keel_json_object_end(w);
    c->lists_differ = c->lists_differ || x->kind == THING_LIST;
}

static bool has_list(const policy *p, const char *name) {
    for (size_t i = 0; i < p->list_count; i++) {
        if (strcmp(p->lists[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* All that it says, in one line. */
static void put_whole(comparing *c, const thing *x, bool added) {
    bool stays = x->kind == THING_LIST && has_list(added ? c->before : c->after, x->id);
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_puts(&text, "");
    for (size_t i = 0; i < x->count; i++) {
        const thing_part *p = &x->parts[i];
        bool bare = p->text[0] == 0;
        keel_buf_printf(&text, "%s%s%s%s",
                        i == 0 ? ""
                        : bare ? ", "
                               : "; ",
                        p->name, bare ? "" : ": ", p->text);
    }
    if (stays) { /* it was there, or still is, and no rule uses it */
        put(c, x, "changed", "used", added ? "by no rule" : text.data,
            added ? text.data : "by no rule");
    } else {
        put(c, x, added ? "added" : "removed", NULL, added ? NULL : text.data,
            added ? text.data : NULL);
    }
    keel_buf_free(&text);
}

static void put_parts(comparing *c, const thing *a, const thing *b) {
    bool any = false;
    for (size_t i = 0; i < a->count; i++) {
        const char *to = thing_get(b, a->parts[i].name);
        if (!to || strcmp(to, a->parts[i].text) != 0) {
            put(c, b, "changed", a->parts[i].name, a->parts[i].text, to);
            any = true;
        }
    }
    for (size_t i = 0; i < b->count; i++) {
        if (!thing_get(a, b->parts[i].name)) {
            put(c, b, "changed", b->parts[i].name, NULL, b->parts[i].text);
            any = true;
        }
    }
    /* An approval is bound to a rule's words, so this too is felt. */
    if (!any && !c->lists_differ && !digest_equal(&a->words, &b->words)) {
        put(c, b, "changed", "words", "the same in other words", "the same in other words");
    }
}

static int order(const thing *a, const thing *b) {
    if (!a || !b) {
        return a ? -1 : 1;
    }
    return a->kind != b->kind ? (int)a->kind - (int)b->kind : strcmp(a->id, b->id);
}

void policy_diff(const policy *before, const policy *after, keel_buf *out) {
    comparing c = {.before = before, .after = after};
    things a, b;
    things_read(before, &a);
    things_read(after, &b);
    keel_json_write(&c.w, out);
    keel_json_array(&c.w);
    for (size_t i = 0, k = 0; i < a.count || k < b.count;) {
        const thing *x = i < a.count ? &a.list[i] : NULL, *y = k < b.count ? &b.list[k] : NULL;
        int first = order(x, y);
        if (first < 0) {
            put_whole(&c, x, false);
        } else if (first > 0) {
            put_whole(&c, y, true);
        } else {
            put_parts(&c, x, y);
        }
        i += first <= 0;
        k += first >= 0;
    }
    keel_json_array_end(&c.w);
    things_free(&a);
    things_free(&b);
}
