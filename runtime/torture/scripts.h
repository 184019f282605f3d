/* What the crash tests do with a workspace: scripts that can be begun again after any crash. What was
 * answered is not said twice; what was not is said again under its old request id. */
#ifndef SCRIPTS_H
#define SCRIPTS_H

#include "site.h"

typedef struct script script;
struct script {
    const char *name;
    /* The site in an empty folder. */
    bool (*make)(site *s, const script *sc, const char *folder);
    /* Before the kernel under test: lives without faults, once for all visits. NULL: none. */
    bool (*prepare)(site *s);
    /* What each site of it has beside its folder: a service, another program. NULL: nothing. */
    bool (*equip)(site *s);
    /* true: all came to rest. false: the kernel has gone meanwhile, or s->problem says what is wrong. */
    bool (*live)(site *s);
    /* After the last life: the invariants, and that nothing is missing. */
    void (*check)(site *s, const script *sc);
    const char *plan;    /* failpoints that belong to the script itself */
    const char *option;  /* of `keel up` */
    const char *runs;    /* how they end, sorted: agent=state */
    const char *effects; /* how many of each target there are, sorted */
    const char *needs;   /* a command, "run migrate": without it the script is left out */
    const char *const
        *words;          /* the process under test is not `keel up` but this, NULL-terminated */
    bool fresh;          /* its kernel is the first one ever of the workspace */
    bool outside;        /* its outside is a stand-in, which can lose answers (standin.h) */
    const char *granted; /* the folder of a connector that is killed (deaths.c) */
    const char *place;   /* the name of its workspace, for the copy */
    const void *of;      /* the site gets it */
};

/* The torture's own; those of a workspace are made by user.h. To add one: a live_ function that can be
 * begun again after any crash, and a row of the table at the end of scripts.c. */
extern const script scripts[];
extern const size_t script_count;

bool script_people(site *s); /* scriptpeople.c */
bool script_cancel(site *s);
bool script_prepare_expiry(site *s);
bool script_expiry(site *s);
bool script_prepare_override(site *s);
bool script_override(site *s);
bool script_network_equip(site *s); /* scriptnet.c */
bool script_network(site *s);
void script_network_oracle(site *s);
bool script_prepare_rollback(site *s); /* scriptpast.c */
bool script_live_rollback(site *s);
bool script_equip_paused(site *s);
bool script_prepare_paused(site *s);
bool script_live_paused(site *s);
bool script_can(const script *sc); /* scriptcan.c: this program has what it needs */
bool script_breaker(site *s);
bool script_polled_prepare(site *s); /* scriptpoll.c */
bool script_polled(site *s);
extern const char *const script_erase_words[], *const script_archive_words[];
extern const char *const script_restore_words[];
bool script_restore_prepare(site *s);
bool script_restored_prepare(site *s);
bool script_restored(site *s);
bool script_helped_prepare(site *s);
bool script_helped(site *s);
bool script_rollback_run(site *s);
bool script_migrate_prepare(site *s);
bool script_migrate(site *s);

/* Where the torture's own workspaces are: $KEEL_WORKSPACES, or below the share folder. */
void script_workspace(char *out, size_t size, const char *name);
/* The site of `sc`; false with s->problem. But for fresh scripts it is a copy of one that is prepared,
 * or in which a kernel has only been started and stopped. Those are made by tests for the pool, of
 * which `arg` is a script: script_born for each place, then script_prepared for each script that has
 * lives before. */
bool script_site(site *s, const script *sc, const char *folder);
void script_born(const void *arg, const char *folder, keel_buf *problem, keel_buf *detail);
void script_prepared(const void *arg, const char *folder, keel_buf *problem, keel_buf *detail);

#endif
