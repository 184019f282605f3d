/* What the scenes of budgets share: a rule that lets all, one write, and what it costs. */
#ifndef BUDGETSCENE_H
#define BUDGETSCENE_H

#include "scene.h"

#define ALLOW      "  - { id: lets, on: \"out.*.write\", allow: {} }\n"
#define BUDGET(it) ALLOW "budgets:\n  - { id: few, scope: workspace, " it " }\n"

static const sim_op once[] = {WRITE("once")};
/* From here on each write is estimated at 0.40 EUR. */
static inline void costs_money(sim_world *w) {
    sim_put(w->root, "connectors/out/manifest.yaml",
            "id: org.example.out\nkind: connector\nversion: 1.0.1\nentry: out.lua\n"
            "needs: [ \"file:rw:{config.folder}\" ]\nresources:\n"
            "  once: { write: { class: once, cost: { estimate: 0.40 EUR } } }\n");
    scene_tell(w, "reload-00", "reload", "{}");
}

/* Records of that kind whose body has that value there. */
#define RECORDS_WITH(kind, where, value)                                                           \
    "SELECT count(*) FROM journal j LEFT JOIN payload p ON p.digest = j.digest WHERE j.kind "      \
    "= " kind " AND json_extract(CAST(coalesce(j.body, p.bytes) AS TEXT), '" where "') = '" value  \
    "'"

#endif
