/* `retention`, `compact` and `snapshots`: how memory is kept. */
#include "keeping.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compileint.h"

#define HOUR (3600 * 1000000LL)
#define DAY  (24 * HOUR)
#define MOST 1000000000 /* items or tokens */

const char *const kept_names[] = {"working", "semantic", "cache", NULL};

static const char *text_of(const yaml_node *n) {
    return n && n->kind == YAML_SCALAR ? n->text : "";
}

static int word_of(const char *text, size_t len, const char *const *words) {
    for (int i = 0; words[i]; i++) {
        if (strlen(words[i]) == len && memcmp(words[i], text, len) == 0) {
            return i;
        }
    }
    return -1;
}

static int no_word(compiler *c, const yaml_node *n, const char *what, const char *const *words,
                   const char *help) {
    const char *near = did_you_mean(text_of(n), words);
    yaml_fault(c->tree, n, c->d, "\"%.40s\" %s", text_of(n), what);
    diag_next(c->d, near ? "Did you mean \"%s\"?" : "%s", near ? near : help);
    return DIAG_USAGE;
}

static int said_before(compiler *c, const yaml_node *n, const char *what, const char *file,
                       int line) {
    yaml_fault(c->tree, n, c->d, "%s is already said at %s:%d", what, file, line);
    diag_next(c->d, "Keep one of the two.");
    return DIAG_USAGE;
}

static int read_of(compiler *c, const yaml_node *entry, const char *help, kept_kind *out) {
    const yaml_node *n = yaml_get(entry, "of");
    if (!n) {
        return compile_fault(c, entry, "the entry does not say what it is about: of is missing",
                             help);
    }
    if (strcmp(text_of(n), "facts") == 0) {
        return compile_fault(c, n, "facts are kept for ever, in all their versions",
                             "Remove the entry; `keel erase` forgets what has to be forgotten.");
    }
    int i = word_of(text_of(n), n->len, kept_names);
    if (i < 0) {
        return no_word(c, n, "is no kind of memory", kept_names, help);
    }
    *out = (kept_kind)i;
    return 0;
}

/* ---- retention ---- */

static const char retention_help[] =
    "Write for example { of: working, ttl: 7d }; of is working, semantic or cache.";

static int read_retention(compiler *c, const yaml_node *n) {
    static const char *const known[] = {"of", "ttl", NULL};
    kept_kind of = KEPT_WORKING;
    int rc = compile_map(c, n, "an entry of retention");
    rc = rc ? rc : yaml_known_keys(c->tree, n, known, c->d);
    rc = rc ? rc : read_of(c, n, retention_help, &of);
    if (rc) {
        return rc;
    }
    const yaml_node *ttl = yaml_get(n, "ttl");
    retention_rule *r = &c->p->keeping.retention[of];
    if (!ttl) {
        return compile_fault(c, n, "for how long is not said: ttl is missing", retention_help);
    }
    if (r->ttl_us) {
        char what[48];
        snprintf(what, sizeof what, "how long %s is kept", kept_names[of]);
        return said_before(c, yaml_get(n, "of"), what, r->file, r->line);
    }
    int64_t us;
    if (!yaml_duration_us(ttl, &us) || us < HOUR || us > 3660 * DAY) {
        return compile_fault(c, ttl, "ttl is a time from 1h to 3660d", retention_help);
    }
    *r = (retention_rule){us, c->file, n->line, n->column};
    return 0;
}

/* ---- compact ---- */

static const char compact_help[] =
    "Write for example { of: working, when: \"items > 200\", by: librarian, tier: fast }.";

/* A fault within a text: the place is that of the part. */
static int when_fault(compiler *c, const yaml_node *n, size_t at, const char *what,
                      const char *next) {
    yaml_node part = *n;
    part.column += (int)at + n->quoted;
    return compile_fault(c, &part, what, next);
}

static const char *const units[] = {"items", "tokens", NULL};

static int read_unit(compiler *c, const yaml_node *n, size_t len, compact_unit *unit) {
    int i = word_of(n->text, len, units);
    if (i >= 0) {
        *unit = (compact_unit)i;
        return 0;
    }
    char word[24];
    snprintf(word, sizeof word, "%.*s", (int)(len < 20 ? len : 20), n->text);
    const char *near = did_you_mean(word, units);
    int rc = when_fault(c, n, 0, "what is counted is items or tokens", compact_help);
    if (near) {
        diag_next(c->d, "Did you mean \"%s\"?", near);
    }
    return rc;
}

/* "items > 200": one space between the parts, and nothing else. */
static int read_when(compiler *c, const yaml_node *n, compact_unit *unit, int64_t *from) {
    const char *text = text_of(n), *sign = text + strcspn(text, " ");
    int rc = n->kind == YAML_SCALAR && text[0]
                 ? read_unit(c, n, (size_t)(sign - text), unit)
                 : compile_fault(c, n, "when is a text", compact_help);
    if (rc) {
        return rc;
    }
    sign += *sign == ' ';
    bool above = strncmp(sign, "> ", 2) == 0;
    if (!above && strncmp(sign, ">= ", 3) != 0) {
        return when_fault(c, n, (size_t)(sign - text),
                          "behind what is counted stands > or >=", compact_help);
    }
    const char *number = sign + (above ? 2 : 3);
    size_t digits = strspn(number, "0123456789");
    *from = digits && digits < 11 && number[0] != '0' ? strtoll(number, NULL, 10) : 0;
    if (*from < 1 || *from > MOST) {
        return when_fault(c, n, (size_t)(number - text), "this is no number from 1 to 1000000000",
                          compact_help);
    }
    if (number[digits]) {
        return when_fault(c, n, (size_t)(number - text) + digits,
                          "nothing may stand behind the number",
                          "Write one entry for items and another for tokens, if both count.");
    }
    *from += above;
    return 0;
}

static int read_by(compiler *c, const yaml_node *entry, policy_compaction *r) {
    const yaml_node *n = yaml_get(entry, "by");
    if (!n) {
        return compile_fault(c, entry, "who does it is not said: by is missing", compact_help);
    }
    int rc = compile_text(c, n, "by", &r->by);
    return rc ? rc : check_agent_named(c, "compact", n, r->by);
}

static int read_what(compiler *c, const yaml_node *n, kept_kind *of, compact_unit *unit,
                     policy_compaction *r) {
    const yaml_node *when = yaml_get(n, "when"), *tier = yaml_get(n, "tier");
    int rc = read_of(c, n, compact_help, of);
    if (rc == 0 && *of == KEPT_CACHE) {
        rc = compile_fault(c, yaml_get(n, "of"), "a cache is not condensed",
                           "`retention` says how long it is kept; write working or semantic.");
    }
    if (rc == 0 && !when) {
        rc = compile_fault(c, n, "when is not said: when is missing", compact_help);
    }
    rc = rc ? rc : read_when(c, when, unit, &r->from);
    rc = rc ? rc : read_by(c, n, r);
    return rc || !tier ? rc : compile_tier_named(c, tier, &r->tier);
}

static int read_compact(compiler *c, const yaml_node *n) {
    static const char *const known[] = {"of", "when", "by", "tier", NULL};
    policy_compaction r = {.said = true, .file = c->file, .line = n->line, .column = n->column};
    kept_kind of = KEPT_WORKING;
    compact_unit unit = COMPACT_ITEMS;
    int rc = compile_map(c, n, "an entry of compact");
    rc = rc ? rc : yaml_known_keys(c->tree, n, known, c->d);
    rc = rc ? rc : read_what(c, n, &of, &unit, &r);
    if (rc) {
        return rc;
    }
    policy_compaction *to = &c->p->keeping.compact[of][unit];
    if (to->said) {
        char what[80];
        snprintf(what, sizeof what, "at how many %s %s is condensed", units[unit], kept_names[of]);
        return said_before(c, yaml_get(n, "when"), what, to->file, to->line);
    }
    *to = r;
    return 0;
}

/* ---- snapshots ---- */

static const char snapshots_help[] = "Write for example { every: day, keep: 30 }.";

static int read_snapshots(compiler *c, const yaml_node *n) {
    static const char *const known[] = {"every", "keep", NULL};
    static const char *const words[] = {"hour", "day", "week", NULL};
    snapshot_rule *r = &c->p->keeping.snapshots;
    int rc = compile_map(c, n, "snapshots");
    rc = rc ? rc : yaml_known_keys(c->tree, n, known, c->d);
    if (rc) {
        return rc;
    }
    const yaml_node *every = yaml_get(n, "every"), *keep = yaml_get(n, "keep");
    if (!every || !keep) {
        return compile_fault(c, n,
                             every ? "how many are kept is not said: keep is missing"
                                   : "how often is not said: every is missing",
                             snapshots_help);
    }
    if (r->file) {
        return said_before(c, n, "how often a snapshot is made", r->file, r->line);
    }
    int i = word_of(text_of(every), every->len, words);
    if (i < 0) {
        return no_word(c, every, "is none of hour, day and week", words, snapshots_help);
    }
    int64_t most;
    if (!yaml_int(keep, &most) || most < 1 || most > 1000) {
        return compile_fault(c, keep, "keep is a number from 1 to 1000", snapshots_help);
    }
    *r = (snapshot_rule){{(snapshot_every)(i + 1), (int)most}, c->file, n->line, n->column};
    return 0;
}

static int read_each(compiler *c, const yaml_node *root, const char *key,
                     int (*read)(compiler *c, const yaml_node *n)) {
    const yaml_node *list = yaml_get(root, key);
    int rc = list ? compile_list(c, list, key) : 0;
    for (size_t i = 0; rc == 0 && list && i < list->count; i++) {
        rc = compile_go_on(c, read(c, list->items[i]));
    }
    return compile_go_on(c, rc);
}

int compile_keeping(compiler *c, const yaml_node *root) {
    const yaml_node *snapshots = yaml_get(root, "snapshots");
    int rc = read_each(c, root, "retention", read_retention);
    rc = rc ? rc : read_each(c, root, "compact", read_compact);
    return rc || !snapshots ? rc : compile_go_on(c, read_snapshots(c, snapshots));
}

/* ---- what this version does not use ---- */

static void warn_unused(compiler *c, const char *key, const char *file, int line, int column) {
    char text[128];
    snprintf(text, sizeof text, "%s: nothing in this version uses it yet", key);
    compile_warn(c, file, line, column, text,
                 "It is read and checked, and takes force with the version that has memory.");
}

void check_keeping_used(compiler *c) {
    const policy *p = c->p;
    bool once = false;
    for (size_t i = 0; i < KEPT_KINDS; i++) {
        const retention_rule *r = &p->keeping.retention[i];
        if (r->file && !once) {
            warn_unused(c, "retention", r->file, r->line, r->column);
            once = true;
        }
    }
    once = false;
    for (size_t i = 0; i < (size_t)KEPT_KINDS * COMPACT_UNITS; i++) {
        const policy_compaction *r = &p->keeping.compact[i / COMPACT_UNITS][i % COMPACT_UNITS];
        if (r->said && !once) {
            warn_unused(c, "compact", r->file, r->line, r->column);
            once = true;
        }
    }
    if (p->keeping.snapshots.file) {
        const snapshot_rule *s = &p->keeping.snapshots;
        warn_unused(c, "snapshots", s->file, s->line, s->column);
    }
}

/* ---- what they say ---- */

int64_t policy_retention(const policy *p, kept_kind of) {
    return p->keeping.retention[of].ttl_us;
}

const policy_compaction *policy_compact(const policy *p, kept_kind of, compact_unit unit) {
    const policy_compaction *r = &p->keeping.compact[of][unit];
    return r->said ? r : NULL;
}

policy_snapshotting policy_snapshots(const policy *p) {
    return p->keeping.snapshots.says;
}
