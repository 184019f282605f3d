#include "replyscene.h"

static const char mail[] =
    "id: org.example.mail\nkind: connector\nversion: 1.0.0\nentry: mail.lua\n"
    "resources:\n"
    "  message:\n"
    "    read: { returns: untrusted, items: { id: message_id, sender: sender } }\n"
    "    write: { class: once, sink: external }\n"
    "    attributes: { to_origin: { of: [to, cc, bcc], fn: origin, answers: in_reply_to } }\n"
    "  draft:\n"
    "    write: { class: checkable, undo: compensate }\n"
    "    compensate: { class: checkable }\n"
    "    attributes:\n"
    "      to_origin: { of: [to, cc, bcc], fn: origin, answers: in_reply_to, among: message }\n"
    "  note:\n"
    "    read: { items: { id: message_id, sender: sender } }\n"
    "  other: { read: {}, write: { class: once } }\n";

void mail_keel_yaml(const sim_world *w, const char *inbox) {
    char text[600];
    snprintf(text, sizeof text,
             "version: 1\nname: sim\nconnections:\n"
             "  out: { use: \"org.example.out@1\", config: { folder: \"out\" } }\n"
             "  work: { use: \"org.example.mail@1\" }\n"
             "  inbox: { use: \"org.example.mail@1\"%s }\n",
             inbox);
    sim_put(w->root, "keel.yaml", text);
}

sim_world *mail_scene(const char *rules, const char *inbox, const sim_op *ops, size_t count) {
    sim_world *w = scene(FREE, ops, count);
    sim_put(w->root, "connectors/mail/manifest.yaml", mail);
    sim_put(w->root, "connectors/mail/mail.lua", "return nil\n");
    mail_keel_yaml(w, inbox);
    scene_policy(w, rules);
    scene_restart(w);
    return w;
}
