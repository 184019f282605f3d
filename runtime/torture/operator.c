#include "operator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "siteint.h"

bool operator_alive(site *s) {
    siginfo_t info = {0};
    return s->kernel && !s->problem[0] &&
           (waitid(P_PID, (id_t)s->kernel, &info, WEXITED | WNOHANG | WNOWAIT) || !info.si_pid);
}

bool operator_tell(site *s, const char *request, const char *name, const char *args) {
    site_said said = site_say(s, request, name, args);
    if (said == SITE_REFUSED) {
        site_fault(s, "%s (%s) was refused: %s", name, request, site_refusal);
    }
    return said == SITE_ANSWERED;
}

long operator_number(const char *answer, const char *key) {
    int64_t n = 0;
    keel_json_int(keel_json_get(keel_json_view(answer, strlen(answer)), key), &n);
    return (long)n;
}

long operator_begin(site *s, const char *request, const char *args) {
    return operator_tell(s, request, "do", args)
               ? operator_number(site_answer_to(s, request), "run")
               : 0;
}

bool operator_await(site *s, const char *sql, long n, int ms) {
    for (int waited = 0; operator_alive(s) && waited < ms; waited += OPERATOR_LOOK_MS) {
        if (site_count(s, sql) >= n) {
            return true;
        }
        site_sleep_us(OPERATOR_LOOK_MS * 1000);
    }
    return false;
}

long operator_item(site *s, const char *target) {
    return strtol(site_query(s,
                             "SELECT min(i.number) FROM item i JOIN effect e ON e.run = i.run AND"
                             " e.path = i.path WHERE e.target = ?",
                             target),
                  NULL, 10);
}

/* ---- the operator ---- */

static bool judge(site *s, const char *number, const char *key) {
    char args[160], request[64];
    snprintf(args, sizeof args, "{\"number\":%s,\"verdict\":\"%s\",\"why\":\"looked\"}", number,
             site_applied(s, key) ? "done" : "not_done");
    snprintf(request, sizeof request, "verdict-%s", number);
    return operator_tell(s, request, "verdict", args);
}

/* What automation could not finish is given up. A paused run is for its script. */
static bool drop_stuck(site *s) {
    char args[80], request[40];
    long number = site_count(s, "SELECT min(i.number) FROM item i JOIN run r ON r.id = i.run WHERE"
                                " i.state = 'open' AND i.kind = 'stuck' AND r.state <> 'paused'");
    snprintf(args, sizeof args, "{\"number\":%ld,\"why\":\"not worth it\"}", number);
    snprintf(request, sizeof request, "drop-stuck-%ld", number);
    return number && operator_tell(s, request, "stuck.drop", args);
}

static bool answer(site *s, long number) {
    char args[60], request[40];
    snprintf(args, sizeof args, "{\"number\":%ld,\"value\":\"this\"}", number);
    snprintf(request, sizeof request, "answer-%ld", number);
    return operator_tell(s, request, "answer", args);
}

bool operator_decide(site *s) {
    long question = site_count(
        s, "SELECT ifnull(min(number), 0) FROM item WHERE state = 'open' AND kind = 'question'");
    if (question) {
        return answer(s, question);
    }
    char number[24] = "", kind[16] = "", key[40] = "";
    const char *row = site_query(s,
                                 "SELECT i.number || ' ' || i.kind || ' ' || ifnull(e.key, '-')"
                                 " FROM item i JOIN effect e ON e.run = i.run AND e.path = i.path"
                                 " WHERE i.state = 'open' AND i.kind <> 'stuck' LIMIT 1",
                                 NULL);
    if (sscanf(row, "%23s %15s %39s", number, kind, key) != 3) {
        return drop_stuck(s);
    }
    if (!strcmp(kind, "unknown")) {
        return judge(s, number, key);
    }
    site_said said = site_approve(s, number);
    if (said == SITE_REFUSED) {
        site_fault(s, "an approval was refused: %s", site_refusal);
    }
    return said == SITE_ANSWERED;
}

/* One look at one moment: what ends may leave an item behind in the same turn. */
bool operator_at_rest(site *s, long *items) {
    long busy = 1;
    *items = 0;
    sscanf(site_query(s,
                      "SELECT (SELECT count(*) FROM item WHERE state = 'open') || ' ' ||"
                      " (SELECT (SELECT count(*) FROM run WHERE state IN ('open', 'paused')) +"
                      " (SELECT count(*) FROM effect WHERE state IN ('waiting', 'intended',"
                      " 'unknown', 'reconciling', 'retry', 'stale', 'compensating',"
                      " 'compensation_unknown')) +"
                      " (SELECT count(*) FROM rollback WHERE state NOT IN ('ended', 'dropped')))",
                      NULL),
           "%ld %ld", items, &busy);
    return !busy && !*items;
}

bool operator_restless(site *s) {
    char runs[300], effects[300];
    site_read(s,
              "SELECT group_concat(agent || ' ' || id) FROM run"
              " WHERE state IN ('open', 'paused')",
              NULL, runs, sizeof runs);
    site_read(s,
              "SELECT group_concat(target || ' ' || state) FROM effect WHERE state"
              " NOT IN ('done', 'not_done', 'denied', 'rejected', 'expired')",
              NULL, effects, sizeof effects);
    return site_fault(s, "I9: it does not come to rest: runs %s; effects %s", runs, effects);
}

bool operator_settle(site *s, bool people) {
    long items = 0;
    for (int waited = 0; operator_alive(s) && waited < OPERATOR_PATIENCE_MS;) {
        if (operator_at_rest(s, &items)) {
            return true;
        }
        if (people && items && operator_decide(s)) {
            continue;
        }
        waited += OPERATOR_LOOK_MS;
        site_sleep_us(OPERATOR_LOOK_MS * 1000);
    }
    return operator_alive(s) && operator_restless(s);
}

bool operator_persist(site *s, bool (*again)(site *s, long number)) {
    static const char asked[] =
        "SELECT count(*) FROM item WHERE state = 'open' AND kind <> 'stuck'";
    static const char stuck[] =
        "SELECT min(number) FROM item WHERE state = 'open' AND kind = 'stuck'";
    long items = 0, number = 0;
    for (int waited = 0; operator_alive(s) && waited < OPERATOR_PATIENCE_MS;
         waited += OPERATOR_LOOK_MS) {
        if (operator_at_rest(s, &items)) {
            return true;
        }
        bool acted = items && (site_count(s, asked)              ? operator_decide(s)
                               : (number = site_count(s, stuck)) ? again(s, number)
                                                                 : false);
        if (!acted) {
            site_sleep_us(OPERATOR_LOOK_MS * 1000);
        }
    }
    return operator_alive(s) && operator_restless(s);
}
