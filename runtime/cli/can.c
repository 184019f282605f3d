/* keel can: what an agent may do, and what asks. */
#include <string.h>

#include "commands.h"
#include "survey.h"
#include "yamltree.h"

static int no_agent(const survey *w, const char *name, diag *d) {
    const char *names[256];
    size_t count = 0;
    for (; count < w->view.agent_count && count < 255; count++) {
        names[count] = w->view.agents[count];
    }
    names[count] = NULL;
    const char *near = did_you_mean(name, names);
    diag_set(d, DIAG_NOT_FOUND, "There is no agent %s in this workspace.", name);
    if (near) {
        return diag_next(d, "Did you mean %s?", near);
    }
    return diag_next(d, "See `keel agent list`.");
}

static void put(char *to, size_t size, keel_json line, const char *key) {
    keel_json v = keel_json_get(line, key);
    to[0] = 0;
    if (keel_json_typeof(v) == KEEL_JSON_STRING) {
        keel_json_copy(v, to, size);
    } else if (v.data && v.len < size) {
        memcpy(to, v.data, v.len);
        to[v.len] = 0;
    }
}

static void join_budgets(keel_json list, keel_buf *out) {
    keel_buf_puts(out, "");
    for (keel_json_iter it = keel_json_each(list); keel_json_next(&it);) {
        keel_buf_puts(out, out->len ? ", " : "");
        if (!keel_json_string(it.value, out)) {
            keel_buf_append(out, it.value.data, it.value.len);
        }
    }
}

static void add_line(table *t, keel_json line) {
    char verdict[16], target[160], when[512], rule[128], file[256], number[24], place[300];
    keel_buf budgets = KEEL_BUF_INIT, json = KEEL_BUF_INIT;
    put(verdict, sizeof verdict, line, "verdict");
    put(target, sizeof target, line, "target");
    put(when, sizeof when, line, "when");
    put(rule, sizeof rule, line, "rule");
    put(file, sizeof file, line, "file");
    put(number, sizeof number, line, "line");
    snprintf(place, sizeof place, "%s%s%s", file, file[0] ? ":" : "", file[0] ? number : "");
    join_budgets(keel_json_get(line, "budgets"), &budgets);
    keel_json list = keel_json_get(line, "budgets");
    keel_buf_append(&json, list.data, list.len);
    const char *row[] = {verdict,
                         target,
                         rule,
                         place,
                         budgets.data,
                         when,
                         file[0] ? file : NULL,
                         number[0] ? number : NULL,
                         json.len ? json.data : NULL};
    table_row(t, row);
    keel_buf_free(&budgets);
    keel_buf_free(&json);
}

static void print_lines(cli *c, const keel_buf *lines) {
    static const column columns[] = {
        {"", "verdict", COLUMN_STATE},  {"TARGET", "target", COLUMN_TEXT},
        {"RULE", "rule", COLUMN_TEXT},  {"WHERE", NULL, COLUMN_TEXT},
        {"BUDGETS", NULL, COLUMN_TEXT}, {"WHEN", "when", COLUMN_TEXT},
        {NULL, "file", COLUMN_TEXT},    {NULL, "line", COLUMN_INT},
        {NULL, "budgets", COLUMN_JSON},
    };
    table *t = table_create(columns, sizeof columns / sizeof *columns);
    for (keel_json_iter it = keel_json_each(keel_json_view(lines->data, lines->len));
         keel_json_next(&it);) {
        add_line(t, it.value);
    }
    cli_table(c, t, "It may do nothing beyond its own computing.");
    table_destroy(t);
}

static int can_run(cli *c, const options *o, diag *d) {
    survey *w = NULL;
    int rc = survey_load(c, &w, NULL, NULL, d);
    rc = rc ? rc : survey_compile(c, w, NULL, NULL, d);
    if (rc == 0 && !survey_agent(w, o->args[0])) {
        rc = no_agent(w, o->args[0], d);
    }
    if (rc == 0) {
        keel_buf lines = KEEL_BUF_INIT;
        policy_can(w->policy, &w->view, o->args[0], &lines);
        print_lines(c, &lines);
        keel_buf_free(&lines);
    }
    survey_free(w);
    return rc;
}

const command can_command = {
    .name = "can",
    .words = "AGENT",
    .summary = "what an agent may do and spend, and what asks you first",
    .more = "Reads the policy as it stands in policies/, which is what `keel policy reload` would "
            "load.",
    .examples = "keel can triage\nkeel can correspondent --json",
    .least = 1,
    .most = 1,
    .run = can_run,
};
