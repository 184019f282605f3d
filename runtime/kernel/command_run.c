/* Commands about runs: do, run.cancel, run.send. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "yamltree.h"

static int no_agent(kernel *k, const char *name, diag *d) {
    size_t count = library_count(k->world.library), agents = 0;
    const char **names = keel_alloc((count + 1) * sizeof *names);
    for (size_t i = 0; i < count; i++) {
        const manifest *m = library_get(k->world.library, i)->manifest;
        if (m->kind == PLUGIN_AGENT) {
            names[agents++] = m->name;
        }
    }
    names[agents] = NULL;
    const char *near = did_you_mean(name, names);
    diag_set(d, DIAG_NOT_FOUND, "there is no agent named %s in this workspace", name);
    if (near) {
        diag_next(d, "did you mean %s? See: keel agent list", near);
    } else {
        diag_next(d, "see: keel agent list");
    }
    free(names);
    return d->code;
}

static int above_bound(const plugin *p, const char *what, item_label of, diag *d) {
    char why[400];
    plugin_refuses(p, what, of, why, sizeof why);
    diag_set(d, DIAG_DENIED, "%s", why);
    return diag_next(d, "give it to an agent that may read it, or correct --untrusted and "
                        "--sensitivity");
}

int command_do(kernel *k, command *c, diag *d) {
    char agent[64] = "", key[256];
    body_text(c->args, "agent", agent, sizeof agent);
    const plugin *p = library_agent(k->world.library, agent);
    if (!p) {
        return no_agent(k, agent, d);
    }
    keel_json wanted = keel_json_get(c->args, "key");
    bool keyed = body_text(c->args, "key", key, sizeof key);
    if (wanted.len && (!keyed || !key[0])) {
        return diag_set(d, DIAG_USAGE, "a key is a text of 1 to 255 bytes");
    }
    keel_json input = keel_json_get(c->args, "input");
    item_label given;
    beginning begun = {0};
    if (label_given(c->args, input, &given, d)) {
        return d->code;
    }
    if (!plugin_takes(p, given)) {
        return above_bound(p, "this input", given, d);
    }
    uint64_t id = keyed ? run_by_key(k, agent, key, &begun) : 0;
    bool existing = id != 0;
    keel_buf_free(&begun.quarantine);
    if (!existing) {
        run_spec s = {.plugin = p, .input = input, .key = keyed ? key : NULL, .label = given};
        if (!input.len) {
            s.input = keel_json_view("{}", 2);
        }
        run *r = run_begin(k, &s);
        id = r->id;
        if (map_get(&k->runs, id)) {
            kernel_log(k, "info", id, "%s %s begins", agent, p->manifest->version);
        }
    }
    keel_buf_printf(&c->result, "{\"existing\":%s,\"run\":%llu}", existing ? "true" : "false",
                    (unsigned long long)id);
    return 0;
}

void do_answered(kernel *k, const command *c, keel_json result) {
    int64_t id = 0;
    keel_json follow = keel_json_get(c->args, "follow");
    bool quiet = keel_json_is(follow, "end");
    if ((quiet || keel_json_true(follow)) && keel_json_int(keel_json_get(result, "run"), &id)) {
        ending end = {0};
        uint64_t last = (uint64_t)id;
        const run *r = run_of_chain(k, &last, &end);
        follow_run(k, c->client, c->ref, last, r ? r->tree : NULL, quiet);
        ending_free(&end);
    }
}

int command_find_run(kernel *k, command *c, run **out, diag *d) {
    int64_t id = 0;
    ending end = {0};
    keel_json_int(keel_json_get(c->args, "run"), &id);
    uint64_t last = (uint64_t)id;
    *out = id > 0 ? run_of_chain(k, &last, &end) : NULL;
    ending_free(&end);
    if (!*out && map_get(&k->standing, (uint64_t)id)) {
        diag_set(
            d, DIAG_CONFLICT,
            "run %lld stands still: the version of its agent is not in .keel/plugins as it was "
            "installed",
            (long long)id);
        return diag_next(d, "put it back, then: keel down, keel up");
    }
    if (!*out) {
        diag_set(d, DIAG_NOT_FOUND, "run %lld is not open", (long long)id);
        return diag_next(d, "see: keel run list");
    }
    return 0;
}

int command_run_cancel(kernel *k, command *c, diag *d) {
    run *r;
    char why[256] = "cancelled by the operator";
    int rc = command_find_run(k, c, &r, d);
    if (!rc) {
        bool only = keel_json_true(keel_json_get(c->args, "only"));
        body_text(c->args, "why", why, sizeof why);
        (only ? run_cancel : run_cancel_tree)(k, r, why[0] ? why : "cancelled by the operator");
    }
    return rc;
}

int command_run_resume(kernel *k, command *c, diag *d) {
    run *r;
    int rc = command_find_run(k, c, &r, d);
    if (rc) {
        return rc;
    }
    if (r->state != RUN_PAUSED) {
        diag_set(d, DIAG_CONFLICT, "run %llu is not paused", (unsigned long long)r->id);
        return diag_next(d, "see what it waits for: keel run show %llu", (unsigned long long)r->id);
    }
    run_resume(k, r);
    return 0;
}

int command_run_send(kernel *k, command *c, diag *d) {
    run *r;
    char name[64];
    int rc = command_find_run(k, c, &r, d);
    if (rc) {
        return rc;
    }
    if (!body_text(c->args, "name", name, sizeof name) || !name[0]) {
        return diag_set(d, DIAG_USAGE, "an event has a name of 1 to 63 bytes");
    }
    keel_json body = keel_json_get(c->args, "body");
    item_label given;
    if (label_given(c->args, body, &given, d)) {
        return d->code;
    }
    if (!plugin_takes(r->plugin, given)) {
        return above_bound(r->plugin, "this event", given, d);
    }
    label_told told = {given.level != SENSITIVITY_DEFAULT, given};
    keel_json_writer w;
    k->scratch.len = 0;
    keel_json_write(&w, &k->scratch);
    keel_json_object(&w);
    keel_json_set_raw(&w, "body", body);
    keel_json_set_text(&w, "name", name);
    label_put_level(&told, &w);
    label_put_taint(&told, &w);
    keel_json_object_end(&w);
    event *e = keel_alloc(sizeof *e);
    *e = (event){.name = keel_strdup(name), .label = given};
    e->seq = journal_run(k, RECORD_EVENT, r, "", &k->scratch);
    keel_buf_puts(&e->body, "");
    if (body.len) {
        keel_buf_append(&e->body, body.data, body.len);
    } else {
        keel_buf_puts(&e->body, "null");
    }
    event_arrived(k, r, e);
    return 0;
}
