/* polled: what has come meanwhile is found at each start, and copied once. */
#include <stdio.h>

#include "operator.h"
#include "scripts.h"

/* What was there before is known; a run waits. */
bool script_polled_prepare(site *s) {
    static const char known[] = "SELECT count(*) FROM polled_id";
    site_put(s, "shelf/papers", "old\n");
    if (!site_up_plain(s) || !operator_await(s, known, 1, OPERATOR_PATIENCE_MS) ||
        !operator_begin(s, "do-reader-1", "{\"agent\":\"reader\",\"input\":{}}") ||
        !operator_await(s, "SELECT count(*) FROM pending", 1, OPERATOR_PATIENCE_MS) ||
        !site_down(s)) {
        return site_fault(s, "the first life fails");
    }
    site_put(s, "shelf/papers", "old first second\n");
    return true;
}

bool script_polled(site *s) {
    static const char over[] = "SELECT count(*) FROM run WHERE state <> 'open'";
    if (!operator_await(s, over, 1, OPERATOR_PATIENCE_MS)) {
        return operator_alive(s) && site_fault(s, "its run receives nothing");
    }
    return operator_settle(s, true);
}
