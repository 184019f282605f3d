/* What an older file cannot know. A restore (and nothing else) puts a backup in the place of a newer
 * file: what was done behind the backup's last record was done, and is not in it. So, before anything
 * is sent:
 *
 *   open in the backup       taken as lost: looked for under its own key, or asked for
 *   waits for an approval    stale, and asked again
 *   a first attempt          of a run that the backup knows, or of what takes back what it did: it
 *                            may have been made behind the backup,
 *                            under the key of that life, for the same run and path: looked for under
 *                            that key first; where nobody can look, a person is asked
 *   of a run that it begins  the same may have been done under a number that the backup does not
 *                            know: nobody can look, so a person is asked
 *   what takes back          also under the paths of other tries: the one before may have failed, and a
 *                            person have ordered another; not at all if this life has sent what it is
 *                            to take back
 *   waits after an attempt   that came to nothing: as a first attempt, the next one may have been made
 *   done shortly before      looked for once more: the other side may have lost it, too (recheck.c)
 *
 * That one of them is absent says nothing of the later ones of its run: it may have been refused or
 * denied in that life, and its program went on. So each is looked for. All looks wait for `keel
 * resume`: a restored workspace starts halted. */
#include <stdlib.h>
#include <string.h>

#include "parts.h"
#include "planted.h"
#include "undo_plan.h"

/* Tries behind the one at hand that a lost life may have come to. A person orders each, having been told
 * why the one before has failed. */
enum { MORE_TRIES = 4 };

static int64_t number_of(const char *text) {
    return text ? strtoll(text, NULL, 10) : 0;
}

/* ---- what is known ---- */

static int on_restore(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    kernel *k = ctx;
    k->restored = (restore_point){.seq = number_of(v[0]),
                                  .last_us = number_of(v[1]),
                                  .at_us = number_of(v[2]),
                                  .last_run = (uint64_t)number_of(v[3])};
    return 0;
}

static int on_life(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    restore_point *p = ctx;
    if (number_of(v[1]) < 0 || p->life_count == LOST_LIVES) {
        p->untold = true;
        return 0;
    }
    size_t at = p->life_count++;
    snprintf(p->lives[at].incarnation, sizeof p->lives[at].incarnation, "%s", v[0]);
    p->lives[at].last_run = (uint64_t)number_of(v[2]);
    return 0;
}

/* Also those of earlier restores: what was not come to since may have been done in them. */
int restored_load(kernel *k, diag *d) {
    static const char last[] =
        "SELECT p.seq, p.last_us, p.at_us,"
        " (SELECT id FROM run WHERE begin_seq <= p.last ORDER BY id DESC LIMIT 1)"
        " FROM restored p ORDER BY p.seq DESC LIMIT 1";
    static const char lives[] =
        "SELECT incarnation, max(last), (SELECT max(id) FROM run WHERE begin_seq <= max(x.last))"
        " FROM (SELECT seq, incarnation, last FROM restored UNION ALL"
        " SELECT p.seq, l.value ->> 'incarnation', l.value ->> 'seq'"
        " FROM restored p, json_each(coalesce(p.lives, '[]')) l) x"
        " GROUP BY incarnation ORDER BY max(seq) DESC, max(last) DESC";
    int rc = reader_query(k->env.reads, last, NULL, 0, on_restore, k, d);
    return rc || !k->restored.seq
               ? rc
               : reader_query(k->env.reads, lives, NULL, 0, on_life, &k->restored, d);
}

static int on_sure(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    *(bool *)ctx = number_of(v[0]) != 0;
    return 0;
}

/* Whose run it is: up by who spawned it and what it goes on from, to one that the backup knows, or to
 * one that a person began since. It is sure when there is none that the backup knows. */
void restored_run(kernel *k, run *r) {
    static const char sql[] = "WITH RECURSIVE up(id) AS (SELECT CAST(?1 AS INTEGER)"
                              " UNION ALL SELECT coalesce(r.continued_from, r.parent)"
                              " FROM up JOIN run r ON r.id = up.id WHERE r.id > CAST(?2 AS INTEGER)"
                              " AND coalesce(r.continued_from, r.parent) IS NOT NULL)"
                              " SELECT min(id) > CAST(?2 AS INTEGER) FROM up";
    char id[24], last[24];
    const char *params[] = {id, last};
    r->sure = !k->restored.seq;
    if (r->sure) {
        return;
    }
    snprintf(id, sizeof id, "%llu", (unsigned long long)r->id);
    snprintf(last, sizeof last, "%llu", (unsigned long long)k->restored.last_run);
    reader_query(k->env.reads, sql, params, 2, on_sure, &r->sure, NULL);
}

void restored_begin(kernel *k, run *r) {
    const run *parent = r->parent ? map_get(&k->runs, r->parent) : NULL;
    r->sure = !k->restored.seq || !r->parent || (parent && parent->sure);
}

/* ---- a first attempt ---- */

static bool known_run(const kernel *k, const run *r) {
    return r->id <= k->restored.last_run;
}

/* It is another thing to have it twice. */
static bool counts(const call *c) {
    return c->class == CLASS_KEYED || c->class == CLASS_CHECKABLE || c->class == CLASS_ONCE;
}

static int on_any(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)v;
    (void)names;
    *(bool *)ctx = true;
    return 0;
}

/* It was doubted since, and came to an end as not done; now a person has it tried once more. */
static bool answered_before(kernel *k, const call *c) {
    static const char sql[] =
        "SELECT 1 FROM effect WHERE run = CAST(?1 AS INTEGER) AND attempts > 0"
        " AND sent_seq > CAST(?2 AS INTEGER) AND state IN ('not_done', 'proposed')"
        " AND (path = ?3 OR (instr(?3, '~') > 0 AND substr(path, 1, instr(path, '~')) ="
        " substr(?3, 1, instr(?3, '~')))) LIMIT 1";
    char id[24], seq[24];
    const char *params[] = {id, seq, c->path};
    bool found = false;
    snprintf(id, sizeof id, "%llu", (unsigned long long)c->run->id);
    snprintf(seq, sizeof seq, "%lld", (long long)k->restored.seq);
    reader_query(k->env.reads, sql, params, 3, on_any, &found, NULL);
    return found;
}

static int on_key(void *ctx, int n, const char *const *v, const char *const *names) {
    (void)n;
    (void)names;
    snprintf(ctx, sizeof((call *)NULL)->key, "%s", v[0] ? v[0] : "");
    return 1;
}

/* A person's word that it was done says nothing of the life in which it was. */
static bool said_by_person(kernel *k, int64_t done_seq) {
    keel_buf by = KEEL_BUF_INIT;
    bool looked = reader_member(k->env.reads, done_seq, "by", &by, NULL) == 0 &&
                  (!by.len || keel_json_is(keel_json_view(by.data, by.len), "reconcile"));
    keel_buf_free(&by);
    return !looked;
}

/* What it takes back was sent under a key of this life. Whatever a lost life took back at that path was
 * another thing, which its run had come to on another way. */
static bool takes_back_ours(kernel *k, const call *c) {
    static const char sql[] =
        "SELECT key FROM effect WHERE run = CAST(?1 AS INTEGER) AND path = ?2";
    char id[24], of[PATH_LIMIT], sent[sizeof c->key] = "";
    const char *params[] = {id, of};
    call ours = {.run = c->run};
    snprintf(id, sizeof id, "%llu", (unsigned long long)c->run->id);
    snprintf(of, sizeof of, "%.*s", (int)strcspn(c->path, "~"), c->path);
    effect_mint_key(&ours, k->identity.incarnation, of);
    reader_query(k->env.reads, sql, params, 2, on_key, sent, NULL);
    return !strcmp(sent, ours.key) && !said_by_person(k, c->undoes);
}

/* What takes back was doubtful whatever its run has come to: a person orders it at any time. */
static bool doubtful(kernel *k, const call *c) {
    run whose = {.id = c->run->id, .sure = c->run->sure};
    if (!k->restored.seq || !counts(c) || (!c->undoes && (whose.sure || !c->run->tree)) ||
        (c->undoes && takes_back_ours(k, c))) {
        return false;
    }
    if (c->undoes && !known_run(k, &whose)) {
        restored_run(k, &whose);
        return !whose.sure;
    }
    return true;
}

/* How many tries of it there may have been in a life. */
static size_t tries_of(const call *c) {
    const char *mark = strchr(c->path, '~');
    return mark ? strtoul(mark + 1, NULL, 10) + MORE_TRIES : 1;
}

/* Its path as the try at this place of a life, from 0: its own, those behind it, those before it. */
static void try_path(const call *c, size_t at, char path[PATH_LIMIT + 16]) {
    char of[PATH_LIMIT];
    const char *mark = strchr(c->path, '~');
    if (mark) {
        size_t own = strtoul(mark + 1, NULL, 10);
        snprintf(of, sizeof of, "%.*s", (int)(mark - c->path), c->path);
        undo_path(path, PATH_LIMIT + 16, of, (uint32_t)((own - 1 + at) % tries_of(c)) + 1);
    } else {
        snprintf(path, PATH_LIMIT, "%s", c->path);
    }
}

/* The next one, in a life in which its run was this one: c gets the key that it would have had there. */
static bool next_place(kernel *k, call *c) {
    char path[PATH_LIMIT + 16];
    size_t tries = tries_of(c);
    const restore_point *p = &k->restored;
    while (c->place < p->life_count * tries && p->lives[c->place / tries].last_run < c->run->id) {
        c->place++;
    }
    if (c->place == p->life_count * tries) {
        return false;
    }
    try_path(c, c->place % tries, path);
    effect_mint_key(c, p->lives[c->place / tries].incarnation, path);
    return true;
}

bool restored_doubts(kernel *k, call *c) {
    if (!doubtful(k, c) || answered_before(k, c) || KEEL_PLANTED("restore_undoubted")) {
        return false;
    }
    c->doubt = true;
    c->place = 0;
    next_place(k, c);
    return true;
}

bool restored_may_have(const kernel *k, const call *c) {
    return k->restored.seq && !c->run->sure && !c->doubt;
}

bool restored_elsewhere(kernel *k, call *c) {
    if (!c->doubt) {
        return false;
    }
    c->place++;
    return next_place(k, c);
}

bool restored_hidden(const kernel *k, const call *c) {
    return c->doubt && (k->restored.untold || !known_run(k, c->run));
}

void restored_look(kernel *k, call *c) {
    static const char may[] = "it may have been sent after the backup was taken";
    c->maybe_applied = true;
    c->lost_us = k->env.boot_us(k->env.ctx); /* the wall clock may have jumped since */
    if (!known_run(k, c->run)) {
        effect_unknown(k, c,
                       "it may have been sent after the backup was taken, by a run whose number "
                       "the backup does not know");
    } else if (k->restored.untold) {
        effect_unknown(
            k, c,
            "it may have been sent after the backup was taken, in a life of which no more "
            "is known");
    } else if (c->class == CLASS_ONCE) {
        effect_unknown(k, c, may);
    } else {
        effect_look_later(k, c, may, 0);
    }
}

void restored_absent(kernel *k, call *c) {
    if (c->doubt) {
        c->doubt = false;
        effect_mint_key(c, k->identity.incarnation, c->path);
    }
}

/* ---- what was open in the backup ---- */

void restored_call(kernel *k, call *c, int64_t args_seq, int64_t sent_seq, int64_t last_seq) {
    bool first = args_seq > k->restored.seq && c->attempt == 1;
    bool tried = c->undoes && sent_seq < k->restored.seq; /* and perhaps failed, and tried again */
    c->older = k->restored.seq && last_seq < k->restored.seq;
    bool waits = c->state == EFFECT_WAITING || c->class == CLASS_REPEATABLE;
    c->untried = waits && c->attempt && sent_seq < k->restored.seq;
    c->doubt = (first || tried) && c->state != EFFECT_WAITING && doubtful(k, c);
    if (c->state == EFFECT_RETRY && !c->maybe_applied && !c->older) {
        restored_absent(k, c); /* only what is proved absent comes there */
    }
}

bool restored_open(kernel *k, call *c) {
    static const char why[] = "it was open when the backup was taken, and may have been sent since";
    if (!c->older) {
        return false;
    }
    c->older = false;
    if (c->state == EFFECT_WAITING && c->number) {
        approval_stale(k, c, "restored from a backup: what was said since is not known");
        effect_decide(k, c);
        return true;
    }
    if ((c->state != EFFECT_RETRY && !(c->state == EFFECT_INTENDED && c->doubt)) ||
        c->class == CLASS_READ || c->class == CLASS_REPEATABLE) {
        return false; /* those that were out are lost answers, as after any stop */
    }
    c->dispatched = c->state == EFFECT_INTENDED;
    c->maybe_applied = true;
    c->lost_us = k->env.boot_us(k->env.ctx); /* the wall clock may have jumped since */
    if (c->class == CLASS_ONCE) {
        effect_unknown(k, c, why);
    } else {
        effect_look_later(k, c, why, 0);
    }
    return true;
}

/* ---- erased ---- */

void run_erased(kernel *k, run *r) {
    run_pause(k, r, "erased", keel_json_view("{}", 2));
    stuck_open(k, r, "", "run", "operator",
               "what it recorded was erased, so it cannot be replayed and go on",
               "drop this, cancel the run, and begin another where its work is still wanted");
}
