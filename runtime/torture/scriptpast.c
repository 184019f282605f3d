/* Scripts of what was: an older copy of the database, and a record that its agent does not know. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fsio.h"
#include "operator.h"
#include "scripts.h"
#include "siteint.h"

/* ---- rollback: an older copy of the database, accepted ---- */

bool script_live_rollback(site *s) {
    return operator_tell(s, "resume-1", "resume", "{}") && /* it starts halted */
           operator_begin(s, "do-helper-2", "{\"agent\":\"helper\",\"input\":{\"luck\":2}}") &&
           operator_settle(s, true);
}

static bool copy(site *s, const char *from, const char *to) {
    char a[240], b[240];
    keel_buf bytes = KEEL_BUF_INIT;
    snprintf(a, sizeof a, "%s/%s", s->folder, from);
    snprintf(b, sizeof b, "%s/%s", s->folder, to);
    bool copied = !fsio_read(a, 64 << 20, &bytes, NULL) &&
                  !fsio_write_atomic(b, bytes.data, bytes.len, 0600, NULL);
    keel_buf_free(&bytes);
    return copied || site_fault(s, "%s cannot be copied", from);
}

bool script_prepare_rollback(site *s) {
    if (!site_up_plain(s) ||
        !operator_begin(s, "do-helper-1", "{\"agent\":\"helper\",\"input\":{\"luck\":1}}") ||
        !operator_settle(s, true) || !site_down(s) || !copy(s, "ws/.keel/keel.db", "older.db")) {
        return site_fault(s, "the first life fails");
    }
    size_t known = s->answer_count;
    if (!site_up_plain(s) || !script_cancel(s) || !site_down(s) ||
        !copy(s, "older.db", "ws/.keel/keel.db")) {
        return site_fault(s, "the second life fails");
    }
    while (s->answer_count > known) { /* what an older database cannot know */
        site_answer *a = &s->answers[--s->answer_count];
        free(a->args);
        free(a->result);
    }
    return true;
}

/* ---- paused: an executor that says the record is not its agent's ---- */

bool script_equip_paused(site *s) {
    char folder[240], link[280];
    snprintf(folder, sizeof folder, "%s/libexec", s->folder);
    snprintf(link, sizeof link, "%s/keel-executor", folder);
    fsio_mkdirs(folder, 0700, NULL);
    bool there = access(link, X_OK) == 0;
    if (!there && (!getenv("KEEL_LIAR") || symlink(getenv("KEEL_LIAR"), link))) {
        return site_fault(s, "there is no executor that lies");
    }
    setenv("KEEL_LIBEXEC", folder, 1);
    return true;
}

bool script_prepare_paused(site *s) {
    if (!site_up_plain(s) ||
        !operator_begin(s, "do-liar-1", "{\"agent\":\"sleeper\",\"input\":{}}") ||
        !operator_await(s, "SELECT count(*) FROM pending", 1, OPERATOR_PATIENCE_MS)) {
        return site_fault(s, "the first life fails");
    }
    site_kill(s);
    return true;
}

/* One resume for each time that it was paused. */
static bool resume_paused(site *s) {
    char args[64], request[64];
    long run = site_count(s, "SELECT id FROM run WHERE state = 'paused'");
    snprintf(args, sizeof args, "{\"run\":%ld}", run);
    long seq = site_count(s, "SELECT max(seq) FROM journal WHERE kind = 18");
    snprintf(request, sizeof request, "resume-%ld", seq);
    return !run || operator_tell(s, request, "run.resume", args);
}

bool script_live_paused(site *s) {
    static const char over[] = "SELECT count(*) FROM run WHERE state = 'ended'";
    char args[128];
    snprintf(args, sizeof args, "{\"body\":null,\"name\":\"go\",\"run\":%ld}",
             operator_number(site_answer_to(s, "do-liar-1"), "run"));
    /* A run that only waits is replayed when what it waits for has come. */
    if ((!site_count(s, over) && !operator_tell(s, "send-go-3", "run.send", args)) ||
        !operator_await(s, "SELECT count(*) FROM run WHERE state <> 'open'", 1,
                        OPERATOR_PATIENCE_MS) ||
        !resume_paused(s)) {
        return false;
    }
    for (int waited = 0; operator_alive(s) && waited < OPERATOR_PATIENCE_MS;
         waited += OPERATOR_LOOK_MS) {
        if (site_count(s, over)) {
            return operator_settle(s, false);
        }
        if (!resume_paused(s)) {
            return false;
        }
        site_sleep_us(OPERATOR_LOOK_MS * 1000);
    }
    return false;
}
