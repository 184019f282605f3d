#include "backtest_sums.h"

#include <stdlib.h>
#include <string.h>

#include "effectset.h"
#include "text.h"

/* What the tables are asked for of an effect: the place of a mark in `looks`. */
enum { LOOK_WAITED = 1, LOOK_COST = 2 };
static char looks[4];

static void add_money(money_sums *s, const char *currency, int64_t micros) {
    size_t i = 0;
    while (i < s->count && strcmp(s->list[i].currency, currency) != 0) {
        i++;
    }
    if (i == SUMS_CURRENCIES || strlen(currency) > 3 ||
        (i < s->count && __builtin_add_overflow(s->list[i].micros, micros, &micros))) {
        s->more = true;
        return;
    }
    if (i == s->count) {
        s->count++;
        memcpy(s->list[i].currency, currency, strlen(currency) + 1);
    }
    s->list[i].micros = micros;
}

void backtest_sums_add(backtest_sums *s, const backtest_effect *e) {
    bool spared = e->was == POLICY_ASK;
    int look = (spared ? LOOK_WAITED : 0) | (e->change == BACKTEST_DENIED ? LOOK_COST : 0);
    if (e->micros) {
        add_money(&s->moved[e->change], e->currency, e->micros);
    }
    if (look) {
        map_put(&s->effects, effectset_hash(e->run, e->path, (keel_json){NULL, 0}), &looks[look]);
    }
}

static int take(void *ctx, int columns, const char *const *v, const char *const *names) {
    backtest_sums *s = ctx;
    (void)columns;
    (void)names;
    uint64_t run = strtoull(v[0], NULL, 10);
    uint64_t hash = effectset_hash(run, v[1], (keel_json){NULL, 0});
    const char *mark = map_get(&s->effects, hash);
    int look = mark ? (int)(mark - looks) : 0;
    int64_t cost = strtoll(v[2], NULL, 10);
    if ((look & LOOK_COST) && cost > 0 && v[3]) {
        add_money(&s->costs, v[3], cost);
    }
    if (look & LOOK_COST) {
        s->tokens += strtoll(v[5], NULL, 10);
    }
    if ((look & LOOK_WAITED) && v[4]) {
        int64_t waited = strtoll(v[4], NULL, 10);
        s->waited_us += waited > 0 ? waited : 0;
    }
    return 0;
}

int backtest_sums_look_up(backtest_sums *s, cli *c, diag *d) {
    if (!s->effects.count) {
        return 0;
    }
    return reader_query(
        c->db,
        "SELECT e.run, e.path, e.cost_micros, e.currency, i.closed_us - i.opened_us,"
        " e.tokens_in + e.tokens_out + e.tokens_cache_read + e.tokens_cache_write"
        " FROM effect e LEFT JOIN item i ON i.number = e.number AND i.kind ="
        " 'approval' WHERE e.cost_micros > 0 OR e.model IS NOT NULL OR i.closed_us IS"
        " NOT NULL",
        NULL, 0, take, s, d);
}

/* ---- telling ---- */

static void put_money(const money_sums *s, keel_buf *out) {
    for (size_t i = 0; i < s->count; i++) {
        keel_buf_puts(out, i ? " and " : "");
        text_money(out, s->list[i].micros, s->list[i].currency);
    }
    keel_buf_puts(out, s->more ? " and more that is not added up" : "");
}

void backtest_sums_text(const backtest_sums *s, const backtest_report *r, keel_buf *out) {
    static const char *const what[] = {"in what is newly allowed", "in what is newly denied",
                                       "in what is newly asked"};
    keel_buf_puts(out, "interruptions: ");
    text_count(out, r->asked_then);
    keel_buf_puts(out, " then, ");
    text_count(out, r->asked_now);
    keel_buf_puts(out, " now");
    if (s->waited_us) {
        keel_buf_puts(out, "; what would not be asked any more waited ");
        text_span(out, s->waited_us);
        keel_buf_puts(out, " in all");
    }
    keel_buf_putc(out, '\n');
    for (int k = 0; k < BACKTEST_CHANGES; k++) {
        if (s->moved[k].count) {
            keel_buf_puts(out, "money: ");
            put_money(&s->moved[k], out);
            keel_buf_printf(out, " %s\n", what[k]);
        }
    }
    if (s->costs.count) {
        keel_buf_puts(out, "costs: ");
        put_money(&s->costs, out);
        keel_buf_puts(out, " less, paid for what is newly denied\n");
    }
    if (s->tokens) {
        keel_buf_puts(out, "tokens: ");
        text_count(out, s->tokens);
        keel_buf_puts(out, " less, used by what is newly denied\n");
    }
}

static void money_json(const money_sums *s, keel_json_writer *w) {
    keel_json_array(w);
    for (size_t i = 0; i < s->count; i++) {
        keel_buf text = KEEL_BUF_INIT;
        text_money(&text, s->list[i].micros, s->list[i].currency);
        keel_json_text(w, text.data);
        keel_buf_free(&text);
    }
    keel_json_array_end(w);
}

void backtest_sums_costs(const backtest_sums *s, keel_json_writer *w) {
    money_json(&s->costs, w);
}

void backtest_sums_amounts(const backtest_sums *s, keel_json_writer *w) {
    static const struct {
        const char *name;
        backtest_change of;
    } members[] = {
        {"allowed", BACKTEST_ALLOWED}, {"asked", BACKTEST_ASKED}, {"denied", BACKTEST_DENIED}};
    keel_json_object(w);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        keel_json_key(w, members[i].name);
        money_json(&s->moved[members[i].of], w);
    }
    keel_json_object_end(w);
}

void backtest_sums_free(backtest_sums *s) {
    map_free(&s->effects);
}
