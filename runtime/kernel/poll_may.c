/* Who may receive what is polled: policy decides the read that it is, when it is asked for and again when
 * it is handed over. */
#include <stdarg.h>
#include <string.h>

#include "polls.h"
#include "sums.h"

__attribute__((format(printf, 4, 5))) static void
refuse(keel_buf *refused, const char *code, const char *rule, const char *format, ...) {
    char why[700];
    va_list ap;
    va_start(ap, format);
    vsnprintf(why, sizeof why, format, ap);
    va_end(ap);
    outcome_error(refused, code, rule, why);
}

void poll_decide(kernel *k, const call *c, const poller *p, keel_buf *decision, keel_buf *refused) {
    char target[128], why[512] = "";
    const plugin *of = p->cn->plugin;
    const manifest_resource *m = manifest_find(of->manifest, p->resource);
    snprintf(target, sizeof target, "%s.read", p->name);
    attr_set_fill(k->attrs, m, keel_json_view("{}", 2));
    policy_query q = {.agent = c->run->plugin->manifest->name,
                      .target = target,
                      .class = plugin_verb_class(of, m, VERB_READ),
                      .tainted = c->run->label.untrusted,
                      .level = c->run->label.level};
    policy_decision d;
    q.attrs = attr_set_list(k->attrs, &q.attr_count);
    sums_see(k, &q);
    policy_decide(k->world.policy, &q, &d);
    policy_explain(k->world.policy, &q, &d, decision);
    body_text(keel_json_view(decision->data, decision->len), "why", why, sizeof why);
    if (!plugin_takes(c->run->plugin, poll_label(p))) {
        plugin_refuses(c->run->plugin, p->name, poll_label(p), why, sizeof why);
        refuse(refused, "denied", "max_taint", "%s", why);
    } else if (d.verdict == POLICY_DENY) {
        refuse(refused, "denied", d.rule_id, "%s", why);
    } else if (d.verdict == POLICY_ASK) {
        refuse(refused, "denied", d.rule_id,
               "policy has each %s asked for, which cannot be done for what is received: read it "
               "with ctx.use instead",
               target);
    }
}

bool poll_asked(kernel *k, call *c, keel_buf *decision, keel_buf *refused) {
    char name[80];
    size_t len = c->name ? strcspn(c->name, ".") : 0;
    const poller *p = c->name ? poll_find(k, c->name) : NULL;
    if (p && p->cn) {
        poll_decide(k, c, p, decision, refused);
        return true;
    }
    if (!c->name || !c->name[len] || len >= sizeof name) {
        return false;
    }
    snprintf(name, sizeof name, "%.*s", (int)len, c->name);
    const connection *cn = connection_find(k, name);
    if (!cn) {
        return false; /* a name of an event that somebody sends */
    }
    const char *resource = c->name + len + 1;
    const manifest_resource *m = manifest_find(cn->plugin->manifest, resource);
    if (m && m->verbs[VERB_READ].present) {
        refuse(refused, "invalid", NULL,
               "%s is not polled: add `poll: { %s: 60s }` to its connection in keel.yaml", c->name,
               resource);
    } else {
        refuse(refused, "invalid", NULL,
               "%s cannot be received: the connection %s reads nothing of that name", c->name,
               name);
    }
    return true;
}

uint64_t poll_digest(keel_json decision) {
    digest d = digest_of(decision.data, decision.len);
    return decision.len ? digest_word(&d) : 0;
}

static int on_receive(void *ctx, const journal_row *row) {
    *(uint64_t *)ctx = poll_digest(keel_json_get(row->body, "decision"));
    return 0;
}

uint64_t poll_decided(kernel *k, call *c) {
    if (!c->decided && c->seq) {
        reader_record(k->env.reads, c->seq, on_receive, &c->decided, NULL);
    }
    return c->decided;
}

bool poll_is_over(kernel *k, call *c, keel_buf *refused) {
    keel_buf decision = KEEL_BUF_INIT;
    const poller *p = c->name ? poll_find(k, c->name) : NULL;
    if (!c->name || (p && p->cn)) {
        return false;
    }
    if (!poll_asked(k, c, &decision, refused) && poll_decided(k, c)) {
        refuse(refused, "invalid", NULL,
               "%s is not polled any more: there is no connection %.*s any more", c->name,
               (int)strcspn(c->name, "."), c->name);
    }
    keel_buf_free(&decision);
    return refused->len > 0;
}
