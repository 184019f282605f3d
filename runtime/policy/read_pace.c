/* `rates` and `quiet`: how often, and when, something may go. */
#include <stdio.h>
#include <string.h>

#include "compileint.h"

#define SECOND 1000000LL
#define DAY    (86400 * SECOND)
#define MOST   10000 /* of a limit */

/* ---- what both are about ---- */

static int read_agents(compiler *c, const yaml_node *entry, const char ***out, size_t *count) {
    const yaml_node *n = yaml_get(entry, "agents");
    return n ? compile_words(c, n, "agents", out, count) : 0;
}

static int check_entry(compiler *c, const char *what, const yaml_node *n, const char *const *on,
                       size_t on_count, const char *const *agents, size_t agent_count) {
    named_things named = {on, on_count, agents, agent_count};
    return check_names(c, what, n, &named);
}

/* ---- rates ---- */

static const char rate_help[] =
    "Write for example { on: inbox.message.write, each: to_domain, limit: 20, per: 1h, burst: 5 }: "
    "at "
    "most 20 in any hour to one domain, and at most 5 in any quarter of one.";

static int read_number(compiler *c, const yaml_node *n, const char *key, int64_t most,
                       uint32_t *out) {
    int64_t v;
    if (!yaml_int(n, &v) || v < 1 || v > most) {
        yaml_fault(c->tree, n, c->d, "%s is a number from 1 to %lld", key, (long long)most);
        diag_next(c->d, "%s", rate_help);
        return DIAG_USAGE;
    }
    *out = (uint32_t)v;
    return 0;
}

static int read_each(compiler *c, const yaml_node *entry, rate_rule *r) {
    const yaml_node *n = yaml_get(entry, "each");
    if (!n) {
        return 0;
    }
    if (n->kind == YAML_SCALAR && strcmp(n->text, "agent") == 0) {
        r->each = EACH_AGENT;
        return 0;
    }
    r->each = EACH_ATTR;
    return compile_member(c, n, "each", &r->each_attr);
}

static int read_per(compiler *c, const yaml_node *n, rate_rule *r) {
    if (!yaml_duration_us(n, &r->per_us) || r->per_us < SECOND || r->per_us > 366 * DAY) {
        return compile_fault(c, n, "per is a time from 1s to 366d", rate_help);
    }
    return 0;
}

/* As much of the time as the burst is of the limit, rounded up: the pace is never faster. */
static int read_burst(compiler *c, const yaml_node *n, rate_rule *r) {
    r->burst = r->limit;
    int rc = n ? read_number(c, n, "burst", MOST, &r->burst) : 0;
    if (rc == 0 && r->burst > r->limit) {
        rc = compile_fault(
            c, n, "more may go at once than in all of the time: burst is above limit", rate_help);
    }
    int64_t whole = r->per_us / r->limit, rest = r->per_us % r->limit;
    r->burst_us = whole * r->burst + (rest * r->burst + r->limit - 1) / r->limit;
    return rc;
}

static int read_rate(compiler *c, const yaml_node *n, rate_rule *r) {
    const yaml_node *limit = yaml_get(n, "limit"), *per = yaml_get(n, "per");
    if (!limit || !per) {
        return compile_fault(c, n,
                             limit ? "over what time is not said: per is missing"
                                   : "how many may go is not said: limit is missing",
                             rate_help);
    }
    int rc = compile_on(c, n, "the entry does not say what is held to a pace: on is missing",
                        &r->on, &r->on_count);
    rc = rc ? rc
            : compile_sent(c, n, r->on, r->on_count,
                           "run.spawn is held to no pace: a `count` in a rule limits it");
    rc = rc ? rc : read_agents(c, n, &r->agents, &r->agent_count);
    rc = rc ? rc : check_entry(c, "rates", n, r->on, r->on_count, r->agents, r->agent_count);
    rc = rc ? rc : read_each(c, n, r);
    rc = rc ? rc : read_number(c, limit, "limit", MOST, &r->limit);
    rc = rc ? rc : read_per(c, per, r);
    return rc ? rc : read_burst(c, yaml_get(n, "burst"), r);
}

int compile_rate(compiler *c, const yaml_node *n) {
    static const char *const known[] = {"on", "agents", "each", "limit", "per", "burst", NULL};
    rate_rule r = {.file = c->file, .line = n->line, .column = n->column};
    int rc = compile_map(c, n, "an entry of rates");
    rc = rc ? rc : yaml_known_keys(c->tree, n, known, c->d);
    rc = rc ? rc : read_rate(c, n, &r);
    policy *p = c->p;
    if (rc == 0) {
        if (p->rate_count == c->rate_cap) {
            c->rate_cap = c->rate_cap ? c->rate_cap * 2 : 8;
            p->rates = keel_realloc(p->rates, c->rate_cap * sizeof *p->rates);
        }
        p->rates[p->rate_count++] = r;
    }
    return rc;
}

/* ---- quiet ---- */

static const char quiet_help[] = "Write for example { on: \"*.*.write\", sink: external, hours: "
                                 "\"20:00-08:00\", tz: Europe/Madrid }: "
                                 "what would go then waits until 08:00.";

/* "HH:MM" up to 24:00, or -1. */
static int32_t time_of_day(const char *text) {
    static const char form[] = "dd:dd";
    for (size_t i = 0; i < 5; i++) {
        if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != ':') {
            return -1;
        }
    }
    int32_t hours = (text[0] - '0') * 10 + text[1] - '0';
    int32_t minutes = (text[3] - '0') * 10 + text[4] - '0';
    return hours > 24 || minutes > 59 || (hours == 24 && minutes) ? -1
                                                                  : hours * 3600 + minutes * 60;
}

static int read_hours(compiler *c, const yaml_node *n, quiet_rule *r) {
    r->hours = "";
    r->until_s = 86400;
    if (!n) {
        return 0;
    }
    const char *text = n->kind == YAML_SCALAR ? n->text : "";
    bool whole = strlen(text) == 11 && text[5] == '-';
    r->from_s = whole ? time_of_day(text) : -1;
    r->until_s = whole ? time_of_day(text + 6) : -1;
    if (r->from_s < 0 || r->until_s < 0 || r->from_s == 86400) {
        return compile_fault(c, n, "hours are two times of the day, from 00:00 to 24:00",
                             "Write for example `hours: \"20:00-08:00\"`, in quotes.");
    }
    if (r->from_s == r->until_s || (r->from_s == 0 && r->until_s == 86400)) {
        return compile_fault(c, n, "these hours are a whole day",
                             "Leave hours out, and name days: `days: [sat, sun]`.");
    }
    r->hours = policy_copy(c->p, text, 11);
    return 0;
}

static int read_days(compiler *c, const yaml_node *n, quiet_rule *r) {
    static const char *const names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};
    const char **words = NULL;
    size_t count = 0;
    r->days = n ? 0 : 0x7f;
    int rc = n ? compile_words(c, n, "days", &words, &count) : 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        size_t day = 0;
        while (names[day] && strcmp(names[day], words[i]) != 0) {
            day++;
        }
        if (!names[day]) {
            const char *near = did_you_mean(words[i], names);
            yaml_fault(c->tree, compile_words_at(n, i), c->d, "\"%.40s\" is no day", words[i]);
            diag_next(c->d,
                      near ? "Did you mean \"%s\"?" : "Write mon, tue, wed, thu, fri, sat, sun.",
                      near);
            return DIAG_USAGE;
        }
        r->days |= (uint8_t)(1u << day);
    }
    return rc;
}

static int read_sink(compiler *c, const yaml_node *n, quiet_rule *r) {
    const char *text = n && n->kind == YAML_SCALAR ? n->text : "";
    if (n && strcmp(text, "external") != 0 && strcmp(text, "internal") != 0) {
        return compile_fault(c, n, "sink is external or internal", quiet_help);
    }
    r->sink = !n ? SINK_ANY : text[0] == 'e' ? SINK_EXTERNAL : SINK_INTERNAL;
    return 0;
}

static int read_approvals(compiler *c, const yaml_node *n, quiet_rule *r) {
    r->approvals = n != NULL;
    if (n && (n->kind != YAML_SCALAR || strcmp(n->text, "pause") != 0)) {
        return compile_fault(c, n, "approvals is pause: their time stands still in these hours",
                             "Write for example { approvals: pause, hours: \"20:00-08:00\" }.");
    }
    return 0;
}

static int read_about(compiler *c, const yaml_node *n, quiet_rule *r) {
    int rc = 0;
    if (yaml_get(n, "on") || !r->approvals) {
        rc = compile_on(c, n, "the entry does not say what waits: on is missing", &r->on,
                        &r->on_count);
    }
    if (rc == 0 && !r->approvals) {
        rc = compile_sent(c, n, r->on, r->on_count,
                          "run.spawn waits for no hour: what the run sends does");
    }
    rc = rc ? rc : read_agents(c, n, &r->agents, &r->agent_count);
    return rc ? rc : check_entry(c, "quiet", n, r->on, r->on_count, r->agents, r->agent_count);
}

static int read_quiet(compiler *c, const yaml_node *n, quiet_rule *r) {
    const yaml_node *tz = yaml_get(n, "tz");
    int rc = read_approvals(c, yaml_get(n, "approvals"), r);
    rc = rc ? rc : read_about(c, n, r);
    rc = rc ? rc : read_sink(c, yaml_get(n, "sink"), r);
    rc = rc ? rc : read_hours(c, yaml_get(n, "hours"), r);
    rc = rc ? rc : read_days(c, yaml_get(n, "days"), r);
    if (rc == 0 && !r->hours[0] && r->days == 0x7f) {
        rc = compile_fault(
            c, n, "the entry is about all of the time: it names no hours and no days", quiet_help);
    }
    r->tz = "";
    rc = rc || !tz ? rc : compile_zone(c, tz, &r->zone);
    if (rc == 0 && tz) {
        r->tz = policy_copy(c->p, tz->text, tz->len);
    }
    return rc;
}

int compile_quiet(compiler *c, const yaml_node *n) {
    static const char *const known[] = {"on",   "agents", "sink",      "hours",
                                        "days", "tz",     "approvals", NULL};
    quiet_rule r = {.file = c->file, .line = n->line, .column = n->column};
    int rc = compile_map(c, n, "an entry of quiet");
    rc = rc ? rc : yaml_known_keys(c->tree, n, known, c->d);
    rc = rc ? rc : read_quiet(c, n, &r);
    policy *p = c->p;
    if (rc == 0) {
        if (p->quiet_count == c->quiet_cap) {
            c->quiet_cap = c->quiet_cap ? c->quiet_cap * 2 : 8;
            p->quiet = keel_realloc(p->quiet, c->quiet_cap * sizeof *p->quiet);
        }
        p->quiet[p->quiet_count++] = r;
    }
    return rc;
}

/* ---- what never matters ---- */

static void check_on_reach(compiler *c, const speaker *s, const char *const *on, size_t count,
                           const target_list *targets) {
    for (size_t k = 0; k < count; k++) {
        if (!reaches_any(on[k], targets)) {
            check_unmatched(c, s, on[k]);
        }
    }
}

/* As of rules: an attribute that no manifest declares and that looks like one. */
static void check_each(compiler *c, const speaker *s, const rate_rule *r) {
    const char *name = c->p->attrs[r->each_attr].name;
    const char *near = r->each == EACH_ATTR ? near_attribute(c, r->each_attr) : NULL;
    if (near) {
        char text[256], next[128];
        snprintf(text, sizeof text,
                 "rates: no manifest declares the attribute %s; the field of that name is read",
                 name);
        snprintf(next, sizeof next, "Did you mean \"%.60s\"?", near);
        compile_warn(c, s->file, s->line, s->column, text, next);
    }
}

void check_pace_reach(compiler *c, const target_list *targets) {
    const policy *p = c->p;
    for (size_t i = 0; c->warn && c->world && i < p->rate_count; i++) {
        const rate_rule *r = &p->rates[i];
        speaker s = {"rates", r->file, r->line, r->column};
        check_on_reach(c, &s, r->on, r->on_count, targets);
        check_each(c, &s, r);
    }
    for (size_t i = 0; c->warn && c->world && i < p->quiet_count; i++) {
        const quiet_rule *r = &p->quiet[i];
        speaker s = {"quiet", r->file, r->line, r->column};
        check_on_reach(c, &s, r->on, r->on_count, targets);
    }
}
