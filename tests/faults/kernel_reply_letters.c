/* to_origin, letter by letter: what strangers write into their messages, and what an agent says that it
 * answers and to whom. */
#include "replyscene.h"

typedef struct letter {
    const char *why, *read, *args;
    bool reply;
} letter;

#define TO(to)      "{\"in_reply_to\":\"1@client.example\",\"to\":" to "}"
#define ANSWERS(id) "{\"in_reply_to\":" id ",\"to\":\"ada@client.example\"}"

static const letter letters[] = {
    {"the sender", ADA, ADA_ANSWERED, true},
    {"one text", ADA, TO("\"ada@client.example\""), true},
    {"twice the same", ADA, TO("[\"ada@client.example\",\"ada@client.example\"]"), true},
    {"the case of a domain", ITEM("1@client.example", "ada@Client.EXAMPLE"), ADA_ANSWERED, true},
    {"brackets of the id", ADA, ANSWERS("\"<1@client.example>\""), true},
    {"read twice", ADA "," ADA, ADA_ANSWERED, true},
    {"among others", ITEM("2@client.example", "m@evil.example") "," ADA, ADA_ANSWERED, true},
    {"a copy to the sender too", ADA,
     "{\"cc\":\"ada@client.example\",\"in_reply_to\":\"1@client.example\",\"to\":\"ada@client."
     "example\"}",
     true},

    {"somebody else", ADA, TO("[\"m@evil.example\"]"), false},
    {"a second recipient", ADA, TO("[\"ada@client.example\",\"m@evil.example\"]"), false},
    {"a second one in cc", ADA,
     "{\"cc\":[\"m@evil.example\"],\"in_reply_to\":\"1@client.example\",\"to\":[\"ada@client."
     "example\"]}",
     false},
    {"a second one in bcc", ADA,
     "{\"bcc\":\"m@evil.example\",\"in_reply_to\":\"1@client.example\",\"to\":\"ada@client.example"
     "\"}",
     false},
    {"a nested one", ADA, TO("[[\"ada@client.example\"],[\"m@evil.example\"]]"), false},
    {"no recipient", ADA, "{\"in_reply_to\":\"1@client.example\"}", false},
    {"an empty list", ADA, TO("[]"), false},
    {"a recipient of null", ADA, TO("null"), false},
    {"a recipient of no text", ADA, TO("{\"address\":\"ada@client.example\"}"), false},
    {"a name beside it", ADA, TO("\"Ada <ada@client.example>\""), false},
    {"a list in one text", ADA, TO("\"ada@client.example,m@evil.example\""), false},
    {"a blank behind it", ADA, TO("\"ada@client.example \""), false},
    {"a line break behind it", ADA, TO("\"ada@client.example\\nBcc: m@evil.example\""), false},
    {"a NUL behind it", ADA, TO("\"ada@client.example\\u0000\""), false},
    {"another case of the name", ADA, TO("\"Ada@client.example\""), false},
    {"a dot behind the domain", ADA, TO("\"ada@client.example.\""), false},
    {"below the domain", ADA, TO("\"ada@client.example.evil.example\""), false},
    {"a look-alike", ADA,
     TO("\"ada@cl\xd1\x96"
        "ent.example\""),
     false},
    {"a look-alike that wrote",
     ITEM("1@client.example", "ada@cl\xd1\x96"
                              "ent.example"),
     TO("\"ada@cl\xd1\x96"
        "ent.example\""),
     false},
    {"its other writing", ITEM("1@client.example", "ada@xn--clent-2ve.example"),
     TO("\"ada@cl\xd1\x96"
        "ent.example\""),
     false},
    {"a full-width sign", ADA,
     TO("\"ada\xef\xbc\xa0"
        "client.example\""),
     false},

    {"what was not read", ADA, ANSWERS("\"2@client.example\""), false},
    {"nothing", ADA, "{\"to\":[\"ada@client.example\"]}", false},
    {"an empty text", ADA, ANSWERS("\"\""), false},
    {"two things", ADA, ANSWERS("[\"1@client.example\",\"2@client.example\"]"), false},
    {"a map", ADA, ANSWERS("{\"id\":\"1@client.example\"}"), false},
    {"brackets twice", ADA, ANSWERS("\"<<1@client.example>>\""), false},
    {"another case of the id", ADA, ANSWERS("\"1@Client.example\""), false},
    {"a blank in the id", ADA, ANSWERS("\" 1@client.example\""), false},
    {"its references alone", ADA,
     "{\"references\":[\"1@client.example\"],\"to\":[\"ada@client.example\"]}", false},
    {"the agent's own word", ADA,
     "{\"in_reply_to\":\"9\",\"sender\":\"ada@client.example\",\"to\":\"ada@client.example\",\"to_"
     "origin\":true}",
     false},

    {"a copied id", ADA "," ITEM("1@client.example", "m@evil.example"), ADA_ANSWERED, false},
    {"a copied id, before", ITEM("1@client.example", "m@evil.example") "," ADA, ADA_ANSWERED,
     false},
    {"a copied id by nobody", ADA "," ITEM("1@client.example", ""), ADA_ANSWERED, false},
    {"a copied id in brackets", ADA "," ITEM("<1@client.example>", "m@evil.example"), ADA_ANSWERED,
     false},
    {"no sender", "{\"message_id\":\"1@client.example\"}", ADA_ANSWERED, false},
    {"no id", "{\"sender\":\"ada@client.example\"}", ADA_ANSWERED, false},
    {"no id, and none is answered", "{\"message_id\":\"\",\"sender\":\"ada@client.example\"}",
     ANSWERS("\"\""), false},
    {"several senders",
     "{\"message_id\":\"1@client.example\",\"sender\":[\"ada@client.example\",\"m@evil.example\"]}",
     ADA_ANSWERED, false},
    {"a sender with a name", ITEM("1@client.example", "Ada <ada@client.example>"), ADA_ANSWERED,
     false},
    {"a sender that is a list", ITEM("1@client.example", "ada@client.example,m@evil.example"),
     TO("\"ada@client.example,m@evil.example\""), false},
    {"two signs", ITEM("1@client.example", "ada@client.example@evil.example"),
     TO("\"ada@client.example@evil.example\""), false},
    {"an answer's other fields",
     "{\"from\":\"ada@client.example\",\"message_id\":\"1@client.example\",\"reply_to\":\"ada@"
     "client.example\",\"sender\":\"m@evil.example\"}",
     ADA_ANSWERED, false},
    {"a nested item", "{\"items\":[" ADA "],\"message_id\":\"3\",\"sender\":\"m@evil.example\"}",
     ADA_ANSWERED, false},
};

/* Each is a run of its own; what one has read is nothing to the next, though their ids are the same. */
static void letter_by_letter(void **state) {
    sim_op ops[] = {LOOK, REPLY};
    (void)state;
    sim_world *w = mail_scene(REPLIES, "", ops, COUNT(ops));
    for (size_t i = 0; i < COUNT(letters); i++) {
        const letter *x = &letters[i];
        char request[40], sql[400];
        keel_buf args = KEEL_BUF_INIT, items = KEEL_BUF_INIT;
        keel_buf_printf(
            &args, "{\"args\":%s,\"resource\":\"message\",\"use\":\"inbox\",\"verb\":\"write\"}",
            x->args);
        keel_buf_printf(&items, ITEMS("%s"), x->read);
        ops[1].args = args.data;
        snprintf(request, sizeof request, "do-%06zu", i);
        scene_do(w, request);
        scene_answer(w, items.data);
        snprintf(sql, sizeof sql, SAID("%s") " AND j.run = %zu", x->reply ? "true" : "false",
                 i + 1);
        if (w->held_count != (size_t)x->reply || sim_number(w, sql) != 1) {
            fail_msg("%s: it is %sa reply", x->why, x->reply ? "not " : "");
        }
        if (x->reply) {
            scene_answer(w, APPLIED);
        }
        keel_buf_free(&args);
        keel_buf_free(&items);
    }
    scene_end(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(letter_by_letter)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
