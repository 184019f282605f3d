#include "pollscene.h"

void inbox_keel_yaml(const char *root, const char *lines) {
    char text[512];
    snprintf(text, sizeof text,
             "version: 1\nname: sim\nconnections:\n"
             "  out: { use: \"org.example.out@1\", config: { folder: \"out\" } }\n"
             "  inbox: { use: \"org.example.mail@1\"%s }\n",
             lines);
    sim_put(root, "keel.yaml", text);
}

void inbox_folder(const char *root) {
    sim_put(root, "connectors/mail/manifest.yaml",
            "id: org.example.mail\nkind: connector\nversion: 1.0.0\nentry: mail.lua\n"
            "resources:\n  message: { read: { returns: untrusted } }\n"
            "  note: { read: {} }\n  letter: { write: { class: once } }\n");
    sim_put(root, "connectors/mail/mail.lua", "return nil\n");
    inbox_keel_yaml(root, ", poll: { " POLL " }");
}

sim_world *inbox_scene(const char *rules, const sim_op *ops, size_t count) {
    sim_world *w = scene(FREE, ops, count);
    inbox_folder(w->root);
    scene_policy(w, rules);
    scene_restart(w);
    return w;
}

sim_world *inbox_scene_known(const char *rules, const sim_op *ops, size_t count) {
    sim_world *w = inbox_scene(rules, ops, count);
    inbox_has(w, ITEM("a"));
    return w;
}

void read_is_out(const sim_world *w, const char *args) {
    assert_int_equal(w->held_count, 1);
    assert_string_equal(w->held[0].verb, "read");
    assert_string_equal(w->held[0].resource, "message");
    assert_string_equal(w->held[0].body, args);
}

void inbox_has(sim_world *w, const char *items) {
    keel_buf body = KEEL_BUF_INIT;
    keel_buf_printf(&body, "{\"result\":{\"items\":[%s]}}", items);
    read_is_out(w, "{}");
    scene_answer(w, body.data);
    keel_buf_free(&body);
}

void later_inbox_has(sim_world *w, const char *items) {
    assert_int_equal(w->held_count, 0);
    scene_pass(w, 61);
    inbox_has(w, items);
}

void list_of(keel_buf *out, int from, int count, const char *rest) {
    keel_buf_clear(out);
    keel_buf_puts(out, "{\"result\":{\"items\":[");
    for (int i = 0; i < count; i++) {
        keel_buf_printf(out, "%s{\"id\":\"%d\"}", i ? "," : "", from + i);
    }
    keel_buf_printf(out, "]%s}}", rest);
}
