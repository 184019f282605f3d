/* Scripts that use commands of people: an offline one under test (erase, archive), or one beside the
 * kernel (rollback, migrate). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "operator.h"
#include "scripts.h"
#include "siteint.h"

/* ---- a connection that fails rests, and comes again ---- */

bool script_breaker(site *s) {
    return operator_begin(s, "do-flicker-1", "{\"agent\":\"flicker\",\"input\":{}}") &&
           operator_settle(s, true);
}

/* ---- offline: what helpers did, forgotten or moved away ---- */

const char *const script_erase_words[] = {"audit", "erase",  "--run", "1",
                                          "--why", "a test", "--yes", NULL};
const char *const script_archive_words[] = {"audit", "archive", "--before", "12", NULL};

bool script_helped_prepare(site *s) {
    return (site_up_plain(s) &&
            operator_begin(s, "do-helper-1", "{\"agent\":\"helper\",\"input\":{\"luck\":1}}") &&
            operator_settle(s, true) && site_down(s)) ||
           site_fault(s, "the life before the command fails");
}

bool script_helped(site *s) {
    return operator_begin(s, "do-helper-2", "{\"agent\":\"helper\",\"input\":{\"luck\":2}}") &&
           operator_settle(s, true);
}

/* ---- beside the kernel ---- */

/* Waits until the record is there that the command is to bring about; the command itself may go on. */
static bool until_recorded(site *s, const char *count, long least, const char *const *words) {
    pid_t pid = site_cli_start(s, NULL, words);
    bool recorded = operator_await(s, count, least, OPERATOR_PATIENCE_MS);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return recorded || (operator_alive(s) && site_fault(s, "%s does nothing", words[0]));
}

/* A rollback that stopped goes on when it is ordered again; what cannot be taken back is given up. */
static bool roll_back_again(site *s, long number) {
    static const char closed[] = "SELECT count(*) FROM item WHERE state = 'retry'";
    static const char *const words[] = {"rollback", "1", "--yes", "--why", "once more", NULL};
    if (site_count(s, "SELECT count(*) FROM effect WHERE target = 'plain.fixed.compensate'")) {
        return operator_decide(s);
    }
    (void)number;
    return until_recorded(s, closed, site_count(s, closed) + 1, words);
}

bool script_rollback_run(site *s) {
    static const char begun[] = "SELECT count(*) FROM journal WHERE kind = 55";
    static const char *const words[] = {"rollback", "1", "--yes", "--why", "a test", NULL};
    return operator_begin(s, "do-doer-1", "{\"agent\":\"doer\",\"input\":{}}") &&
           (site_count(s, begun) ||
            (operator_settle(s, true) && until_recorded(s, begun, 1, words))) &&
           operator_persist(s, roll_back_again);
}

bool script_migrate_prepare(site *s) {
    if (!site_up_plain(s) ||
        !operator_begin(s, "do-sleeper-1",
                        "{\"agent\":\"sleeper\",\"input\":{},\"untrusted\":true}") ||
        !operator_await(s, "SELECT count(*) FROM pending", 1, OPERATOR_PATIENCE_MS)) {
        return site_fault(s, "the run does not sleep");
    }
    site_kill(s);
    site_put(s, "agents/sleeper/manifest.yaml",
             "id: org.example.sleeper\nname: sleeper\nkind: agent\nversion: 1.0.1\n"
             "entry: sleeper.lua\nmemory: 8 MiB\n");
    return true;
}

bool script_migrate(site *s) {
    static const char moved[] = "SELECT count(*) FROM journal WHERE kind = 54";
    static const char *const words[] = {"run", "migrate", "1", "--yes", NULL};
    return (site_count(s, moved) || until_recorded(s, moved, 1, words)) &&
           site_label(s, "1") == SITE_ANSWERED && script_cancel(s) && operator_settle(s, true);
}

/* ---- a backup takes the place of what came after it ---- */

const char *const script_restore_words[] = {"restore", "copy", "--yes", NULL};

bool script_restore_prepare(site *s) {
    static const char *const backup[] = {"backup", "copy", NULL};
    if (!script_helped_prepare(s)) {
        return false;
    }
    site_cli(s, NULL, backup);
    size_t known = s->answer_count;
    if (site_exit(s) != 0 || !site_up_plain(s) || !script_cancel(s) || !site_down(s)) {
        return site_fault(s, "there is no backup, or no life behind it");
    }
    while (s->answer_count > known) { /* what the backup cannot know */
        site_answer *a = &s->answers[--s->answer_count];
        free(a->args);
        free(a->result);
    }
    return true;
}

bool script_restored_prepare(site *s) {
    if (script_restore_prepare(s)) {
        site_cli(s, NULL, script_restore_words);
    }
    return site_exit(s) == 0 || site_fault(s, "the backup cannot be restored");
}

/* It is halted until a person says otherwise. */
bool script_restored(site *s) {
    return operator_tell(s, "resume-again", "resume", "{}") && script_helped(s);
}
