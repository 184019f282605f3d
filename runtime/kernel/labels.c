/* Labels: what a run has read, and the members of records that say so. A record tells what it adds to
 * the run's label; the label itself follows from all of them (the table `run`). */
#include <string.h>

#include "parts.h"
#include "yamltree.h"

static bool read_level(keel_json v, sensitivity *out) {
    return keel_json_typeof(v) == KEEL_JSON_STRING && sensitivity_named(v.data + 1, v.len - 2, out);
}

static bool says_nothing(keel_json what) {
    keel_json_type type = keel_json_typeof(what);
    return type == KEEL_JSON_NONE || type == KEEL_JSON_NULL ||
           (type == KEEL_JSON_OBJECT && keel_json_count(what) == 0);
}

int label_given(keel_json args, keel_json what, item_label *out, diag *d) {
    keel_json level = keel_json_get(args, "sensitivity");
    *out = (item_label){keel_json_true(keel_json_get(args, "untrusted")),
                        says_nothing(what) ? SENSITIVITY_PUBLIC : SENSITIVITY_DEFAULT};
    if (level.len && !read_level(level, &out->level)) {
        char word[40] = "";
        keel_json_copy(level, word, sizeof word);
        const char *near = did_you_mean(word, sensitivity_names);
        diag_set(d, DIAG_USAGE, "there is no sensitivity \"%s\"", word);
        return near ? diag_next(d, "did you mean %s?", near)
                    : diag_next(d, "it is public, internal, confidential or restricted");
    }
    return 0;
}

/* Where its connection is gone: a person's word, or the worst. */
item_label label_of_verb(const call *c, const char *by) {
    if (!c->verb || !c->connection) {
        bool person = by && strcmp(by, "operator") == 0;
        return person ? (item_label){false, SENSITIVITY_DEFAULT}
                      : (item_label){true, SENSITIVITY_RESTRICTED};
    }
    return label_join((item_label){c->verb->untrusted, c->verb->level},
                      (item_label){false, c->connection->level});
}

item_label label_of_record(keel_json body) {
    item_label l = {keel_json_true(keel_json_get(body, "tainted")), SENSITIVITY_DEFAULT};
    read_level(keel_json_get(body, "sensitivity"), &l.level);
    return l;
}

item_label label_of_columns(const char *tainted, const char *level) {
    item_label l = {tainted && tainted[0] == '1', SENSITIVITY_DEFAULT};
    if (level) {
        sensitivity_named(level, strlen(level), &l.level);
    }
    return l;
}

label_told run_reads(run *r, item_label of) {
    label_told t = {of.level > r->label.level, of};
    r->label = label_join(r->label, of);
    return t;
}

void label_put_level(const label_told *t, keel_json_writer *w) {
    if (t->raised) {
        keel_json_set_text(w, "sensitivity", sensitivity_name(t->of.level));
    }
}

void label_put_taint(const label_told *t, keel_json_writer *w) {
    if (t->of.untrusted) {
        keel_json_set_bool(w, "tainted", true);
    }
}

bool plugin_takes(const plugin *p, item_label of) {
    return !p->manifest->bounded || label_within(of, p->manifest->max_taint);
}

void plugin_refuses(const plugin *p, const char *what, item_label of, char *why, size_t size) {
    snprintf(why, size, "%s is %s, and %s reads at most what is %s: max_taint in its manifest",
             what, label_words(of), p->manifest->name, label_words(p->manifest->max_taint));
}
