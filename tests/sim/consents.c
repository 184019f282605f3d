/* What each consent is good for: an approval once, for what was signed; a grant as often as it says, for
 * the same arguments of the same agent, until it ends. */
#include <stdio.h>
#include <string.h>

#include "model.h"
#include "sim.h"

static void text(keel_json body, const char *key, char *to, size_t size) {
    to[0] = 0;
    keel_json_copy(keel_json_get(body, key), to, size);
}

static int64_t integer(keel_json body, const char *key) {
    int64_t n = 0;
    keel_json_int(keel_json_get(body, key), &n);
    return n;
}

static model_item *item_of(model *m, uint64_t number) {
    for (size_t i = m->item_count; i-- > 0;) {
        if (m->items[i].number == number) {
            return &m->items[i];
        }
    }
    return NULL;
}

void consents_asked(model *m, const journal_row *row, const model_effect *e) {
    uint64_t number = (uint64_t)integer(row->body, "number");
    if (!number) {
        return;
    }
    model_item *i = item_of(m, number);
    if (!i) {
        m->items = keel_realloc(m->items, (m->item_count + 1) * sizeof *m->items);
        i = &m->items[m->item_count++];
        *i = (model_item){.number = number, .run = row->run};
        snprintf(i->path, sizeof i->path, "%s", row->path);
        i->expires_at = integer(row->body, "expires_us");
    }
    i->covers = false; /* an edit: what was signed is not this */
    memcpy(i->args, e->args, sizeof i->args);
    text(row->body, "approval", i->approval, sizeof i->approval);
}

void consents_given(model *m, const journal_row *row) {
    char approval[DIGEST_HEX];
    model_item *i = item_of(m, (uint64_t)integer(row->body, "number"));
    text(row->body, "approval", approval, sizeof approval);
    if (i) {
        i->given_at = row->at;
        i->covers = !strcmp(approval, i->approval);
    }
}

/* ---- grants ---- */

static model_grant *grant_of(const model *m, uint64_t number) {
    for (size_t i = m->grant_count; i-- > 0;) {
        if (m->grants[i].number == number) {
            return &m->grants[i];
        }
    }
    return NULL;
}

static void grant_given(model *m, const journal_row *row) {
    keel_json scope = keel_json_get(row->body, "scope");
    model_item *i = item_of(m, (uint64_t)integer(row->body, "grant"));
    if (!i || !i->consumed) {
        violate(m->s, "I5", "grant %lld is given, and what was approved was not sent",
                (long long)integer(row->body, "grant"));
        return;
    }
    m->grants = keel_realloc(m->grants, (m->grant_count + 1) * sizeof *m->grants);
    model_grant *g = &m->grants[m->grant_count++];
    *g = (model_grant){.number = i->number,
                       .expires_at = integer(row->body, "expires_us"),
                       .left = integer(scope, "max_uses")};
    memcpy(g->args, i->args, sizeof g->args);
    text(scope, "agent", g->agent, sizeof g->agent);
    text(scope, "target", g->target, sizeof g->target);
}

void consents_host(model *m, const journal_row *row) {
    char life[17];
    model_grant *g;
    switch (row->kind) {
    case RECORD_GRANT_GIVEN:
        grant_given(m, row);
        break;
    case RECORD_GRANT_ENDED:
        g = grant_of(m, (uint64_t)integer(row->body, "grant"));
        if (g) {
            g->left = 0;
        }
        break;
    case RECORD_BOOT: /* another life of the workspace knows none */
        text(row->body, "incarnation", life, sizeof life);
        for (size_t i = 0; strcmp(life, m->life) != 0 && i < m->grant_count; i++) {
            m->grants[i].left = 0;
        }
        memcpy(m->life, life, sizeof life);
        break;
    default:
        break;
    }
}

/* I5: as often as was signed, for what was signed, until then. */
static void granted(model *m, const journal_row *row, model_effect *e, uint64_t number) {
    model_grant *g = grant_of(m, number);
    if (!g || g->left-- <= 0) {
        violate(m->s, "I5", "%s goes by grant %llu, which has ended or is used up", e->target,
                (unsigned long long)number);
    } else if (row->at >= g->expires_at) {
        violate(m->s, "I5", "grant %llu was used %lld us after it expired",
                (unsigned long long)number, (long long)(row->at - g->expires_at));
    } else if (strcmp(g->target, e->target) || strcmp(g->args, e->args) ||
               strcmp(g->agent, model_agent(m, e->run))) {
        violate(m->s, "I5", "grant %llu was given for something else", (unsigned long long)number);
    }
    e->consented = true;
}

/* I5: used once, for what was signed, before it expired. */
void consents_consumed(model *m, const journal_row *row, model_effect *e) {
    uint64_t number = (uint64_t)integer(row->body, "approval");
    uint64_t grant = (uint64_t)integer(row->body, "grant");
    keel_json said = keel_json_path(row->body, "decision.verdict");
    if (grant) {
        granted(m, row, e, grant);
        return;
    }
    if (!number) {
        if ((keel_json_is(said, "ask") && !e->consented) ||
            (keel_json_is(said, "deny") && !integer(row->body, "override"))) {
            violate(m->s, "I5", "%s in run %llu was asked for or denied, and nobody let it",
                    e->target, (unsigned long long)e->run);
        }
        return;
    }
    model_item *i = item_of(m, number);
    if (!i || !i->given_at || !i->covers) {
        violate(m->s, "I5", "%s goes by approval %llu, which was not given for it", e->target,
                (unsigned long long)number);
    } else if (i->consumed++) {
        violate(m->s, "I5", "approval %llu is used a second time", (unsigned long long)number);
    } else if (i->run != e->run || strcmp(i->path, e->path) || strcmp(i->args, e->args)) {
        violate(m->s, "I5", "approval %llu was given for something else",
                (unsigned long long)number);
    } else if (i->expires_at && row->at >= i->expires_at) {
        violate(m->s, "I5", "approval %llu was used %lld us after it expired",
                (unsigned long long)number, (long long)(row->at - i->expires_at));
    }
    e->consented = true;
}
