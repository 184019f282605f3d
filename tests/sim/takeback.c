/* The operator takes back what runs did, as the command line has him do it: he is shown a plan, and
 * orders that very plan; now and then one that he was shown a while ago. */
#include <stdio.h>
#include <string.h>

#include "sim.h"
#include "undo_plan.h"

/* false: there is no such run, or its plan cannot be made now. */
static bool show(simulation *s, uint64_t run, char hex[DIGEST_HEX], bool *anything) {
    undo_plan p;
    diag d = {0};
    if (!s->w.store || undo_plan_make(store_reader(s->w.store), run, &p, &d)) {
        return false;
    }
    digest shown = undo_plan_digest(&p);
    digest_hex(&shown, hex);
    *anything = p.open_count || undo_plan_count(&p, UNDO_BACK) || undo_plan_count(&p, UNDO_WAITS);
    undo_plan_free(&p);
    return true;
}

static void order(simulation *s, uint64_t run, const char *hex) {
    people_command(s, "rollback", "{\"plan\":\"%s\",\"run\":%llu,\"why\":\"a mistake\"}", hex,
                   (unsigned long long)run);
}

bool people_take_back(simulation *s, uint64_t run) {
    char hex[DIGEST_HEX];
    bool anything = false;
    if (!show(s, run, hex, &anything) || !anything) {
        return false;
    }
    order(s, run, hex);
    return true;
}

void people_take_back_any(simulation *s) {
    char hex[DIGEST_HEX];
    bool anything = false;
    uint64_t run = 1 + roll(s, s->model->run_count + 1);
    if (s->shown_run && chance(s, 20)) { /* he was at lunch */
        order(s, s->shown_run, s->shown);
        s->shown_run = 0;
    } else if (show(s, run, hex, &anything) && (anything || chance(s, 10))) {
        memcpy(s->shown, hex, sizeof s->shown);
        s->shown_run = run;
        if (chance(s, 85)) {
            order(s, run, hex);
        }
        if (chance(s, 15)) { /* twice, as two people would */
            order(s, run, hex);
        }
    }
}
