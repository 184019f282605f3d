/* Grants: a person's bounded consent to what comes later. An approver who signs an approval with what
 * it is to be remembered for consents, for a time and a number of uses, to effects of the same shape:
 * what would be asked again by the same rule is then sent without asking.
 *
 * The shape is a SCOPE, canonical JSON that follows from the effect and its rule, and is compared as
 * bytes: an effect is covered when its own scope is the one that was signed.
 *
 *   {"agent","class","connection":hex,"connector":hex,"for_us","looks":[attribute],"max_uses",
 *    "pinned":hex,"plugin":hex: the agent's version,"rule","rule_digest":hex,
 *    "sensitivity","tainted":bool,"target","vary":[field],"workspace":hex}
 *
 * pinned is the digest of all arguments but those that may vary, and of the attributes that the rule
 * looks at. One that was given for a run of some label covers none that has read more: nothing untrusted
 * where that had not, and nothing more sensitive. Less it does cover,
 * and internal where it was public: what nobody has declared is that, such as the answer to a write.
 *
 * An effect under a grant is decided as ever: what is denied, or asked by another rule too or by a
 * budget, is not covered. Nor is what a person was asked already, what he edited, or what takes something back.
 *
 * What is used is counted in the record of `intended`, in the same transaction; further attempts of
 * that effect use no more. A grant ends with its time, its uses, a revocation, another rule, list,
 * connector, connection or version of its agent, and in another life of the workspace. */
#ifndef KERNEL_GRANTS_H
#define KERNEL_GRANTS_H

#include "parts.h"

typedef struct grant {
    struct grant *next;
    uint64_t number; /* of the approval with which it was given */
    digest remember; /* of scope */
    keel_buf scope;
    char incarnation[17];
    int64_t expires_us;
    uint32_t max_uses, used;
} grant;

/* ---- grants.c ---- */

/* The scope of c, decided as d says, for runs of up to that label. false: there is none, and it cannot be remembered. */
bool grant_scope(kernel *k, call *c, const policy_decision *d, item_label label, keel_buf *out);
/* The scope of what is waiting now, if it has that digest. */
bool grant_find_scope(kernel *k, call *c, const char *remember, keel_buf *out);
/* Sets c->grant to one that covers it, the same that it has used before if that still does. */
bool grant_covers(kernel *k, call *c, const policy_decision *d);
void grant_use(kernel *k, call *c); /* `intended` was recorded with it */
bool grant_is_open(kernel *k, uint64_t number);
grant *grant_add(kernel *k, uint64_t number); /* the last of them */
void grants_free(kernel *k);

/* ---- grants_give.c ---- */

typedef struct grant_signed {
    const char *approval, *nonce, *signature, *by;
} grant_signed;

/* Gives it, unless its rule or what it goes through has changed at this moment. */
void grant_give(kernel *k, uint64_t number, uint64_t of_run, const char *path,
                const keel_buf *scope, const grant_signed *as);
/* 0, or DIAG_NOT_FOUND. */
int grant_revoke(kernel *k, uint64_t number, const char *why, diag *d);
void grants_renew(kernel *k); /* the world has changed, or has begun: ends what does not stand */
int grants_load(kernel *k, diag *d);

#endif
