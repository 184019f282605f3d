/* What the scenes of answers share: connections inbox and work of one mailbox, whose messages name who has
 * written them, and a policy that lets answers go and asks for all else. */
#ifndef REPLYSCENE_H
#define REPLYSCENE_H

#include "taintscene.h"

#define REPLIES "  - { id: replies, on: \"*.*.write\", allow: { to_origin: true }, ask: {} }\n"
#define CALL(use, resource, verb, args)                                                            \
    {                                                                                              \
        "effect", use "." resource "." verb,                                                       \
            "{\"args\":" args ",\"resource\":\"" resource "\",\"use\":\"" use                      \
            "\",\"verb\":\"" verb "\"}"                                                            \
    }
#define LOOK             CALL("inbox", "message", "read", "{}")
#define REPLY            CALL("inbox", "message", "write", ADA_ANSWERED)
#define ITEMS(list)      "{\"result\":{\"items\":[" list "]}}"
#define ITEM(id, sender) "{\"message_id\":\"" id "\",\"sender\":\"" sender "\"}"
#define ADA              ITEM("1@client.example", "ada@client.example")
#define ADA_ANSWERED     "{\"in_reply_to\":\"1@client.example\",\"to\":[\"ada@client.example\"]}"
/* Effects whose decision has seen that. */
#define SAID(value)                                                                                \
    "SELECT count(DISTINCT run || ' ' || path) FROM journal j LEFT JOIN payload p"                 \
    " ON p.digest = j.digest WHERE j.run > 0 AND instr(CAST(coalesce(j.body, p.bytes) AS TEXT),"   \
    " '\"to_origin\":" value "')"

/* Boss's program over those, with these lines of the connection inbox beside its `use`. */
sim_world *mail_scene(const char *rules, const char *inbox, const sim_op *ops, size_t count);
void mail_keel_yaml(const sim_world *w, const char *inbox);

#endif
