/* All that is to be said of what a role may do, see and spend, as one canonical object:
 *
 *   {"agent","at_most"?:{"sensitivity","untrusted"}: what it may read at the most,
 *    "budgets":[{"at_hard","ends_us"?,"held"?,"id","limit","of","place","scope"?,"spent"?,"unit",
 *      "window"}]:
 *      those that count it; scope, spent and held are left out where nothing is known of them,
 *    "connections":[{"breaker":{"for_us","of","open_at"},"name","reaches":[text],"rests"?}],
 *    "may":[as policy_can has it],"outcome"?,
 *    "pauses":[text]: when the time of approvals stands still,
 *    "sees":[{"connection","every_us"?: it may receive what is new,"level","resource","untrusted",
 *             "verdict","within"}]: within: not above what it may read,
 *    "starts":[{"agent","verdict"}],"version","waiting"?:{"quiet"?,"rate"?}: how many effects} */
#ifndef CLI_CAN_GATHER_H
#define CLI_CAN_GATHER_H

#include "survey.h"

void can_gather(cli *c, const survey *w, const char *agent, keel_buf *out);

#endif
