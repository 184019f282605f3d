/* What records do to the tables. Each case: records in order, one turn each, then queries with the
 * rows expected. The boot record is record 1, so the first record of a case has seq 2; its turn is
 * at 2 s (the boot's at 1 s). */
#ifndef STORE_CASES_H
#define STORE_CASES_H

#include "store_world.h"

#define HEX         "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEX2        "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HOLD(extra) "{" extra "'budget':'b','scope':'s','unit':'calls','window':'w'}"
#define HELD        HOLD("'amount':3,")
#define SETTLED                                                                                    \
    "{'actual':2,'amount':3,'budget':'b','overrun':1,'scope':'s','unit':'calls',"                  \
    "'window':'w'}"
#define BEGIN                                                                                      \
    { RECORD_RUN_BEGIN, 1, "", world_begin_body }
#define WAITING                                                                                    \
    {                                                                                              \
        RECORD_EFFECT_WAITING, 1, "3",                                                             \
            "{'approval':'" HEX "','args':{},'call':'c','class':'once',"                           \
            "'connector':'x','decision':{'rule':'r1'},'digest':'" HEX                              \
            "','expires_us':99,'number':7,"                                                        \
            "'reason':'approval','target':'i.m.write'}"                                            \
    }
#define INTENDED                                                                                   \
    {                                                                                              \
        RECORD_EFFECT_INTENDED, 1, "3",                                                            \
            "{'args':{},'attempt':1,'call':'c','class':'once',"                                    \
            "'connector':'x','decision':{'rule':'r2'},'digest':'" HEX "','holds':[" HELD "],"      \
            "'key':'k','target':'i.m.write'}"                                                      \
    }
#define UNKNOWN                                                                                    \
    {                                                                                              \
        RECORD_EFFECT_UNKNOWN, 1, "3",                                                             \
            "{'attempt':1,'next_check_us':50,'number':8,'owner':'operator','why':'lost'}"          \
    }
#define EFFECT_ROW                                                                                 \
    "SELECT state, reason, attempts, number, rule, args_seq, last_seq, due_us FROM effect"
#define ITEM_ROW   "SELECT number, kind, state, args_seq, closed_us, closed_by, closed_why FROM item"
#define BUDGET_ROW "SELECT budget, scope, window, unit, spent, held, overrun FROM budget"

typedef struct put {
    record_kind kind;
    uint64_t run;
    const char *path;
    const char *body;
} put;

typedef struct expected {
    const char *sql;
    const char *rows;
} expected;

typedef struct store_case {
    const char *name;
    put puts[6];
    expected expect[4];
} store_case;

/* store_cases_after.c: taking back, stuck work, breakers, erasing, archives. */
extern const store_case store_cases_after[];
extern const size_t store_cases_after_count;

#endif
