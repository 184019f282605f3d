/* What a person should know of connections without looking for it: the last failure of each, until
 * something succeeds; and of the anchor. In memory only. */
#include <string.h>

#include "breaker.h"
#include "polls.h"
#include "reach.h"
#include "trouble.h"

#define ANCHOR_ALARM_US 3600000000LL

void trouble_note(kernel *k, connection *cn, const char *text) {
    if (cn) {
        text_cut(cn->trouble, sizeof cn->trouble, text);
        cn->trouble_us = kernel_now(k);
    }
}

void trouble_of_network(kernel *k, const char *text) {
    text_cut(k->egress.trouble, sizeof k->egress.trouble, text);
    k->egress.trouble_us = kernel_now(k);
}

void trouble_clear(kernel *k, connection *cn) {
    if (cn) {
        cn->trouble[0] = 0;
        if (reach_any_network(cn->plugin->manifest)) {
            k->egress.trouble[0] = 0;
        }
    }
}

/* Its executors start when there is work; the best off of them speaks for all. */
static const char *state_of(const kernel *k, const connection *cn) {
    static const struct {
        worker_state state;
        const char *word;
    } ranks[] = {{WORKER_READY, "running"},
                 {WORKER_STARTING, "starting"},
                 {WORKER_BACKOFF, "restarting"},
                 {WORKER_REFUSED, "refused"}};
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++) {
        for (const worker *w = k->workers; w; w = w->next) {
            if (w->connection == cn && w->state == ranks[i].state) {
                return ranks[i].word;
            }
        }
    }
    return "idle";
}

static void write_connection(const kernel *k, const connection *cn, keel_json_writer *w) {
    keel_json_object(w);
    if (breaker_rests(cn)) {
        keel_json_key(w, "breaker");
        breaker_write(cn, w);
    }
    keel_json_set_text(w, "name", cn->name);
    keel_json_key(w, "polls");
    polls_write(k, cn, w);
    keel_json_set_text(w, "state", breaker_rests(cn) ? "resting" : state_of(k, cn));
    if (cn->trouble[0]) {
        keel_json_set_text(w, "trouble", cn->trouble);
        keel_json_set_int(w, "trouble_us", cn->trouble_us);
    }
    keel_json_object_end(w);
}

void trouble_connections(const kernel *k, keel_json_writer *w) {
    keel_json_array(w);
    for (const connection *cn = k->connections; cn; cn = cn->next) {
        if (!cn->gone) {
            write_connection(k, cn, w);
        }
    }
    keel_json_array_end(w);
}

/* Without anchors a history that is put back or written anew would not be seen: a person must know, and
 * is told again for as long as it lasts. */
void kernel_anchored(kernel *k, const char *trouble) {
    int64_t now = kernel_now(k);
    if (!trouble && k->unanchored_us) {
        kernel_log(k, "info", 0, "the journal is anchored again");
        k->unanchored_us = k->anchor_told_us = 0;
    }
    if (!trouble) {
        return;
    }
    text_cut(k->anchor_trouble, sizeof k->anchor_trouble, trouble);
    if (!k->unanchored_us) {
        k->unanchored_us = k->anchor_told_us = now;
        kernel_log(k, "warn", 0,
                   "the journal is not anchored: %s. Work goes on, and it is tried again",
                   k->anchor_trouble);
    } else if (now - k->anchor_told_us >= ANCHOR_ALARM_US) {
        k->anchor_told_us = now;
        kernel_log(
            k, "error", 0,
            "the journal has not been anchored for %lld minutes: %s. Until it is, nobody would "
            "see if its newest records were taken out",
            (long long)((now - k->unanchored_us) / 60000000), k->anchor_trouble);
    }
}

void trouble_anchor(const kernel *k, keel_json_writer *w) {
    keel_json_object(w);
    if (k->unanchored_us) {
        keel_json_set_text(w, "trouble", k->anchor_trouble);
        keel_json_set_int(w, "unanchored_us", k->unanchored_us);
    }
    keel_json_object_end(w);
}

void trouble_network(const kernel *k, keel_json_writer *w) {
    static const char *const words[] = {
        [EGRESS_DOWN] = "idle", [EGRESS_BACKOFF] = "restarting", [EGRESS_UP] = "running"};
    bool needed = false;
    for (const connection *cn = k->connections; cn; cn = cn->next) {
        needed = needed || (!cn->gone && reach_any_network(cn->plugin->manifest));
    }
    keel_json_object(w);
    keel_json_set_text(w, "state", needed ? words[k->egress.state] : "not needed");
    if (k->egress.trouble[0]) {
        keel_json_set_text(w, "trouble", k->egress.trouble);
        keel_json_set_int(w, "trouble_us", k->egress.trouble_us);
    }
    keel_json_object_end(w);
}
