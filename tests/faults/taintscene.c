#include "taintscene.h"

static const char data[] =
    "id: org.example.data\nkind: connector\nversion: 1.0.0\nentry: data.lua\n"
    "resources:\n"
    "  note:   { read: {} }\n"
    "  open:   { sensitivity: public, read: {} }\n"
    "  ad:     { sensitivity: public, read: { returns: untrusted } }\n"
    "  plan:   { sensitivity: confidential, read: {} }\n"
    "  letter: { read: { returns: untrusted, sensitivity: confidential } }\n"
    "  key:    { sensitivity: restricted, read: {} }\n"
    "  out:    { sensitivity: public, write: { class: once, sink: external } }\n"
    "  home:   { sensitivity: public, write: { class: once, sink: internal } }\n";

void taint_keel_yaml(const sim_world *w, const char *lines) {
    char text[512];
    snprintf(text, sizeof text,
             "version: 1\nname: sim\nconnections:\n"
             "  out: { use: \"org.example.out@1\", config: { folder: \"out\" } }\n"
             "  in: { use: \"org.example.data@1\"%s }\n",
             lines);
    sim_put(w->root, "keel.yaml", text);
}

void taint_agent(const sim_world *w, const char *name, const char *more) {
    char file[80], text[400];
    snprintf(file, sizeof file, "agents/%s/manifest.yaml", name);
    snprintf(text, sizeof text,
             "id: org.example.%s\nkind: agent\nname: %s\nversion: 1.0.1\nentry: %s.lua\n%s", name,
             name, name, more);
    sim_put(w->root, file, text);
}

sim_world *taint_scene(const char *rules, const sim_op *ops, size_t count) {
    sim_world *w = scene(FREE, ops, count);
    sim_put(w->root, "connectors/data/manifest.yaml", data);
    sim_put(w->root, "connectors/data/data.lua", "return nil\n");
    taint_keel_yaml(w, "");
    scene_policy(w, rules);
    scene_restart(w);
    return w;
}

void label_is(sim_world *w, int run, bool tainted, const char *level) {
    char sql[160];
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM run WHERE id = %d AND tainted = %d AND sensitivity = '%s'", run,
             tainted, level);
    if (sim_number(w, sql) != 1) {
        fail_msg("run %d is not tainted = %d, %s", run, tainted, level);
    }
}

void run_told(sim_world *w, int run, const char *text, int count) {
    char sql[500];
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM journal j LEFT JOIN payload p ON p.digest = j.digest"
             " WHERE j.run > 0 AND %d IN (0, j.run)"
             " AND instr(CAST(coalesce(j.body, p.bytes) AS TEXT), '%s')",
             run, text);
    number_is(w, sql, count);
}

void told(sim_world *w, const char *text, int count) {
    run_told(w, 0, text, count);
}
