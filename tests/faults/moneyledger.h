/* What each budget has spent and holds, from the journal's records alone, and whether that keeps to
 * the limits of its policy: written without a line of the code that it judges but
 * for reading the times of a slice. */
#ifndef MONEYLEDGER_H
#define MONEYLEDGER_H

#include "simworld.h"

extern const char money_policy[]; /* whose budgets are checked */
extern const char money_manifest[];

typedef struct money_account {
    char budget[16], scope[40], window[24], unit[16];
    int64_t spent, held;
    int64_t to_us; /* of a slice; 0: it is none */
} money_account;

typedef struct money_ledger {
    money_account *accounts;
    size_t count, cap;
    int64_t seq;    /* the last record */
    long borrowed;  /* holds that went beyond a limit */
    long attention; /* entries of a person's attention */
    int64_t used;   /* tokens that connectors have reported */
} money_ledger;

/* Takes a durable record; problem: the first that is found stays. */
void money_record(money_ledger *f, const record *r, int64_t at, char problem[256]);
/* The tables say the same, and nothing else. */
void money_compare(const money_ledger *f, sim_world *w, char problem[256]);

#endif
