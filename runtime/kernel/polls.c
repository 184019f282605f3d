#include "polls.h"
#include "breaker.h"
#include "trouble.h"

#include <stdlib.h>
#include <string.h>

/* ---- what keel.yaml says ---- */

static const manifest_resource *resource_of(const poller *p) {
    return manifest_find(p->cn->plugin->manifest, p->resource);
}

int poll_check(const manifest *m, const workspace_connection *c, diag *d) {
    for (size_t i = 0; i < c->poll_count; i++) {
        const workspace_poll *p = &c->polls[i];
        const manifest_resource *r = manifest_find(m, p->resource);
        if (!r) {
            diag_at(d, DIAG_USAGE, "keel.yaml", p->line, p->column,
                    "the connection %s polls %s, and %s has no such resource", c->name, p->resource,
                    m->id);
            return diag_next(d, "`keel connection show %s` lists what there is.", c->name);
        }
        if (!r->verbs[VERB_READ].present) {
            diag_at(d, DIAG_USAGE, "keel.yaml", p->line, p->column,
                    "the connection %s polls %s, which %s cannot read", c->name, p->resource,
                    m->id);
            return diag_next(d, "Take the line out: only what has a `read` can be polled.");
        }
        if (r->verbs[VERB_READ].cost_micros || r->verbs[VERB_READ].tokens.present) {
            diag_at(d, DIAG_USAGE, "keel.yaml", p->line, p->column,
                    "the connection %s polls %s, and each read of it costs money that no budget "
                    "would hold",
                    c->name, p->resource);
            return diag_next(d, "Take the line out, and let an agent read it under a budget.");
        }
    }
    return 0;
}

/* Whose items they are: with another login or config the same id is another item. */
static void account_of(const connection *cn, char out[17]) {
    static const char *const members[] = {"auth", "config", "plugin"};
    keel_json body = keel_json_view(cn->body.data, cn->body.len);
    keel_buf text = KEEL_BUF_INIT;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        keel_json v = keel_json_get(body, members[i]);
        keel_buf_append(&text, v.data, v.len);
        keel_buf_putc(&text, '\n');
    }
    digest d = digest_of(text.data, text.len);
    hex_encode(out, d.bytes, 8);
    keel_buf_free(&text);
}

poller *poll_find(kernel *k, const char *name) {
    poller *p = k->polls;
    while (p && strcmp(p->name, name) != 0) {
        p = p->next;
    }
    return p;
}

static poller *poll_of(kernel *k, const char *connection_name, const char *resource) {
    keel_buf name = KEEL_BUF_INIT;
    keel_buf_printf(&name, "%s.%s", connection_name, resource);
    poller *p = poll_find(k, name.data);
    if (!p) {
        p = keel_alloc(sizeof *p);
        *p = (poller){.next = k->polls, .name = keel_strdup(name.data)};
        p->resource = p->name + strlen(connection_name) + 1;
        p->holder.tree = &p->tree; /* it ends with no call */
        seen_begin(&p->ids);
        seen_begin(&p->fresh);
        k->polls = p;
        poll_load(k, p);
    }
    keel_buf_free(&name);
    return p;
}

static void take(kernel *k, connection *cn, const workspace_poll *wp) {
    char account[sizeof((poller *)0)->account];
    poller *p = poll_of(k, cn->name, wp->resource);
    account_of(cn, account);
    bool other = p->cn != cn, often = p->every_us != wp->every_us;
    if (other && p->known && strcmp(account, p->owner) != 0) {
        kernel_log(k, "info", 0, "%s: %s was changed: what is there now counts as seen", p->name,
                   cn->name);
    }
    memcpy(p->account, account, sizeof account);
    p->cn = cn;
    p->every_us = wp->every_us;
    if (other) {
        poll_forget_walk(p);
    }
    if (other || often) {
        poll_soon(k, p, 0);
    }
}

static const workspace_poll *wanted(const workspace *w, const poller *p) {
    for (size_t i = 0; i < w->connection_count; i++) {
        const workspace_connection *wc = &w->connections[i];
        size_t len = strlen(wc->name);
        for (size_t j = 0; !strncmp(wc->name, p->name, len) && j < wc->poll_count; j++) {
            if (p->resource == p->name + len + 1 && !strcmp(wc->polls[j].resource, p->resource)) {
                return &wc->polls[j];
            }
        }
    }
    return NULL;
}

void polls_take(kernel *k) {
    const workspace *w = k->world.workspace;
    for (poller *p = k->polls; p; p = p->next) {
        if (p->cn && !wanted(w, p)) {
            p->cn = NULL; /* what it knows is kept: it may come again */
            p->overdue = false;
            p->next_us = 0;
            timer_clear(&k->timers, &p->timer);
            poll_forget_walk(p);
        }
    }
    for (size_t i = 0; i < w->connection_count; i++) {
        connection *cn = connection_find(k, w->connections[i].name);
        for (size_t j = 0; cn && j < w->connections[i].poll_count; j++) {
            take(k, cn, &w->connections[i].polls[j]);
        }
    }
}

/* ---- when ---- */

static void ask(kernel *k, poller *p) {
    const manifest_resource *r = resource_of(p);
    if (!r || !r->verbs[VERB_READ].present) {
        return; /* load_world has refused it */
    }
    call *c = call_new(&p->holder, CALL_EFFECT, "0", "");
    if (!p->walking) {
        poll_begin_walk(p);
    }
    if (p->at.len) {
        keel_buf_printf(&c->request, "{\"cursor\":%.*s}", (int)p->at.len, p->at.data);
    } else {
        keel_buf_puts(&c->request, "{}");
    }
    snprintf(c->target, sizeof c->target, "%s.read", p->name);
    c->args = keel_json_view(c->request.data, c->request.len);
    c->args_digest = digest_of(c->args.data, c->args.len);
    c->connection = p->cn;
    c->resource = r;
    c->verb = &r->verbs[VERB_READ];
    c->verb_name = manifest_verb_name(VERB_READ);
    c->class = CLASS_READ;
    c->opened_us = kernel_now(k);
    c->attempt = 1;
    c->poll = p;
    memset(c->key, '0', sizeof c->key - 1); /* it is no effect of anybody's */
    p->call = c;
    p->overdue = false;
    dispatch(k, c);
}

static void try(kernel *k, poller *p) {
    if (!p->cn || p->call) {
        return;
    }
    p->next_us = 0;
    if (k->halted || k->stopping || !breaker_lets(p->cn, NULL)) {
        p->overdue = true;
    } else {
        ask(k, p);
    }
}

static void due(kernel *k, timer *t) {
    try(k, t->owner);
}

void poll_soon(kernel *k, poller *p, int64_t wait_us) {
    p->next_us = kernel_now(k) + wait_us;
    timer_set(&k->timers, &p->timer, k->env.boot_us(k->env.ctx) + wait_us, due, p);
}

void polls_go_on(kernel *k, const connection *cn) {
    for (poller *p = k->polls; p; p = p->next) {
        if (p->overdue && (!cn || p->cn == cn)) {
            try(k, p);
        }
    }
}

/* ---- what became of it ---- */

void poll_failed(kernel *k, poller *p, const char *why) {
    trouble_note(k, p->cn, why);
    if (!p->trouble[0]) { /* the first of many says it */
        kernel_log(k, "warn", 0, "%s cannot be polled: %s", p->name, why);
    }
    text_cut(p->trouble, sizeof p->trouble, why);
    p->trouble_us = p->last_us = kernel_now(k);
    poll_break_off(k, p);
    poll_soon(k, p, p->every_us);
}

static void went_well(kernel *k, poller *p) {
    if (p->trouble[0]) {
        kernel_log(k, "info", 0, "%s is polled again", p->name);
        p->trouble[0] = 0;
    }
    trouble_clear(k, p->cn);
    p->last_us = kernel_now(k);
    poll_soon(k, p, p->every_us);
}

/* The other side does not know the cursor any more with which the last poll ended. That of a page is
 * another matter: where it does not hold, this poll has failed, and no more than that. */
static bool is_lost_cursor(const poller *p, const char *code) {
    return p->at.len && !p->pages &&
           (!strcmp(code, "conflict") || !strcmp(code, "invalid") || !strcmp(code, "not_found"));
}

static void refused(kernel *k, poller *p, keel_json body) {
    char code[24] = "internal", text[512] = "the connector gave no reason";
    body_text(body, "code", code, sizeof code);
    keel_json_copy(keel_json_get(body, "message"), text, sizeof text);
    if (is_lost_cursor(p, code)) {
        kernel_log(k, "warn", 0,
                   "%s: the cursor of the last poll does not hold any more (%s), and the next one "
                   "reads from the start: what has an unknown id there is taken for new",
                   p->name, text);
        p->lost = true;
        poll_forget_walk(p);
        poll_soon(k, p, p->every_us);
    } else {
        poll_failed(k, p, text);
    }
}

static void answered(kernel *k, poller *p, keel_json result) {
    char why[240];
    int rc = poll_page(k, p, result, why, sizeof why);
    if (rc < 0) {
        poll_failed(k, p, why);
    } else if (rc == 0) {
        poll_soon(k, p, 0);
    } else {
        went_well(k, p);
    }
}

void poll_heard(kernel *k, call *c, call_heard heard, keel_json body) {
    poller *p = c->poll;
    bool stale = c->connection != p->cn || !p->walking; /* of a walk that was forgotten */
    p->call = NULL;
    call_free(k, c);
    if (stale) {
        poll_forget_walk(p);
        if (p->cn) {
            poll_soon(k, p, 0);
        }
    } else if (heard == HEARD_REPLY) {
        answered(k, p, keel_json_get(body, "result"));
    } else if (heard == HEARD_FAIL) {
        refused(k, p, body);
    } else if (heard == HEARD_DEATH) {
        char why[TROUBLE_TEXT];
        snprintf(why, sizeof why, "%.*s", (int)body.len, body.data);
        poll_failed(k, p, why);
    } else {
        poll_failed(k, p, "its connector's answer was not canonical JSON");
    }
}

void poll_unsent(kernel *k, call *c) {
    poller *p = c->poll;
    worker_drop(k, c);
    p->call = NULL;
    p->overdue = p->cn != NULL;
    call_free(k, c);
}

/* ---- for people ---- */

void polls_write(const kernel *k, const connection *cn, keel_json_writer *w) {
    keel_json_array(w);
    for (const poller *p = k->polls; p; p = p->next) {
        if (p->cn != cn) {
            continue;
        }
        keel_json_object(w);
        if (p->call) {
            keel_json_set_bool(w, "asking", true);
        }
        keel_json_set_int(w, "every_us", p->every_us);
        if (p->last_us) {
            keel_json_set_int(w, "last_us", p->last_us);
        }
        if (p->next_us) {
            keel_json_set_int(w, "next_us", p->next_us);
        }
        keel_json_set_text(w, "resource", p->resource);
        if (p->trouble[0]) {
            keel_json_set_text(w, "trouble", p->trouble);
            keel_json_set_int(w, "trouble_us", p->trouble_us);
        }
        keel_json_object_end(w);
    }
    keel_json_array_end(w);
}

void polls_free(kernel *k) {
    while (k->polls) {
        poller *p = k->polls;
        k->polls = p->next;
        if (p->call) {
            call_free(k, p->call);
        }
        timer_clear(&k->timers, &p->timer);
        seen_free(&p->ids);
        poll_forget_walk(p);
        keel_buf_free(&p->from);
        keel_buf_free(&p->at);
        keel_buf_free(&p->items);
        free(p->name);
        free(p);
    }
    news_free(k);
}
