/* The operator takes back what runs did, as the command line has him do it: he is shown a plan, and
 * orders that very plan; now and then one that he was shown a while ago. */
#include <stdio.h>
#include <string.h>

#include "sim.h"
#include "undo_plan.h"

/* What he is shown. */
typedef struct shown_plan {
    char hex[DIGEST_HEX];
    uint64_t part; /* one of the runs that it covers, mostly another than the run itself */
    bool anything; /* there is something to take back */
} shown_plan;

/* false: there is no such run, or its plan cannot be made now. */
static bool show(simulation *s, uint64_t run, shown_plan *out) {
    undo_plan p;
    diag d = {0};
    if (!s->w.store || undo_plan_make(store_reader(s->w.store), run, &p, &d)) {
        return false;
    }
    digest now = undo_plan_digest(&p);
    digest_hex(&now, out->hex);
    out->part = p.runs[p.run_count > 1 && chance(s, 75) ? 1 + roll(s, p.run_count - 1) : 0];
    out->anything =
        p.open_count || undo_plan_count(&p, UNDO_BACK) || undo_plan_count(&p, UNDO_WAITS);
    undo_plan_free(&p);
    return true;
}

static void order(simulation *s, uint64_t run, const char *hex) {
    people_command(s, "rollback", "{\"plan\":\"%s\",\"run\":%llu,\"why\":\"a mistake\"}", hex,
                   (unsigned long long)run);
}

bool people_take_back(simulation *s, uint64_t run) {
    shown_plan p;
    if (!show(s, run, &p) || !p.anything) {
        return false;
    }
    order(s, run, p.hex);
    return true;
}

/* A run of which something is there to take back, or after a few tries any. */
static uint64_t pick(simulation *s, shown_plan *p) {
    uint64_t run = 0;
    p->anything = false;
    for (int tries = 0; tries < 4 && !p->anything; tries++) {
        run = 1 + roll(s, s->model->run_count);
        if (!show(s, run, p)) {
            return 0;
        }
    }
    return p->anything || chance(s, 10) ? run : 0;
}

/* Somebody else takes back a part of it, or the same, while it goes on. */
static void a_part_of_it(simulation *s, uint64_t part) {
    for (int i = 0; i < 3 && alive(s); i++) {
        steps(s, roll(s, 12));
        if (alive(s)) {
            people_take_back(s, part);
        }
    }
}

void people_take_back_any(simulation *s) {
    shown_plan p;
    if (s->shown_run && chance(s, 20)) { /* he was at lunch */
        order(s, s->shown_run, s->shown);
        s->shown_run = 0;
        return;
    }
    s->shown_run = pick(s, &p);
    if (s->shown_run) {
        memcpy(s->shown, p.hex, sizeof s->shown);
        if (chance(s, 85)) {
            order(s, s->shown_run, s->shown);
        }
        if (chance(s, 30)) {
            a_part_of_it(s, p.part);
        }
    }
}
