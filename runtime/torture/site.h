/* A workspace on disk with a real kernel and real executors: what the tests start, kill, ask and
 * look at. One site lives in one process of the test (pool.h), which is the reaper of all that the
 * kernel leaves behind. Nothing here waits for longer than the pool's alarm.
 *
 * meson says where things are, through the environment: KEEL_TORTURE, the command with failpoints;
 * KEEL_LIBEXEC, the folder of keel-executor; KEEL_LUA, the folder of keel.lua. */
#ifndef SITE_H
#define SITE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "client.h"
#include "keel/buf.h"
#include "store.h"

#define SITE_ANSWERS 400

typedef struct site_answer {
    char request[64];
    char name[16];
    char *args;
    char *result;
} site_answer;

typedef struct site {
    char folder[160]; /* all that the site has */
    char root[176];   /* the workspace in it */
    pid_t kernel;     /* 0: none */
    pid_t beside;     /* a service that outlives the kernels, ended with the site; 0: none */
    int status;       /* of the last kernel, as wait gives it */
    client *client;
    reader *db;                        /* while a kernel is up */
    site_answer answers[SITE_ANSWERS]; /* acknowledged commands, over all kernels */
    size_t answer_count;
    uint32_t tries;
    const void *of;    /* of whoever drives it */
    char problem[800]; /* the first thing that was wrong; "" if nothing was */
} site;

/* How a kernel is started. NULL or "" where there is nothing. */
typedef struct site_start {
    const char *failpoint;
    const char *trace;  /* file for the names of the failpoints that were hit; FILE.power: for the
                           number of operations of the store, with `power` */
    const char *option; /* of `keel up` */
    const char *power;  /* KEEL_POWER (power.h) */
} site_start;

/* Copies the workspace `from` into folder and gives it an approver whose key the test has. */
void site_make(site *s, const char *folder, const char *from);
/* The same in two steps, for a workspace that lies beside what ships with it: FROM/ws, FROM/share. */
void site_begin(site *s, const char *folder);
bool site_take(site *s, const char *from);
/* A copy of a whole site that no kernel runs on, as if it had always been here. It knows the
 * acknowledged commands that site_keep wrote down there. */
bool site_copy_of(site *s, const char *folder, const char *from);
void site_keep(site *s);
/* Lets a connector of the workspace be one that ships as well: what ships counts as checked. */
void site_ship(const site *s, const char *name);
/* Ends and forgets everything but the folder. */
void site_finish(site *s);
/* The first problem counts. Always false, for `return site_fault(...)`. */
bool site_fault(site *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

void site_launch(site *s, const site_start *how); /* starts a kernel, and waits for nothing */
/* Starts a kernel and waits for its first answer. false: it ended before (s->status says how). */
bool site_up(site *s, const site_start *how);
bool site_up_plain(site *s); /* the same without faults; that it ends is a fault */
void site_kill(site *s);     /* SIGKILL, and all that goes with it */
/* `keel down`, and its end. true: it ended by itself, in good order. */
bool site_down(site *s);
/* Waits for the kernel's end and for that of its children: one that lives on is a fault. */
void site_reap(site *s);
bool site_killed(const site *s);                            /* the last kernel ended by SIGKILL */
int site_exit(const site *s);                               /* its exit code, -1: it was killed */
size_t site_kill_executors(site *s, const char *connector); /* NULL: agents; how many there were */

typedef enum site_said { SITE_ANSWERED, SITE_REFUSED, SITE_GONE } site_said;
/* A command, once for each request id over all kernels: what was answered before is not said again. */
site_said site_say(site *s, const char *request, const char *name, const char *args);
/* Another command every time, for what changes nothing. result may be NULL. */
site_said site_ask(site *s, const char *name, keel_buf *result);
const char *site_answer_to(const site *s, const char *request); /* NULL: not yet */
/* Says all answered commands again, under the same ids: the first answers must come. false: they do
 * not, or the kernel has gone. */
bool site_repeat(site *s);
extern char site_refusal[1200]; /* of the last SITE_REFUSED: what and next */

/* The first value of a query on the committed database; "" when there is no row or no database. */
const char *site_query(site *s, const char *sql, const char *param);
long site_count(site *s, const char *sql);
/* The same value into the caller's memory: the one above lasts until the next query. */
void site_read(site *s, const char *sql, const char *param, char *out, size_t size);
/* How often the outside did the effect with this key, of all folders together: lines of the files
 * `applied` in folders of the workspace, each beginning with the key. Behind it may stand the verb and
 * the digest of the arguments. */
int site_applied(const site *s, const char *key);
void site_put(const site *s, const char *name, const char *text); /* a file of the workspace */
void site_log(const site *s, keel_buf *out); /* all that the kernels said on stderr */

/* Signs and approves what is open under this number. */
/* The same, to be remembered for what its record offers. */
site_said site_remember(site *s, const char *request, const char *number);
site_said site_approve(site *s, const char *number);
/* Signs that what that run has read is trusted. */
site_said site_label(site *s, const char *run);

/* ---- sitecheck.c: nothing is running, and all must be well ---- */
void site_check(site *s);

#endif
