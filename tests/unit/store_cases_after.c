/* What comes after an effect, and over it: taking back, stuck work, breakers, erasing, archives. */
#include "store_cases.h"

#define DONE                                                                                       \
    {                                                                                              \
        RECORD_EFFECT_DONE, 1, "3",                                                                \
            "{'attempt':1,'call':'c','result':1,'settled':[],'target':'i.m.write'}"                \
    }
#define PROMISED                                                                                   \
    {                                                                                              \
        RECORD_EFFECT_INTENDED, 1, "3",                                                            \
            "{'args':{},'attempt':1,'call':'c','class':'once','connector':'x','decision':{},"      \
            "'digest':'" HEX "','holds':[],'key':'k','target':'i.m.write','undo':'compensate'}"    \
    }
#define COMPENSATING                                                                               \
    { RECORD_EFFECT_COMPENSATING, 1, "3", "{'undo':'3~1'}" }
#define STUCK                                                                                      \
    {                                                                                              \
        RECORD_STUCK, 1, "3",                                                                      \
            "{'kind':'run','next':'look','number':9,'owner':'operator','reason':'it failed'}"      \
    }
#define UNDO_ROW  "SELECT state, undo, undone_by, last_seq FROM effect"
#define STUCK_ROW "SELECT number, kind, path, state, owner, reason, next, closed_why FROM item"
#define RUN_ROW   "SELECT state, reason, end_seq, ended_us, strikes, version FROM run"

const store_case store_cases_after[] = {
    {"an undo is promised before the act", {PROMISED}, {{UNDO_ROW, "intended|compensate|-|2"}}},
    {"compensating", {PROMISED, DONE, COMPENSATING}, {{UNDO_ROW, "compensating|compensate|3~1|4"}}},
    {"compensated",
     {PROMISED, DONE, COMPENSATING, {RECORD_EFFECT_COMPENSATED, 1, "3", "{'undo':'3~1'}"}},
     {{UNDO_ROW, "compensated|compensate|3~1|5"}}},
    {"a compensation whose answer is lost",
     {PROMISED,
      DONE,
      COMPENSATING,
      {RECORD_COMPENSATION_UNKNOWN, 1, "3", "{'undo':'3~1','why':'lost'}"}},
     {{UNDO_ROW, "compensation_unknown|compensate|3~1|5"}}},
    {"a compensation that fails, and another",
     {PROMISED,
      DONE,
      COMPENSATING,
      {RECORD_COMPENSATION_FAILED, 1, "3", "{'undo':'3~1','why':'no'}"},
      {RECORD_EFFECT_COMPENSATING, 1, "3", "{'undo':'3~2'}"}},
     {{UNDO_ROW, "compensating|compensate|3~2|6"}}},
    {"checked again",
     {PROMISED, DONE, {RECORD_EFFECT_RECHECKED, 1, "3", "{'found':'applied','why':'restored'}"}},
     {{UNDO_ROW, "done|compensate|-|3"},
      {"SELECT rechecked_seq, changed_us FROM effect", "4|3000000"}}},
    {"reopened",
     {INTENDED,
      {RECORD_EFFECT_NOT_DONE, 1, "3",
       "{'attempt':1,'call':'c','error':{},'settled':[],'target':'i.m.write'}"},
      {RECORD_EFFECT_REOPENED, 1, "3", "{'number':9}"}},
     {{EFFECT_ROW, "proposed|-|1|-|r2|2|4|-"}}},
    {"stuck", {STUCK}, {{STUCK_ROW, "9|stuck|3|open|operator|it failed|look|-"}}},
    {"stuck, and seen to",
     {STUCK, {RECORD_STUCK_CLOSED, 1, "3", "{'by':'me','how':'drop','number':9,'why':'old'}"}},
     {{STUCK_ROW, "9|stuck|3|drop|operator|it failed|look|old"},
      {"SELECT closed_us, closed_by FROM item", "3000000|me"}}},
    {"escalated and told",
     {STUCK,
      {RECORD_ESCALATED, 1, "3", "{'number':9,'step':2,'to':'phone'}"},
      {RECORD_ESCALATED, 1, "3", "{'number':9,'step':2,'to':'phone','told':true}"}},
     {{"SELECT state, escalated, escalated_us FROM item", "open|2|4000000"}}},
    {"escalated",
     {STUCK, {RECORD_ESCALATED, 1, "3", "{'number':9,'step':2,'to':'phone'}"}},
     {{"SELECT state, escalated, escalated_us FROM item", "open|2|3000000"}}},
    {"a run reopened",
     {BEGIN,
      {RECORD_RUN_STRIKE, 1, "", "{'strikes':2,'why':'died'}"},
      {RECORD_RUN_END, 1, "", "{'error':{'message':'no'},'state':'failed'}"},
      {RECORD_RUN_REOPENED, 1, "", "{'from':3,'number':9}"}},
     {{RUN_ROW, "open|-|-|-|0|1"}}},
    {"a run moved to another version",
     {BEGIN,
      {RECORD_RUN_PAUSED, 1, "", "{'detail':{},'reason':'replay_mismatch'}"},
      {RECORD_RUN_MIGRATED, 1, "",
       "{'checked_seq':3,'from':'" HEX "','plugin':'" HEX2 "','version':'2'}"}},
     {{RUN_ROW, "open|-|-|-|0|2"}, {"SELECT plugin FROM run", HEX2}}},
    {"a label that a person lowers",
     {BEGIN,
      {RECORD_WOKEN, 1, "1",
       "{'call':'0','kind':'wait','outcome':{},'sensitivity':'restricted','tainted':true}"},
      {RECORD_RUN_LABEL, 1, "",
       "{'by':'me','from':{},'nonce':'00','sensitivity':'internal','seq':3,'signature':'00',"
       "'tainted':false,'why':'w'}"},
      {RECORD_WOKEN, 1, "2",
       "{'call':'0','kind':'wait','outcome':{},'sensitivity':'confidential'}"},
      {RECORD_WOKEN, 1, "3", "{'call':'0','kind':'wait','outcome':{},'sensitivity':'public'}"}},
     {{"SELECT tainted, sensitivity FROM run", "0|confidential"}}},
    {"a rollback",
     {BEGIN,
      {RECORD_ROLLBACK_BEGUN, 1, "", "{'by':'me','steps':[],'why':'w'}"},
      {RECORD_ROLLBACK_ENDED, 1, "", "{'compensated':0,'left':1,'state':'ended'}"}},
     {{"SELECT run, state, seq, begun_us, ended_us FROM rollback", "1|ended|3|3000000|4000000"}}},
    {"a breaker",
     {{RECORD_BREAKER, 0, "", "{'connection':'inbox','state':'open','until_us':9,'why':'401'}"},
      {RECORD_BREAKER, 0, "", "{'connection':'inbox','state':'closed','why':'well'}"}},
     {{"SELECT connection, state, since_us, until_us, why FROM breaker",
       "inbox|closed|3000000|-|well"}}},
    {"erased",
     {{RECORD_ERASED, 0, "",
       "{'by':'me','records':[{'body':{'name':'s'},'seq':1},{'body':{},'seq':2}],'why':'asked'}"}},
     {{"SELECT seq, body, at_us FROM erased", "1|{\"name\":\"s\"}|2000000;2|{}|2000000"}}},
    {"archived",
     {{RECORD_ARCHIVED, 0, "",
       "{'digest':'" HEX "','file':'1.keel','first':1,'head':'" HEX2 "','last':9}"}},
     {{"SELECT first, last, file, digest, head FROM archive", "1|9|1.keel|" HEX "|" HEX2}}},
    {"polled: the first time, then what is new and what is forgotten",
     {{RECORD_POLLED, 0, "",
       "{'account':'00','baseline':true,'connection':'c','items':[{'id':'a'},{'id':'b'}],"
       "'resource':'m'}"},
      BEGIN,
      {RECORD_POLLED, 0, "",
       "{'account':'00','connection':'c','drop':[{'id':'a'}],'items':[{'body':1,'id':'x'},"
       "{'body':2,'id':'y'}],'next':{'at':7},'resource':'m'}"}},
     {{"SELECT connection, resource, account, next, seq FROM poll", "c|m|00|{\"at\":7}|4"},
      {"SELECT id, seq FROM polled_id", "b|2;x|4;y|4"},
      {"SELECT name, seq, item FROM arrival", "c.m|4|0;c.m|4|1"}}},
    {"polled: it begins anew",
     {{RECORD_POLLED, 0, "",
       "{'account':'00','connection':'c','items':[{'body':1,'id':'x'}],'next':1,'resource':'m'}"},
      {RECORD_POLLED, 0, "",
       "{'account':'01','baseline':true,'connection':'c','items':[{'id':'z'}],'resource':'m'}"}},
     {{"SELECT account, next, seq FROM poll", "01|-|3"},
      {"SELECT id FROM polled_id", "z"},
      {"SELECT count(*) FROM arrival", "0"}}},
    {"polled: what another account found is nobody's any more, and what the same one found is kept",
     {BEGIN,
      {RECORD_POLLED, 0, "",
       "{'account':'00','connection':'c','items':[{'body':1,'id':'x'}],'resource':'m',"
       "'untrusted':true}"},
      {RECORD_POLLED, 0, "",
       "{'account':'00','connection':'d','items':[{'body':1,'id':'x'}],'resource':'m',"
       "'untrusted':true}"},
      {RECORD_POLLED, 0, "",
       "{'account':'00','baseline':true,'connection':'c','items':[],'resource':'m',"
       "'untrusted':true}"},
      {RECORD_POLLED, 0, "",
       "{'account':'01','baseline':true,'connection':'d','items':[],'resource':'m',"
       "'untrusted':true}"}},
     {{"SELECT name, seq FROM arrival", "c.m|3"}}},
    {"polled: received, and gone on as another run",
     {BEGIN,
      {RECORD_POLLED, 0, "",
       "{'account':'00','connection':'c','items':[{'body':1,'id':'x'},{'body':2,'id':'y'}],"
       "'resource':'m'}"},
      {RECORD_WOKEN, 1, "1",
       "{'call':'c','event':3,'from':'c.m','item':0,'kind':'receive','outcome':{}}"},
      {RECORD_RUN_END, 1, "", "{'next_run':2,'result':1,'state':'continued'}"},
      {RECORD_RUN_BEGIN, 2, "",
       "{'agent':'a','continued_from':1,'depth':0,'input':1,'plugin':'" HEX "','root':2,"
       "'since':2,'version':'1'}"},
      {RECORD_POLLED, 0, "",
       "{'account':'00','connection':'c','items':[{'body':3,'id':'z'}],'resource':'m'}"}},
     {{"SELECT run, name, seq, item FROM received", "2|c.m|3|0"},
      {"SELECT id, since_seq FROM run", "1|2;2|2"},
      {"SELECT seq, item FROM arrival", "3|0;3|1;7|0"}}},
    {"polled: nobody is left to receive it",
     {BEGIN,
      {RECORD_POLLED, 0, "",
       "{'account':'00','connection':'c','items':[{'body':1,'id':'x'}],'resource':'m'}"},
      {RECORD_RUN_END, 1, "", "{'result':1,'state':'ended'}"},
      {RECORD_POLLED, 0, "",
       "{'account':'00','connection':'c','items':[{'body':2,'id':'y'}],'resource':'m'}"}},
     {{"SELECT seq FROM arrival", "5"}, {"SELECT count(*) FROM received", "0"}}},
    {"restored",
     {{RECORD_RESTORED, 0, "",
       "{'anchor_seq':0,'from':'00','incarnation':'01','last_us':9,'seq':1}"}},
     {{"SELECT seq, incarnation, last, last_us, at_us FROM restored", "2|00|1|9|2000000"}}},
    {"a grant is given, used and revoked",
     {{RECORD_GRANT_GIVEN, 0, "",
       "{'approval':'" HEX "','by':'me','expires_us':99,'grant':7,'incarnation':'00','nonce':'00',"
       "'of':{'path':'1','run':1},'remember':'" HEX "','scope':{'agent':'a','max_uses':3,"
       "'rule':'r1','target':'i.m.write'},'signature':'00'}"},
      {RECORD_EFFECT_INTENDED, 1, "3",
       "{'args':{},'attempt':1,'call':'c','class':'once','connector':'x',"
       "'decision':{'rule':'r1'},'digest':'" HEX "','grant':7,'holds':[],'key':'k',"
       "'target':'i.m.write'}"},
      {RECORD_GRANT_ENDED, 0, "", "{'by':'me','grant':7,'why':'enough'}"}},
     {{"SELECT number, agent, rule, max_uses, used, ended_by, ended_why FROM grant",
       "7|a|r1|3|1|me|enough"},
      {"SELECT granted FROM effect", "7"}}},
};

const size_t store_cases_after_count = sizeof store_cases_after / sizeof *store_cases_after;
