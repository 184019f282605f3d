#include "backtest_tell.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backtest_json.h"
#include "text.h"

#define SHOWN 3  /* effects of a group */
#define NAMED 10 /* effects that cannot be decided again, of one reason */

static const char *const losses[] = {
    [LOSS_ERASED] = "what they said was erased",
    [LOSS_ARGS] = "what a rule looks at was not recorded",
    [LOSS_MANIFEST] = "the manifest that their connector had is not there",
    [LOSS_RUN] = "their run is not in the tables",
    [LOSS_PAST] = "a rule sums or counts what was erased since",
};

/* Effects that went from one rule to another in the same way. */
typedef struct group {
    backtest_change change;
    policy_verdict was;
    policy_decision now; /* its texts are those below */
    char *now_rule, *now_file;
    char *agent, *target, *was_rule, *was_file;
    int64_t was_line;
    int64_t count;
} group;

/* One to be listed: places in `texts`. */
typedef struct hit {
    size_t group;
    uint64_t run;
    size_t path, why;
} hit;

typedef struct missed {
    uint64_t run;
    backtest_loss why;
    size_t path;
} missed;

struct telling {
    cli *c;
    const policy *policy;
    bool all;
    group *groups;
    size_t group_count;
    hit *hits;
    size_t hit_count;
    missed *missed;
    size_t missed_count;
    keel_buf texts;
    backtest_sums sums;
};

/* ---- gathering ---- */

static size_t keep(telling *t, const char *text, size_t len) {
    size_t at = t->texts.len;
    keel_buf_append(&t->texts, text, len);
    keel_buf_putc(&t->texts, 0);
    return at;
}

static bool belongs(const group *g, const backtest_effect *e) {
    return g->change == e->change && g->was == e->was && strcmp(g->now_rule, e->now.rule_id) == 0 &&
           g->now.line == e->now.line && g->now.verdict == e->now.verdict &&
           g->was_line == e->was_line && strcmp(g->now_file, e->now.file) == 0 &&
           strcmp(g->target, e->query->target) == 0 && strcmp(g->agent, e->query->agent) == 0 &&
           strcmp(g->was_rule, e->was_rule) == 0 && strcmp(g->was_file, e->was_file) == 0;
}

static size_t group_of(telling *t, const backtest_effect *e) {
    for (size_t i = t->group_count; i-- > 0;) {
        if (belongs(&t->groups[i], e)) {
            return i;
        }
    }
    t->groups = keel_realloc(t->groups, (t->group_count + 1) * sizeof *t->groups);
    t->groups[t->group_count] = (group){e->change,
                                        e->was,
                                        e->now,
                                        keel_strdup(e->now.rule_id),
                                        keel_strdup(e->now.file),
                                        keel_strdup(e->query->agent),
                                        keel_strdup(e->query->target),
                                        keel_strdup(e->was_rule),
                                        keel_strdup(e->was_file),
                                        e->was_line,
                                        0};
    return t->group_count++;
}

static void changed(void *ctx, const backtest_effect *e) {
    telling *t = ctx;
    backtest_sums_add(&t->sums, e);
    keel_buf line = KEEL_BUF_INIT;
    if (t->c->json) {
        backtest_change_json(t->policy, e, &line);
        cli_out(&line);
        keel_buf_free(&line);
        return;
    }
    size_t g = group_of(t, e);
    if (t->groups[g].count++ < SHOWN || t->all) {
        backtest_why(t->policy, e, &line);
        t->hits = keel_realloc(t->hits, (t->hit_count + 1) * sizeof *t->hits);
        hit *h = &t->hits[t->hit_count++];
        h->group = g;
        h->run = e->run;
        h->path = keep(t, e->path, strlen(e->path));
        h->why = keep(t, line.data, line.len);
        keel_buf_free(&line);
    }
}

static void lost(void *ctx, uint64_t run, const char *path, const char *target, backtest_loss why) {
    telling *t = ctx;
    if (t->c->json) {
        keel_buf out = KEEL_BUF_INIT;
        backtest_loss_json(run, path, target, why, &out);
        cli_out(&out);
        keel_buf_free(&out);
        return;
    }
    t->missed = keel_realloc(t->missed, (t->missed_count + 1) * sizeof *t->missed);
    t->missed[t->missed_count++] = (missed){run, why, keep(t, path, strlen(path))};
}

telling *telling_create(cli *c, const policy *p, bool all) {
    telling *t = keel_alloc(sizeof *t);
    *t = (telling){.c = c, .policy = p, .all = all};
    return t;
}

void telling_destroy(telling *t) {
    for (size_t i = 0; i < t->group_count; i++) {
        free(t->groups[i].now_rule);
        free(t->groups[i].now_file);
        free(t->groups[i].agent);
        free(t->groups[i].target);
        free(t->groups[i].was_rule);
        free(t->groups[i].was_file);
    }
    free(t->groups);
    free(t->hits);
    free(t->missed);
    keel_buf_free(&t->texts);
    backtest_sums_free(&t->sums);
    free(t);
}

backtest_hooks telling_hooks(telling *t) {
    return (backtest_hooks){changed, lost, t};
}

int telling_look_up(telling *t, diag *d) {
    return backtest_sums_look_up(&t->sums, t->c, d);
}

/* ---- for people ---- */

static void put_rule(keel_buf *out, const char *rule, const char *file, int64_t line) {
    if (strcmp(rule, "none") == 0) {
        keel_buf_puts(out, "no rule speaks\n");
        return;
    }
    keel_buf_puts(out, "rule ");
    text_line(out, rule, strlen(rule));
    keel_buf_puts(out, file[0] ? ", " : ", built in");
    text_line(out, file, strlen(file));
    if (file[0]) {
        keel_buf_printf(out, ":%" PRId64, line);
    }
    keel_buf_putc(out, '\n');
}

static void put_verdict(const telling *t, keel_buf *out, const char *when, policy_verdict v) {
    char padded[16];
    snprintf(padded, sizeof padded, "%-6s", backtest_verdicts[v]);
    term_put(&t->c->out, out, TINT_DIM, when);
    term_put(&t->c->out, out,
             v == POLICY_DENY  ? TINT_BAD
             : v == POLICY_ASK ? TINT_WAIT
                               : TINT_GOOD,
             padded);
}

/* "rule r (policies/a.yaml:3) allows: REASONS" stands below its rule already. */
static const char *reasons(const char *sentence) {
    const char *place = strncmp(sentence, "rule ", 5) == 0 ? strstr(sentence, ") ") : NULL;
    const char *colon = place ? strstr(place, ": ") : NULL;
    return colon ? colon + 2 : sentence;
}

static void put_hits(const telling *t, size_t g, keel_buf *out) {
    int64_t listed = 0;
    for (size_t i = 0; i < t->hit_count; i++) {
        const hit *h = &t->hits[i];
        if (h->group == g) {
            char effect[64];
            const char *sentence = reasons(t->texts.data + h->why);
            snprintf(effect, sizeof effect, "%" PRIu64 ":%s", h->run, t->texts.data + h->path);
            keel_buf_printf(out, "    keel why %-8s  ", effect);
            text_line(out, sentence, strlen(sentence));
            keel_buf_putc(out, '\n');
            listed++;
        }
    }
    if (listed < t->groups[g].count) {
        keel_buf_puts(out, "    and ");
        text_count(out, t->groups[g].count - listed);
        keel_buf_puts(out, " more: --all lists them\n");
    }
}

static void put_group(const telling *t, size_t i, keel_buf *out) {
    const group *g = &t->groups[i];
    keel_buf name = KEEL_BUF_INIT;
    text_line(&name, g->target, strlen(g->target));
    keel_buf_puts(out, "\n  ");
    term_put(&t->c->out, out, TINT_BOLD, name.data);
    keel_buf_puts(out, " by ");
    text_line(out, g->agent, strlen(g->agent));
    keel_buf_puts(out, ": ");
    text_plural(out, g->count, "effect", "effects");
    keel_buf_putc(out, '\n');
    put_verdict(t, out, "    then  ", g->was);
    put_rule(out, g->was_rule, g->was_file, g->was_line);
    put_verdict(t, out, t->policy ? "    now   " : "    would ", g->now.verdict);
    put_rule(out, g->now_rule, g->now_file, g->now.line);
    put_hits(t, i, out);
    keel_buf_free(&name);
}

static void put_change(const telling *t, const backtest_report *r, backtest_change change,
                       keel_buf *out) {
    int64_t count = r->changed[change];
    keel_buf head = KEEL_BUF_INIT;
    keel_buf_printf(&head, "Newly %s: ", backtest_changes[change]);
    if (count) {
        text_plural(&head, count, "effect", "effects");
    } else {
        keel_buf_puts(&head, r->lost[LOSS_PAST] ? "none of what could be decided" : "none");
    }
    term_put(&t->c->out, out, change == BACKTEST_ALLOWED && count ? TINT_BAD : TINT_BOLD,
             head.data);
    keel_buf_putc(out, '\n');
    for (size_t i = 0; i < t->group_count; i++) {
        if (t->groups[i].change == change) {
            put_group(t, i, out);
        }
    }
    keel_buf_puts(out, count ? "\n" : "");
    keel_buf_free(&head);
}

static void put_missed(const telling *t, const backtest_report *r, keel_buf *out) {
    for (int k = 0; k < BACKTEST_LOSSES; k++) {
        int64_t named = 0;
        if (!r->lost[k]) {
            continue;
        }
        keel_buf_puts(out, "Not decided again: ");
        text_plural(out, r->lost[k], "effect", "effects");
        keel_buf_printf(out, ", %s: ", losses[k]);
        for (size_t i = 0; i < t->missed_count && (t->all || named < NAMED); i++) {
            const missed *m = &t->missed[i];
            if (m->why == (backtest_loss)k) {
                keel_buf_printf(out, "%s%" PRIu64 ":%s", named++ ? ", " : "", m->run,
                                t->texts.data + m->path);
            }
        }
        if (named < r->lost[k]) {
            keel_buf_puts(out, " and ");
            text_count(out, r->lost[k] - named);
            keel_buf_puts(out, " more");
        }
        keel_buf_putc(out, '\n');
    }
}

static void put_summary(const telling *t, const backtest_report *r, keel_buf *out) {
    int64_t all =
        r->changed[BACKTEST_ALLOWED] + r->changed[BACKTEST_DENIED] + r->changed[BACKTEST_ASKED];
    text_plural(out, r->decided, "effect", "effects");
    keel_buf_puts(out, t->policy ? " decided again, " : " of which rules in shadow spoke, ");
    text_count(out, all);
    keel_buf_puts(out, t->policy ? " changed: " : " would be another: ");
    text_count(out, r->changed[BACKTEST_ALLOWED]);
    keel_buf_puts(out, " newly allowed, ");
    text_count(out, r->changed[BACKTEST_DENIED]);
    keel_buf_puts(out, " newly denied, ");
    text_count(out, r->changed[BACKTEST_ASKED]);
    keel_buf_puts(out, " newly asked");
    if (r->other_rule) {
        keel_buf_puts(out, "; ");
        text_count(out, r->other_rule);
        keel_buf_puts(out, " the same by another rule");
    }
    keel_buf_puts(out, "\n");
}

void telling_end(telling *t, const backtest_report *r) {
    keel_buf out = KEEL_BUF_INIT;
    if (t->c->json) {
        backtest_summary_json(r, &t->sums, &out);
        cli_out(&out);
        keel_buf_free(&out);
        return;
    }
    for (backtest_change k = BACKTEST_ALLOWED; k < BACKTEST_CHANGES; k++) {
        put_change(t, r, k, &out);
    }
    keel_buf_putc(&out, '\n');
    put_missed(t, r, &out);
    put_summary(t, r, &out);
    backtest_sums_text(&t->sums, r, &out);
    cli_out(&out);
    keel_buf_free(&out);
}
