/* What a person should know of connections without looking for it: the last failure of each, until
 * something succeeds. In memory only. */
#include <string.h>

#include "parts.h"
#include "reach.h"

/* No character is cut in two: it goes into JSON. */
static void copy(char to[TROUBLE_TEXT], const char *text) {
    size_t len = strnlen(text, TROUBLE_TEXT - 1);
    while (len && text[len] && ((unsigned char)text[len] & 0xc0) == 0x80) {
        len--;
    }
    memcpy(to, text, len);
    to[len] = 0;
}

void trouble_note(kernel *k, connection *cn, const char *text) {
    if (cn) {
        copy(cn->trouble, text);
        cn->trouble_us = kernel_now(k);
    }
}

void trouble_of_network(kernel *k, const char *text) {
    copy(k->egress.trouble, text);
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
    keel_json_set_text(w, "name", cn->name);
    keel_json_set_text(w, "state", state_of(k, cn));
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
