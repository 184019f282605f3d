#include <inttypes.h>
#include <string.h>

#include "ramp_prove.h"
#include "text.h"

/* So many approvals of one rule, agent and target that all is well with. */
static bool worth_a_look(cli *c) {
    char after[16];
    snprintf(after, sizeof after, "%d", RAMP_AFTER);
    return cli_number(
               c,
               "SELECT max(n) >= CAST(? AS INTEGER) FROM (SELECT count(*) AS n FROM item i"
               " JOIN effect e ON e.run = i.run AND e.path = i.path JOIN run r ON r.id = i.run"
               " WHERE i.kind = 'approval' AND i.state = 'approved' AND i.closed_by IS NOT NULL"
               " AND e.state = 'done' GROUP BY e.rule, e.target, r.agent)",
               after) != 0;
}

static void say(const cli *c, const ramp_finding *f) {
    keel_buf line = KEEL_BUF_INIT;
    text_count(&line, (int64_t)f->used_count);
    keel_buf_puts(&line, " clean approvals of ");
    text_line(&line, f->rule, strlen(f->rule));
    keel_buf_puts(&line, " for ");
    text_line(&line, f->agent, strlen(f->agent));
    keel_buf_puts(&line, ": `keel policy propose ");
    text_line(&line, f->rule, strlen(f->rule));
    keel_buf_puts(&line, "` shows what could be let through.");
    cli_say(c, "%s", line.data);
    keel_buf_free(&line);
}

void ramp_hint(cli *c) {
    ramp_scene s = {.c = c};
    diag ignored = {0};
    if (c->quiet || c->json || !worth_a_look(c)) {
        return;
    }
    bool said = ramp_open(&s, c, 0, RAMP_AFTER, &ignored) != 0;
    for (size_t i = 0; !said && i < s.count; i++) {
        proposal x;
        proposal_draft(&x, &s, &s.found[i]);
        said = !x.code;
        if (said) {
            say(c, &s.found[i]);
        }
        proposal_free(&x);
    }
    ramp_close(&s);
}
