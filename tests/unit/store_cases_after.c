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
    {"restored",
     {{RECORD_RESTORED, 0, "",
       "{'anchor_seq':0,'from':'00','incarnation':'01','last_us':9,'seq':1}"}},
     {{"SELECT seq, incarnation, last, last_us, at_us FROM restored", "2|00|1|9|2000000"}}},
};

const size_t store_cases_after_count = sizeof store_cases_after / sizeof *store_cases_after;
