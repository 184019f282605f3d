#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store_cases.h"

static const store_case cases[] = {
    {"boot",
     {{0}},
     {{"SELECT boot, started_us, stopped_us, first_seq, version FROM boot",
       "1|1000000|-|1|" KEEL_VERSION},
      {"SELECT halted, halted_why FROM control", "0|-"}}},
    {"stop", {{RECORD_STOP, 0, "", "{}"}}, {{"SELECT boot, stopped_us FROM boot", "1|2000000"}}},
    {"command",
     {{RECORD_COMMAND, 0, "", "{'answer':1,'digest':'" HEX "','name':'do','request':'q'}"}},
     {{"SELECT id, name, digest, seq FROM request", "q|do|" HEX "|2"}}},
    {"policy",
     {{RECORD_POLICY, 0, "",
       "{'digest':'" HEX "','files':[{'digest':'" HEX2 "','name':'a.yaml'},"
       "{'digest':'" HEX "','name':'b.yaml'}]}"}},
     {{"SELECT seq, digest, loaded_us FROM policy_version", "2|" HEX "|2000000"},
      {"SELECT seq, name, artifact FROM policy_file", "2|a.yaml|" HEX2 ";2|b.yaml|" HEX}}},
    {"policy refused changes nothing",
     {{RECORD_POLICY_REFUSED, 0, "", "{'column':1,'file':'a','line':2,'what':'no'}"}},
     {{"SELECT count(*) FROM policy_version", "0"}}},
    {"plugin, twice the same",
     {{RECORD_PLUGIN, 0, "",
       "{'digest':'" HEX "','files':[{'digest':'" HEX2 "','name':'a.lua'}],"
       "'id':'x.y','kind':'agent','name':'y','version':'1'}"},
      {RECORD_PLUGIN, 0, "",
       "{'digest':'" HEX "','files':[{'digest':'" HEX2 "','name':'a.lua'}],"
       "'id':'x.y','kind':'agent','name':'y','version':'1'}"}},
     {{"SELECT digest, id, version, kind, name, seq FROM plugin", HEX "|x.y|1|agent|y|3"},
      {"SELECT plugin, name, artifact FROM plugin_file", HEX "|a.lua|" HEX2}}},
    {"connection, configured again",
     {{RECORD_CONNECTION, 0, "", "{'config':{},'name':'inbox','plugin':'p','version':'1'}"},
      {RECORD_CONNECTION, 0, "", "{'config':{},'name':'inbox','plugin':'p','version':'2'}"}},
     {{"SELECT name, plugin, version, seq FROM connection", "inbox|p|2|3"}}},
    {"halt, its words escaped",
     {{RECORD_HALT, 0, "", "{'why':'a\\n\\\"b\\\"'}"}},
     {{"SELECT halted, halted_why, halted_us FROM control", "1|a\n\"b\"|2000000"}}},
    {"halt and resume",
     {{RECORD_HALT, 0, "", "{'why':'w'}"}, {RECORD_RESUME, 0, "", "{}"}},
     {{"SELECT halted, halted_why, halted_us FROM control", "0|-|-"}}},
    {"batch",
     {{RECORD_BATCH, 0, "", "{'batch':4,'numbers':[7,9]}"}},
     {{"SELECT batch, numbers, shown_us FROM batch", "4|[7,9]|2000000"}}},
    {"approver, a new passphrase",
     {{RECORD_APPROVER, 0, "", "{'name':'me','public_key':'" HEX "','salt':'00ff'}"},
      {RECORD_APPROVER, 0, "", "{'name':'me','public_key':'" HEX2 "','salt':'01'}"}},
     {{"SELECT name, public_key, salt, at_us FROM approver", "me|" HEX2 "|01|3000000"}}},
    {"run.begin",
     {BEGIN},
     {{"SELECT id, agent, version, plugin, state, parent, root, depth, key, tainted, begin_seq,"
       " started_us, strikes FROM run",
       "1|a|1|" HEX "|open|-|1|0|-|0|2|2000000|0"}}},
    {"run.begin of a child",
     {{RECORD_RUN_BEGIN, 9, "",
       "{'agent':'c','continued_from':2,'depth':1,'input':1,'key':'k',"
       "'parent':1,'parent_path':'4.1','plugin':'" HEX "','root':1,"
       "'tainted':true,'version':'2'}"}},
     {{"SELECT id, parent, parent_path, root, depth, key, tainted, continued_from FROM run",
       "9|1|4.1|1|1|k|1|2"}}},
    {"run.end with a result",
     {BEGIN, {RECORD_RUN_END, 1, "", "{'result':5,'state':'ended'}"}},
     {{"SELECT state, reason, end_seq, ended_us FROM run", "ended|-|3|3000000"},
      {"SELECT agent, run, seq FROM role", "a|1|3"}}},
    {"run.end of a failed run",
     {BEGIN,
      {RECORD_RUN_END, 1, "",
       "{'error':{'code':'x','message':'broke\\nhere'},"
       "'state':'failed'}"}},
     {{"SELECT state, reason FROM run", "failed|broke\nhere"}, {"SELECT count(*) FROM role", "0"}}},
    {"run.end clears what waits, and of that run alone",
     {BEGIN,
      WAITING,
      {RECORD_SLEEP, 1, "4", "{'call':'c','until_us':77}"},
      {RECORD_SLEEP, 2, "4", "{'call':'c','until_us':78}"},
      {RECORD_RUN_END, 1, "",
       "{'dropped':true,'error':{'code':'c','message':'m'},'state':'cancelled'}"}},
     {{"SELECT run, path FROM pending", "2|4"},
      {ITEM_ROW, "7|approval|cancelled|3|6000000|-|the run is cancelled"},
      {"SELECT state FROM effect", "waiting"}}},
    {"paused and resumed",
     {BEGIN,
      {RECORD_RUN_STRIKE, 1, "3", "{'strikes':1,'why':'segv'}"},
      {RECORD_RUN_STRIKE, 1, "3", "{'strikes':2,'why':'x'}"},
      {RECORD_RUN_PAUSED, 1, "", "{'detail':'d','reason':'strikes'}"}},
     {{"SELECT state, reason, strikes FROM run", "paused|strikes|2"}}},
    {"resumed",
     {BEGIN,
      {RECORD_RUN_STRIKE, 1, "3", "{'strikes':1,'why':'segv'}"},
      {RECORD_RUN_PAUSED, 1, "", "{'detail':'d','reason':'strikes'}"},
      {RECORD_RUN_RESUMED, 1, "", "{}"}},
     {{"SELECT state, reason, strikes FROM run", "open|-|0"}}},
    {"calls that wait",
     {{RECORD_SLEEP, 1, "1", "{'call':'c','until_us':77}"},
      {RECORD_RECEIVE, 1, "2", "{'call':'c','name':'mail','until_us':78}"},
      {RECORD_RECEIVE, 1, "3", "{'call':'c'}"},
      {RECORD_WAIT, 1, "4", "{'call':'c','run':12}"}},
     {{"SELECT path, kind, seq, due_us, target_run, name FROM pending",
       "1|sleep|2|77|-|-;2|receive|3|78|-|mail;3|receive|4|-|-|-;4|wait|5|-|12|-"}}},
    {"a question that is declined, and one that goes with its run",
     {BEGIN,
      {RECORD_QUESTION, 1, "1", "{'args':{'question':'q'},'call':'c','number':7}"},
      {RECORD_QUESTION, 1, "3", "{'args':{'question':'q'},'call':'c','number':9}"},
      {RECORD_WOKEN, 1, "1",
       "{'by':'operator','call':'c','how':'declined','kind':'ask','number':7,'outcome':{'err':1},"
       "'why':'w'}"},
      {RECORD_RUN_END, 1, "",
       "{'dropped':true,'error':{'code':'x','message':'m'},'state':'cancelled'}"}},
     {{"SELECT number, kind, run, path, state, args_seq, closed_by, closed_why FROM item",
       "7|question|1|1|declined|3|operator|w;9|question|1|3|cancelled|4|-|the run is cancelled"},
      {"SELECT count(*) FROM pending", "0"}}},
    {"a question that nobody answers",
     {BEGIN,
      {RECORD_QUESTION, 1, "2",
       "{'args':{'question':'q'},'call':'c','expires_us':90,'number':8,'tainted':true}"},
      {RECORD_WOKEN, 1, "2",
       "{'call':'c','how':'expired','kind':'ask','number':8,'outcome':{'ok':1}}"}},
     {{"SELECT number, state, expires_us, closed_by, closed_why FROM item", "8|expired|90|-|-"},
      {"SELECT tainted FROM run", "0"}}},
    {"a denial stands, until it is lifted or overtaken",
     {BEGIN,
      {RECORD_EFFECT_WAITING, 1, "1",
       "{'args':{},'call':'c','class':'once','decision':{'rule':'r'},'digest':'00',"
       "'expires_us':50,'number':7,'reason':'approval','shapes':['0a'],'target':'a.b.write'}"},
      {RECORD_EFFECT_WAITING, 1, "2",
       "{'args':{},'call':'c','class':'once','decision':{'rule':'r'},'digest':'00',"
       "'expires_us':50,'number':8,'reason':'approval','target':'a.b.write'}"},
      {RECORD_EFFECT_REJECTED, 1, "1",
       "{'by':'operator','call':'c','error':{},'number':7,'stands_us':99,'target':'a.b.write',"
       "'why':'w'}"},
      {RECORD_EFFECT_REJECTED, 1, "2",
       "{'by':'operator','call':'c','error':{},'number':8,'stands_us':98,'target':'a.b.write',"
       "'why':'w'}"},
      {RECORD_OVERRIDE, 1, "1", "{'by':'operator','lifted':8,'why':'w'}"}},
     {{"SELECT number, state, expires_us FROM item", "7|denied|99;8|denied|7000000"},
      {"SELECT count(*) FROM item WHERE kind = 'override'", "0"}}},
    {"a denial that is lifted",
     {BEGIN,
      {RECORD_OVERRIDE, 1, "1",
       "{'approval':'0a','by':'ann','denied':2,'expires_us':99,'nonce':'00','number':7,"
       "'override':'0b','signature':'0c','why':'w'}"},
      {RECORD_OVERRIDE, 1, "2",
       "{'approval':'0a','by':'ann','denied':2,'expires_us':99,'nonce':'00','number':8,"
       "'override':'0b','signature':'0c','why':'w'}"},
      {RECORD_EFFECT_INTENDED, 1, "1",
       "{'args':{},'attempt':1,'call':'c','class':'once','digest':'00','holds':[],'key':'k',"
       "'override':7,'target':'a.b.write'}"}},
     {{"SELECT number, kind, path, state, hex(digest), expires_us, closed_by, closed_why FROM item",
       "7|override|1|used|0A|99|ann|w;8|override|2|open|0A|99|ann|w"}}},
    {"an event and who took it",
     {BEGIN,
      {RECORD_RECEIVE, 1, "2", "{'call':'c'}"},
      {RECORD_EVENT, 1, "", "{'body':1,'name':'n'}"},
      {RECORD_EVENT, 1, "", "{'body':2,'name':'n'}"},
      {RECORD_WOKEN, 1, "2",
       "{'call':'c','event':4,'kind':'receive','outcome':{'ok':1},"
       "'tainted':true}"}},
     {{"SELECT seq, run, name FROM event", "5|1|n"},
      {"SELECT count(*) FROM pending", "0"},
      {"SELECT tainted FROM run", "1"}}},
    {"steps, logs and clocks are the journal's alone",
     {{RECORD_STEP, 1, "1", "{'name':'s','result':1}"},
      {RECORD_LOG, 1, "2", "{'level':'info','text':'t'}"},
      {RECORD_NOW, 1, "3", "{'us':1}"},
      {RECORD_RANDOM, 1, "4", "{'hex':'00'}"}},
     {{"SELECT count(*) FROM effect", "0"}, {"SELECT count(*) FROM journal", "5"}}},
    {"spawn",
     {{RECORD_SPAWN, 1, "2",
       "{'agent':'c','call':'x','decision':{},'existing':false,"
       "'holds':[" HELD "],'run':2}"},
      {RECORD_SPAWN, 1, "3", "{'agent':'c','call':'x','decision':{},'existing':true,'run':2}"}},
     {{BUDGET_ROW, "b|s|w|calls|3|0|0"}, {"SELECT count(*) FROM effect", "0"}}},
    {"spawn that was asked for",
     {WAITING,
      {RECORD_APPROVAL_GIVEN, 1, "3",
       "{'approval':'" HEX "','by':'me','nonce':'00',"
       "'number':7,'signature':'00'}"},
      {RECORD_SPAWN, 1, "3",
       "{'agent':'c','approval':7,'call':'x','decision':{},'existing':false,"
       "'run':2}"}},
     {{EFFECT_ROW, "done|-|0|7|r1|2|4|-"}, {ITEM_ROW, "7|approval|approved|2|4000000|me|-"}}},
    {"denied",
     {{RECORD_EFFECT_DENIED, 1, "3",
       "{'args':{},'call':'c','class':'once','decision':{'rule':'d'},"
       "'digest':'" HEX "','error':{},'target':'i.m.write'}"}},
     {{"SELECT run, path, target, class, state, digest, rule, args_seq FROM effect",
       "1|3|i.m.write|once|denied|" HEX "|d|2"}}},
    {"denied after it waited",
     {WAITING,
      {RECORD_EFFECT_DENIED, 1, "3",
       "{'args':{},'call':'c','class':'once','decision':"
       "{'rule':'d','why':'w'},'digest':'" HEX "','error':{},"
       "'target':'i.m.write'}"}},
     {{EFFECT_ROW, "denied|-|0|7|d|3|3|-"}, {ITEM_ROW, "7|approval|denied|2|3000000|-|w"}}},
    {"waiting for approval",
     {WAITING},
     {{EFFECT_ROW, "waiting|approval|0|7|r1|2|2|99"},
      {ITEM_ROW, "7|approval|open|2|-|-|-"},
      {"SELECT digest, opened_us, expires_us FROM item", HEX "|2000000|99"}}},
    {"waiting for a halt to end",
     {{RECORD_EFFECT_WAITING, 1, "3",
       "{'args':{},'call':'c','class':'once','connector':'x',"
       "'decision':{},'digest':'" HEX "','reason':'halted',"
       "'target':'i.m.write'}"},
      WAITING},
     {{EFFECT_ROW, "waiting|approval|0|7|r1|3|3|99"}, {"SELECT opened_us FROM effect", "2000000"}}},
    {"intended",
     {INTENDED},
     {{EFFECT_ROW, "intended|-|1|-|r2|2|2|-"},
      {BUDGET_ROW, "b|s|w|calls|0|3|0"},
      {"SELECT key, class, digest, holds IS NULL, cost_micros FROM effect", "k|once|" HEX "|0|0"}}},
    {"intended consumes its approval",
     {WAITING,
      {RECORD_APPROVAL_GIVEN, 1, "3",
       "{'approval':'" HEX "','by':'me','nonce':'00',"
       "'number':7,'signature':'00'}"},
      {RECORD_EFFECT_INTENDED, 1, "3",
       "{'approval':7,'attempt':1,'call':'c','class':'once',"
       "'connector':'x','digest':'" HEX2 "','holds':[],'key':'k',"
       "'target':'i.m.write'}"}},
     {{EFFECT_ROW, "intended|-|1|7|r1|2|4|-"},
      {ITEM_ROW, "7|approval|approved|2|4000000|me|-"},
      {"SELECT holds, digest FROM effect", "-|" HEX2}}},
    {"done settles",
     {BEGIN,
      INTENDED,
      {RECORD_EFFECT_DONE, 1, "3",
       "{'attempt':1,'call':'c','cost':{'currency':'USD',"
       "'micros':'250'},'result':{'big':[1,2]},'settled':[" SETTLED
       "],'tainted':true,'target':'i.m.write'}"}},
     {{EFFECT_ROW, "done|-|1|-|r2|3|4|-"},
      {BUDGET_ROW, "b|s|w|calls|2|0|1"},
      {"SELECT holds, cost_micros, currency FROM effect", "-|250|USD"},
      {"SELECT tainted FROM run", "1"}}},
    {"done puts and removes what the connection keeps",
     {BEGIN,
      INTENDED,
      {RECORD_EFFECT_DONE, 1, "3",
       "{'attempt':1,'call':'c','kv':[{'connection':'i','key':'a','value':{'n':1}},"
       "{'connection':'i','key':'b','value':'x'},{'connection':'j','key':'a','value':2}],"
       "'result':1,'settled':[" SETTLED "],'target':'i.m.write'}"},
      {RECORD_EFFECT_DONE, 1, "3",
       "{'attempt':1,'call':'c','kv':[{'connection':'i','key':'a','value':{'n':2}},"
       "{'connection':'i','key':'b'}],'result':1,'settled':[],'target':'i.m.write'}"}},
     {{"SELECT connection, key, value FROM kv", "i|a|{\"n\":2};j|a|2"}}},
    {"not done",
     {INTENDED,
      {RECORD_EFFECT_NOT_DONE, 1, "3",
       "{'attempt':1,'call':'c','error':{},'settled':[" SETTLED "],'target':'i.m.write'}"}},
     {{EFFECT_ROW, "not_done|-|1|-|r2|2|3|-"}, {BUDGET_ROW, "b|s|w|calls|2|0|1"}}},
    {"unknown, and its verdict",
     {INTENDED,
      UNKNOWN,
      {RECORD_EFFECT_RECONCILING, 1, "3", "{'attempt':1}"},
      UNKNOWN,
      {RECORD_EFFECT_DONE, 1, "3",
       "{'attempt':1,'by':'me','call':'c','result':null,'settled':[],"
       "'target':'i.m.write'}"}},
     {{EFFECT_ROW, "done|-|1|8|r2|2|6|-"}, {ITEM_ROW, "8|unknown|settled|2|6000000|me|-"}}},
    {"unknown waits for its owner",
     {INTENDED, UNKNOWN},
     {{EFFECT_ROW, "unknown|operator|1|8|r2|2|3|50"},
      {ITEM_ROW, "8|unknown|open|2|-|-|-"},
      {BUDGET_ROW, "b|s|w|calls|0|3|0"}}},
    {"reconciling",
     {INTENDED, UNKNOWN, {RECORD_EFFECT_RECONCILING, 1, "3", "{'attempt':1}"}},
     {{EFFECT_ROW, "reconciling|operator|1|8|r2|2|4|-"}}},
    {"retry, then the second attempt",
     {INTENDED,
      {RECORD_EFFECT_RETRY, 1, "3",
       "{'attempt':1,'not_before_us':60,'settled':[" SETTLED "],'why':'busy'}"},
      {RECORD_EFFECT_INTENDED, 1, "3",
       "{'attempt':2,'call':'c','class':'once','connector':'x',"
       "'digest':'" HEX "','holds':[" HELD "],'key':'k',"
       "'target':'i.m.write'}"}},
     {{EFFECT_ROW, "intended|-|2|-|r2|2|4|-"}, {BUDGET_ROW, "b|s|w|calls|2|3|1"}}},
    {"retry waits",
     {INTENDED,
      {RECORD_EFFECT_RETRY, 1, "3",
       "{'attempt':1,'not_before_us':60,"
       "'settled':[],'why':'busy'}"}},
     {{EFFECT_ROW, "retry|-|1|-|r2|2|3|60"}}},
    {"an attempt that was given back unsent",
     {INTENDED,
      {RECORD_EFFECT_RETRY, 1, "3",
       "{'attempt':1,'not_before_us':60,'settled':[],'unsent':true,'why':'rests'}"},
      {RECORD_EFFECT_INTENDED, 1, "3",
       "{'attempt':2,'call':'c','class':'once','connector':'x',"
       "'digest':'" HEX "','holds':[],'key':'k','target':'i.m.write'}"},
      {RECORD_EFFECT_RETRY, 1, "3", "{'attempt':2,'not_before_us':60,'settled':[],'why':'busy'}"}},
     {{"SELECT attempts, parked FROM effect", "2|1"}}},
    {"rejected",
     {WAITING,
      {RECORD_EFFECT_REJECTED, 1, "3",
       "{'by':'me','call':'c','error':{},"
       "'number':7,'target':'t','why':'no'}"}},
     {{EFFECT_ROW, "rejected|-|0|7|r1|2|3|-"}, {ITEM_ROW, "7|approval|denied|2|3000000|me|no"}}},
    {"expired",
     {WAITING,
      {RECORD_EFFECT_EXPIRED, 1, "3",
       "{'call':'c','error':{},'number':7,"
       "'target':'t'}"}},
     {{EFFECT_ROW, "expired|-|0|7|r1|2|3|-"}, {ITEM_ROW, "7|approval|expired|2|3000000|-|-"}}},
    {"stale, asked again",
     {WAITING,
      {RECORD_EFFECT_STALE, 1, "3", "{'number':7,'why':'changed'}"},
      {RECORD_EFFECT_WAITING, 1, "3",
       "{'approval':'" HEX2 "','args':{},'call':'c','class':'once',"
       "'connector':'x','decision':{'rule':'r1'},'digest':'" HEX "',"
       "'number':8,'reason':'approval','target':'i.m.write'}"}},
     {{EFFECT_ROW, "waiting|approval|0|8|r1|4|4|-"},
      {ITEM_ROW, "7|approval|stale|2|3000000|-|changed;8|approval|open|4|-|-|-"}}},
    {"stale",
     {WAITING, {RECORD_EFFECT_STALE, 1, "3", "{'number':7,'why':'changed'}"}},
     {{EFFECT_ROW, "stale|-|0|7|r1|2|3|-"}}},
    {"edited",
     {WAITING,
      {RECORD_APPROVAL_EDITED, 1, "3",
       "{'approval':'" HEX2 "','args':{'b':1},'by':'me',"
       "'decision':{'rule':'r9'},'digest':'" HEX2 "',"
       "'number':7}"}},
     {{EFFECT_ROW, "waiting|approval|0|7|r9|3|3|99"},
      {ITEM_ROW, "7|approval|open|3|-|-|-"},
      {"SELECT digest FROM item", HEX2},
      {"SELECT digest FROM effect", HEX2}}},
    {"rollback accepted",
     {{RECORD_ROLLBACK, 0, "", "{'anchor_seq':9,'incarnation':'00','seq':2}"}},
     {{"SELECT count(*) FROM journal", "2"}}},
};

static const store_case *case_at(size_t i) {
    size_t own = sizeof cases / sizeof *cases;
    return i < own                             ? &cases[i]
           : i - own < store_cases_after_count ? &store_cases_after[i - own]
                                               : NULL;
}

static void run_case(const store_case *c) {
    world w;
    world_make(&w);
    world_start(&w);
    for (const put *p = c->puts; p < c->puts + 6 && p->body != NULL; p++) {
        world_put(&w, p->kind, p->run, p->path, p->body);
    }
    for (const expected *e = c->expect; e < c->expect + 4 && e->sql != NULL; e++) {
        const char *rows = world_rows(&w, e->sql);
        if (strcmp(rows, e->rows) != 0) {
            fail_msg("%s: %s\n  gives    %s\n  expected %s", c->name, e->sql, rows, e->rows);
        }
    }
    world_end(&w);
}

static void test_tables(void **state) {
    (void)state;
    for (size_t i = 0; case_at(i) != NULL; i++) {
        run_case(case_at(i));
    }
}

static bool has_case(record_kind kind) {
    for (size_t i = 0; case_at(i) != NULL; i++) {
        for (size_t j = 0; j < 6; j++) {
            if (case_at(i)->puts[j].kind == kind) {
                return true;
            }
        }
    }
    return false;
}

/* Every kind that has a rule is in the table above, so that no rule goes untested. */
static void test_every_kind_has_a_case(void **state) {
    (void)state;
    for (int k = 1; k < RECORD_KIND_MAX; k++) {
        const char *name = record_kind_name((record_kind)k);
        if (k != RECORD_BOOT && name != NULL && !has_case((record_kind)k)) {
            fail_msg("no case for %s", name);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_every_kind_has_a_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
