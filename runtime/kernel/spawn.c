/* ctx.spawn: a run of another agent. It is our own transaction, so its outcome is known at once. */
#include <string.h>

#include "grants.h"
#include "override.h"
#include "parts.h"
#include "short.h"
#include "sums.h"

int spawn_resolve(kernel *k, call *c, char *why, size_t size) {
    char agent[64], key[256];
    snprintf(c->target, sizeof c->target, "run.spawn");
    c->class = CLASS_LOCAL;
    c->args = keel_json_view(c->request.data, c->request.len);
    if (keel_json_get(c->args, "key").len && !body_text(c->args, "key", key, sizeof key)) {
        snprintf(why, size, "a key is a text of up to 255 bytes");
        return -1;
    }
    if (!body_text(c->args, "agent", agent, sizeof agent) ||
        !library_agent(k->world.library, agent)) {
        snprintf(why, size, "there is no agent of that name in this workspace");
        return -1;
    }
    keel_buf schema = KEEL_BUF_INIT;
    int rc = quarantine_asked(c->args, &schema, why, size);
    keel_buf_free(&schema);
    return rc;
}

static void spawn_body(kernel *k, call *c, const char *agent, keel_json decision, bool existing,
                       uint64_t child, const label_told *read) {
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_text(&w, "agent", agent);
    if (c->approved) {
        keel_json_set_int(&w, "approval", (int64_t)c->approved);
    }
    keel_json_set_text(&w, "call", c->call_digest);
    keel_json_set_raw(&w, "decision", decision);
    keel_json_set_bool(&w, "existing", existing);
    if (c->grant) {
        keel_json_set_int(&w, "grant", (int64_t)c->grant);
    }
    keel_json_key(&w, "holds");
    budget_holds_json(c->holds, c->hold_count, &w);
    override_put(k, c, &w);
    keel_json_set_int(&w, "run", (int64_t)child);
    label_put_level(read, &w);
    label_put_taint(read, &w);
    keel_json_object_end(&w);
}

static void settle(kernel *k, call *c, bool begins) {
    for (size_t i = 0; i < c->hold_count; i++) {
        if (begins) {
            budget_settle(k->budgets, k->world.policy, &c->holds[i], -1);
        } else {
            budget_release(k->budgets, &c->holds[i]);
        }
    }
    if (!begins) {
        c->hold_count = 0;
        short_freed(k);
    }
}

static uint64_t begin(kernel *k, call *c, const char *agent, const char *key, const char *schema) {
    policy_query q;
    keel_buf quarantine = KEEL_BUF_INIT;
    if (*schema) {
        effect_query(k, c, &q);
        quarantine_write(schema, policy_endorses(k->world.policy, &q, schema), &quarantine);
    }
    run_spec s = {.plugin = library_agent(k->world.library, agent),
                  .input = keel_json_get(c->args, "input"),
                  .key = key,
                  .parent = c->run->id,
                  .tree = c->run->tree,
                  .depth = c->run->depth + 1,
                  .parent_path = c->path,
                  .label = c->run->label,
                  .quarantine = keel_json_view(quarantine.data, quarantine.len)};
    uint64_t child = run_begin(k, &s)->id;
    keel_buf_free(&quarantine);
    return child;
}

/* The run that is there may be none that this one may look at. */
static bool may_have(kernel *k, call *c, keel_json decision, const beginning *begun,
                     const char *schema) {
    char why[400];
    const plugin *p = c->run->plugin;
    if (!quarantine_same(&begun->quarantine, schema)) {
        effect_denied(k, c, decision, "conflict", NULL,
                      "the run of that key began with another quarantine, or with none");
        return false;
    }
    if (!plugin_takes(p, begun->label)) {
        plugin_refuses(p, "what the run of that key began with", begun->label, why, sizeof why);
        effect_denied(k, c, decision, "denied", "max_taint", why);
        return false;
    }
    return true;
}

void spawn_go(kernel *k, call *c, keel_json decision) {
    char agent[64], key[256], why[256];
    keel_buf schema = KEEL_BUF_INIT;
    beginning begun = {.label = LABEL_NONE};
    keel_buf_puts(&schema, "");
    quarantine_asked(c->args, &schema, why, sizeof why); /* it is closed: spawn_resolve looked */
    body_text(c->args, "agent", agent, sizeof agent);
    bool keyed = body_text(c->args, "key", key, sizeof key);
    uint64_t child = keyed ? run_by_key(k, agent, key, &begun) : 0;
    bool existing = child != 0;
    settle(k, c, !existing);
    if (existing && !may_have(k, c, decision, &begun, schema.data)) {
        keel_buf_free(&begun.quarantine);
        keel_buf_free(&schema);
        return;
    }
    child = existing ? child : begin(k, c, agent, keyed ? key : NULL, schema.data);
    label_told read = run_reads(c->run, begun.label); /* that it is there tells who asked for it */
    spawn_body(k, c, agent, decision, existing, child, &read);
    journal_effect(k, RECORD_SPAWN, c, &k->scratch);
    grant_use(k, c);
    if (!existing) {
        sums_sent(k, c);
    }
    keel_buf out = KEEL_BUF_INIT;
    keel_buf_printf(&out, "{\"ok\":{\"existing\":%s,\"run\":%llu}}", existing ? "true" : "false",
                    (unsigned long long)child);
    call_answer(k, c, out.data, out.len);
    keel_buf_free(&out);
    keel_buf_free(&begun.quarantine);
    keel_buf_free(&schema);
    call_free(k, c);
}
