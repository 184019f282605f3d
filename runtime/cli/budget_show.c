#include "budget_show.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "text.h"

#define DAY_US 86400000000LL

/* ---- the forecast ---- */

budget_forecast budget_pace(const budget_row *r, int64_t now_us) {
    budget_forecast f = {false, 0, 0};
    int64_t length = r->ends_us - r->from_us, gone = now_us - r->from_us;
    if (r->from_us < 0 || r->limit <= 0 || gone < length / 20 || gone <= 0) {
        return f;
    }
    double pace = (double)r->spent / (double)gone; /* per microsecond */
    double end = (double)r->held + pace * (double)(gone < length ? length : gone);
    f.known = true;
    f.percent = (int64_t)(end * 100 / (double)r->limit);
    if (end >= (double)r->limit && r->spent + r->held < r->limit && pace > 0) {
        f.reached_us = r->from_us + (int64_t)((double)(r->limit - r->held) / pace);
    }
    return f;
}

/* "Thursday 14:00" within a week, else the day. */
static void put_when(keel_buf *out, int64_t us, int64_t now_us) {
    char text[48];
    time_t at = (time_t)(us / 1000000);
    struct tm tm = {0};
    localtime_r(&at, &tm);
    strftime(text, sizeof text, us - now_us < 6 * DAY_US ? "%A %H:%M" : "%Y-%m-%d", &tm);
    keel_buf_puts(out, text);
}

/* ---- pieces ---- */

void budget_put(keel_buf *out, int64_t n, const char *unit, bool with_unit) {
    if (strcmp(unit, "seconds") == 0) {
        int64_t tenths = (n + 5) / 6; /* of a minute */
        text_count(out, tenths / 10);
        if (tenths % 10) {
            keel_buf_printf(out, ".%" PRId64, tenths % 10);
        }
        keel_buf_puts(out, !with_unit ? "" : tenths == 10 ? " minute" : " minutes");
    } else if (strcmp(unit, "calls") == 0 || strcmp(unit, "tokens") == 0 ||
               strcmp(unit, "interruptions") == 0) {
        char one[16];
        snprintf(one, sizeof one, "%.*s", (int)strlen(unit) - 1, unit);
        if (with_unit) {
            text_plural(out, n, one, unit);
        } else {
            text_count(out, n);
        }
    } else {
        text_money(out, n, with_unit ? unit : NULL);
    }
}

static int64_t percent_of(const budget_row *r) {
    int64_t sum = r->spent + r->held;
    return r->limit > 0 ? (int64_t)((double)sum * 100 / (double)r->limit) : sum > 0 ? 100 : 0;
}

static bool is_full(const budget_row *r) {
    return r->spent + r->held >= r->limit && (r->limit > 0 || r->spent + r->held > 0);
}

static tint tint_of(const budget_row *r) {
    bool soft = r->soft >= 0 && r->spent + r->held >= r->soft;
    return is_full(r) ? TINT_BAD : soft ? TINT_WAIT : TINT_GOOD;
}

static size_t cells(int64_t n, int64_t limit, size_t width) {
    double share = limit > 0 ? (double)n / (double)limit : n > 0 ? 1 : 0;
    size_t full = share >= 1 ? width : (size_t)(share * (double)width);
    return n > 0 && full == 0 ? 1 : full;
}

static void put_cells(keel_buf *out, const char *cell, size_t count) {
    for (size_t i = 0; i < count; i++) {
        keel_buf_puts(out, cell);
    }
}

static void put_bar(const term *on, const budget_row *r, size_t width, keel_buf *out) {
    keel_buf part = KEEL_BUF_INIT;
    size_t all = cells(r->spent + r->held, r->limit, width);
    size_t spent = cells(r->spent, r->limit, width);
    size_t soft = r->soft >= 0 ? cells(r->soft, r->limit, width) : width;
    spent = spent > all ? all : spent;
    keel_buf_puts(&part, "");
    put_cells(&part, "█", spent);
    put_cells(&part, "▒", all - spent);
    term_put(on, out, tint_of(r), part.data);
    keel_buf_clear(&part);
    keel_buf_puts(&part, "");
    for (size_t i = all; i < width; i++) {
        keel_buf_puts(&part, i == soft ? "┊" : "░");
    }
    term_put(on, out, TINT_DIM, part.data);
    keel_buf_free(&part);
}

/* ---- what stands below a bar ---- */

typedef struct lines {
    keel_buf text;
    size_t width, indent, at;
} lines;

/* A piece goes on the line if it fits, and else on the next. */
static void put_piece(lines *l, const char *between, const keel_buf *piece) {
    size_t wide = text_width(piece->data, piece->len);
    if (l->at && l->at + 3 + wide > l->width) {
        keel_buf_puts(&l->text, between[0] == ';' ? ";\n" : "\n");
        l->at = 0;
    }
    if (l->at) {
        keel_buf_puts(&l->text, between);
        l->at += 2;
    } else {
        put_cells(&l->text, " ", l->indent);
        l->at = l->indent;
    }
    keel_buf_append(&l->text, piece->data, piece->len);
    l->at += wide;
}

static void piece_held(const budget_row *r, keel_buf *out) {
    if (r->held) {
        keel_buf_puts(out, "held ");
        budget_put(out, r->held, r->unit, true);
        if (r->unknown) {
            keel_buf_puts(out, ", of it ");
            budget_put(out, r->unknown, r->unit, true);
            keel_buf_puts(out, " by unknown outcomes");
        }
    }
}

static void piece_overrun(const budget_row *r, keel_buf *out) {
    if (r->overrun) {
        keel_buf_puts(out, "overrun: ");
        budget_put(out, r->overrun, r->unit, true);
        keel_buf_puts(out, " cost more than was held for it");
    } else if (r->spent + r->held - r->borrowed > r->limit) {
        budget_put(out, r->spent + r->held - r->borrowed - r->limit, r->unit, true);
        keel_buf_puts(out, " above the limit");
    }
}

static void piece_borrowed(const budget_row *r, keel_buf *out) {
    if (r->borrowed) {
        keel_buf_puts(out, "borrowed ");
        budget_put(out, r->borrowed, r->unit, true);
        keel_buf_puts(out, ", as approved");
    }
}

static void piece_window(const budget_row *r, bool rolls, int64_t now_us, keel_buf *out) {
    if (rolls) {
        keel_buf_printf(out, "within %s", r->window);
    } else if (r->ends_us > 0) {
        keel_buf_puts(out, "ends ");
        put_when(out, r->ends_us, now_us);
    }
}

static void piece_pace(const budget_row *r, bool rolls, int64_t now_us, keel_buf *out) {
    budget_forecast f = budget_pace(r, now_us);
    if (is_full(r)) {
        keel_buf_puts(out, "used up");
    } else if (f.reached_us) {
        keel_buf_puts(out, "at this pace reached on ");
        put_when(out, f.reached_us, now_us);
    } else if (f.known && r->spent) {
        keel_buf_printf(out, "at this pace %" PRId64 "%% %s", f.percent,
                        rolls ? "of it all the time" : "at its end");
    } else if (r->from_us >= 0 && r->spent) {
        keel_buf_puts(out, "too early for a forecast");
    }
}

static bool rolls_of(const policy *p, const budget_row *r) {
    budget_info info = budget_describe(p, r->rule);
    return info.window[0] >= '0' && info.window[0] <= '9';
}

static void put_below(const term *on, const policy *p, const budget_row *r, int64_t now_us,
                      keel_buf *out) {
    lines l = {.width = on->width ? on->width : 200, .indent = 4};
    keel_buf pieces[5] = {KEEL_BUF_INIT, KEEL_BUF_INIT, KEEL_BUF_INIT, KEEL_BUF_INIT,
                          KEEL_BUF_INIT};
    piece_overrun(r, &pieces[0]);
    piece_borrowed(r, &pieces[1]);
    piece_held(r, &pieces[2]);
    piece_window(r, rolls_of(p, r), now_us, &pieces[3]);
    piece_pace(r, rolls_of(p, r), now_us, &pieces[4]);
    for (size_t i = 0; i < 5; i++) {
        if (pieces[i].len) {
            put_piece(&l, "; ", &pieces[i]);
        }
        keel_buf_free(&pieces[i]);
    }
    if (l.text.len) {
        term_put(on, out, is_full(r) || r->overrun ? TINT_BAD : TINT_DIM, l.text.data);
        keel_buf_putc(out, '\n');
    }
    keel_buf_free(&l.text);
}

/* ---- bars ---- */

static void put_list(keel_buf *out, const char *before, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        keel_buf_puts(out, i ? ", " : before);
        text_line(out, words[i], strlen(words[i]));
    }
}

static void piece_whose(const budget_info *b, keel_buf *out) {
    keel_buf_printf(out, "%s%s", strcmp(b->of, "workspace") ? "each " : "",
                    strcmp(b->of, "run_tree") ? b->of : "run tree");
    put_list(out, ", for ", b->agents, b->agent_count);
    put_list(out, ", on ", b->on, b->on_count);
    if (strcmp(b->of, b->window) != 0) {
        keel_buf_printf(out, ", %s", strcmp(b->window, "calendar_month") ? b->window : "month");
    }
}

/* "agent  each agent, 24h; at 80% notify; then ask; policies/starter.yaml:56" */
static void put_head(const term *on, const budget_info *b, keel_buf *out) {
    lines l = {.width = on->width ? on->width : 200, .indent = 2, .at = strlen(b->id)};
    keel_buf pieces[5] = {KEEL_BUF_INIT, KEEL_BUF_INIT, KEEL_BUF_INIT, KEEL_BUF_INIT,
                          KEEL_BUF_INIT};
    term_put(on, out, TINT_BOLD, b->id);
    piece_whose(b, &pieces[0]);
    if (b->soft) {
        budget_put_soft(b, &pieces[1]);
    }
    keel_buf_printf(&pieces[2], "then %s", b->at_hard);
    if (b->max_depth >= 0) {
        keel_buf_printf(&pieces[3], "at most %d deep", b->max_depth);
    }
    keel_buf_printf(&pieces[4], "%s:%d", b->file, b->line);
    for (size_t i = 0; i < 5; i++) {
        if (pieces[i].len) {
            put_piece(&l, i == 0 ? "  " : "; ", &pieces[i]);
        }
        keel_buf_free(&pieces[i]);
    }
    term_put(on, out, TINT_DIM, l.text.data);
    keel_buf_putc(out, '\n');
    keel_buf_free(&l.text);
}

static const char *label_of(const budget_row *r) {
    const char *name = strchr(r->scope, ':');
    return !strncmp(r->scope, "run:", 4) || !name ? r->scope : name + 1;
}

static void put_padded(keel_buf *out, const char *text, size_t width) {
    keel_buf line = KEEL_BUF_INIT;
    text_line(&line, text, strlen(text));
    size_t fit = text_fit(line.data, line.len, width);
    keel_buf_append(out, line.data, fit);
    for (size_t n = text_width(line.data, fit); n < width; n++) {
        keel_buf_putc(out, ' ');
    }
    keel_buf_free(&line);
}

/* LABEL BAR PERCENT  SPENT of LIMIT: what is left of the line is the bar's. */
static void put_account(const cli *c, const policy *p, const budget_row *r, size_t label,
                        int64_t now_us, keel_buf *out) {
    size_t width = c->out.width ? c->out.width : 100, others = 2 + label + 1 + 8 + 26;
    size_t bar = width > others + 3 ? width - others : 3;
    bar = bar > 40 ? 40 : bar;
    keel_buf_puts(out, "  ");
    put_padded(out, label_of(r), label);
    keel_buf_putc(out, ' ');
    put_bar(&c->out, r, bar, out);
    keel_buf_printf(out, " %4" PRId64 "%%  ", percent_of(r));
    budget_put(out, r->spent, r->unit, false);
    keel_buf_puts(out, " of ");
    budget_put(out, r->limit, r->unit, true);
    keel_buf_putc(out, '\n');
    put_below(&c->out, p, r, now_us, out);
}

void budget_show_bars(const cli *c, const policy *p, const budget_rows *rows, const char *only) {
    int64_t now_us = cli_now_us();
    keel_buf out = KEEL_BUF_INIT;
    size_t label = 9;
    for (size_t i = 0; i < rows->count; i++) {
        size_t wide = strlen(label_of(&rows->list[i]));
        label = wide > label ? wide : label;
    }
    label = label > 20 ? 20 : label;
    for (size_t b = 0, at = 0; b < budget_count(p); b++) {
        budget_info info = budget_describe(p, b);
        if (only && strcmp(only, info.id) != 0) {
            continue;
        }
        size_t first = at;
        keel_buf_puts(&out, out.len ? "\n" : "");
        put_head(&c->out, &info, &out);
        for (; at < rows->count && rows->list[at].rule == b; at++) {
            put_account(c, p, &rows->list[at], label, now_us, &out);
        }
        if (at == first) {
            bool trees = strcmp(info.of, "run_tree") == 0;
            term_put(&c->out, &out, TINT_DIM,
                     trees ? "  no open run has spent anything (ended ones: --all)\n"
                           : "  nothing spent yet\n");
        }
        if (rows->hidden[b]) {
            keel_buf_printf(&out, "  and %zu more: keel budget %s --all\n", rows->hidden[b],
                            info.id);
        }
    }
    cli_out(&out);
    keel_buf_free(&out);
}

/* ---- the table ---- */

static void number(char out[24], int64_t n) {
    snprintf(out, 24, "%" PRId64, n);
}

static void add_row(table *t, const policy *p, const budget_row *r, int64_t now_us) {
    budget_info info = budget_describe(p, r->rule);
    budget_forecast f = budget_pace(r, now_us);
    char numbers[11][24];
    keel_buf shown[4] = {KEEL_BUF_INIT, KEEL_BUF_INIT, KEEL_BUF_INIT, KEEL_BUF_INIT};
    int64_t amounts[4] = {r->spent, r->held, r->unknown, r->limit};
    for (size_t i = 0; i < 4; i++) {
        budget_put(&shown[i], amounts[i], r->unit, false);
        number(numbers[i], amounts[i]);
    }
    const int64_t more[] = {percent_of(r), r->ends_us, f.percent,  f.reached_us,
                            r->soft,       r->overrun, r->borrowed};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        number(numbers[4 + i], more[i]);
    }
    const char *row[] = {info.id,
                         r->scope,
                         r->window,
                         shown[0].data,
                         shown[1].data,
                         shown[2].data,
                         shown[3].data,
                         budget_unit(r->unit),
                         numbers[4],
                         r->ends_us > 0 && !rolls_of(p, r) ? numbers[5] : NULL,
                         f.known ? numbers[6] : NULL,
                         f.reached_us ? numbers[7] : NULL,
                         numbers[0],
                         numbers[1],
                         numbers[2],
                         numbers[3],
                         r->soft >= 0 ? numbers[8] : NULL,
                         numbers[9],
                         numbers[10],
                         info.at_hard,
                         r->unit};
    table_row(t, row);
    for (size_t i = 0; i < 4; i++) {
        keel_buf_free(&shown[i]);
    }
}

void budget_show_table(const cli *c, const policy *p, const budget_rows *rows) {
    static const column columns[] = {
        {"BUDGET", "budget", COLUMN_TEXT}, {"OF", "scope", COLUMN_TEXT},
        {"WINDOW", "window", COLUMN_TEXT}, {"SPENT", NULL, COLUMN_TEXT},
        {"HELD", NULL, COLUMN_TEXT},       {"UNKNOWN", NULL, COLUMN_TEXT},
        {"LIMIT", NULL, COLUMN_TEXT},      {"UNIT", NULL, COLUMN_TEXT},
        {"USED %", "percent", COLUMN_INT}, {"ENDS", "ends_us", COLUMN_TIME},
        {"PACE %", "pace", COLUMN_INT},    {"REACHED", "reached_us", COLUMN_TIME},
        {NULL, "spent", COLUMN_INT},       {NULL, "held", COLUMN_INT},
        {NULL, "unknown", COLUMN_INT},     {NULL, "limit", COLUMN_INT},
        {NULL, "soft", COLUMN_INT},        {NULL, "overrun", COLUMN_INT},
        {NULL, "borrowed", COLUMN_INT},    {NULL, "at_hard", COLUMN_TEXT},
        {NULL, "unit", COLUMN_TEXT}};
    table *t = table_create(columns, sizeof columns / sizeof *columns);
    int64_t now_us = cli_now_us();
    for (size_t i = 0; i < rows->count; i++) {
        add_row(t, p, &rows->list[i], now_us);
    }
    cli_table(c, t, "Nothing is spent or held.");
    table_destroy(t);
}
