#include "backtest_json.h"

const char *const backtest_verdicts[] = {"deny", "ask", "allow"};
const char *const backtest_changes[] = {"allowed", "denied", "asked"};

static const char *const losses[] = {
    [LOSS_ERASED] = "erased", [LOSS_ARGS] = "not_recorded", [LOSS_MANIFEST] = "no_manifest",
    [LOSS_RUN] = "no_run",    [LOSS_PAST] = "sum_or_count",
};

void backtest_why(const policy *p, const backtest_effect *e, keel_buf *out) {
    keel_buf all = KEEL_BUF_INIT;
    if (e->why) {
        keel_buf_puts(out, e->why);
        return;
    }
    policy_explain(p, e->query, &e->now, &all);
    keel_buf_puts(out, "");
    keel_json_string(keel_json_get(keel_json_view(all.data, all.len), "why"), out);
    keel_buf_free(&all);
}

static void end(keel_json_writer *w, keel_buf *out) {
    keel_json_object_end(w);
    keel_buf_putc(out, '\n');
}

void backtest_change_json(const policy *p, const backtest_effect *e, keel_buf *out) {
    keel_buf sentence = KEEL_BUF_INIT;
    keel_json_writer w;
    backtest_why(p, e, &sentence);
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_set_text(&w, "agent", e->query->agent);
    keel_json_set_text(&w, "change", backtest_changes[e->change]);
    keel_json_set_text(&w, "kind", "change");
    keel_json_key(&w, "now");
    keel_json_object(&w);
    keel_json_set_text(&w, "band", e->now.band);
    keel_json_set_text(&w, "file", e->now.file);
    keel_json_set_int(&w, "line", e->now.line);
    keel_json_set_text(&w, "rule", e->now.rule_id);
    keel_json_set_text(&w, "verdict", backtest_verdicts[e->now.verdict]);
    keel_json_object_end(&w);
    if (e->number) {
        keel_json_set_int(&w, "number", e->number);
    }
    keel_json_set_text(&w, "path", e->path);
    keel_json_set_int(&w, "run", (int64_t)e->run);
    keel_json_set_text(&w, "target", e->query->target);
    keel_json_key(&w, "then");
    keel_json_object(&w);
    keel_json_set_text(&w, "file", e->was_file);
    keel_json_set_int(&w, "line", e->was_line);
    keel_json_set_text(&w, "rule", e->was_rule);
    keel_json_set_text(&w, "verdict", backtest_verdicts[e->was]);
    keel_json_object_end(&w);
    keel_json_set_text(&w, "why", sentence.data);
    end(&w, out);
    keel_buf_free(&sentence);
}

void backtest_loss_json(uint64_t run, const char *path, const char *target, backtest_loss why,
                        keel_buf *out) {
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_set_text(&w, "kind", "lost");
    keel_json_set_text(&w, "path", path);
    keel_json_set_text(&w, "reason", losses[why]);
    keel_json_set_int(&w, "run", (int64_t)run);
    if (target) {
        keel_json_set_text(&w, "target", target);
    }
    end(&w, out);
}

void backtest_summary_json(const backtest_report *r, const backtest_sums *s, keel_buf *out) {
    keel_json_writer w;
    int64_t missing = 0;
    for (int k = 0; k < BACKTEST_LOSSES; k++) {
        missing += r->lost[k];
    }
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_set_int(&w, "allowed", r->changed[BACKTEST_ALLOWED]);
    keel_json_key(&w, "amounts");
    backtest_sums_amounts(s, &w);
    keel_json_set_int(&w, "asked", r->changed[BACKTEST_ASKED]);
    keel_json_set_int(&w, "asks_now", r->asked_now);
    keel_json_set_int(&w, "asks_then", r->asked_then);
    keel_json_key(&w, "costs");
    backtest_sums_costs(s, &w);
    keel_json_set_int(&w, "decided", r->decided);
    keel_json_set_int(&w, "denied", r->changed[BACKTEST_DENIED]);
    keel_json_set_text(&w, "kind", "summary");
    keel_json_set_int(&w, "lost", missing);
    keel_json_set_int(&w, "other_rule", r->other_rule);
    keel_json_set_int(&w, "tokens", s->tokens);
    keel_json_set_int(&w, "waited_us", s->waited_us);
    end(&w, out);
}
