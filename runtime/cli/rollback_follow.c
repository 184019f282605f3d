#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "protocol.h"
#include "rests.h"
#include "rollback.h"
#include "text.h"

#define LOOK_NS    50000000L
#define LOOKS_IDLE 60  /* looks at nothing new, until it is asked whether Keel still runs */
#define LOOKS_TOLD 600 /* and between two words of what it waits for */

typedef struct step_now {
    effect_state state, undo; /* of the effect, and of the one that takes it back */
    char number[24];          /* the item of it that is open, or "" */
    char path[PATH_LIMIT];
} step_now;

typedef struct following {
    cli *c;
    const undo_plan *p;
    size_t at;
    keel_buf waiting; /* numbers, as a JSON array without brackets */
    keel_buf steps;   /* the same, of objects */
    size_t back, left;
    bool denied;
} following;

static const char now_sql[] =
    "SELECT e.state, coalesce(e.undone_by, ''), coalesce(u.state, 'proposed'),"
    " (SELECT i.number FROM item i WHERE i.run = e.run AND i.state = 'open'"
    " AND (i.path = e.path OR i.path = e.undone_by))"
    " FROM effect e LEFT JOIN effect u ON u.run = e.run AND u.path = e.undone_by"
    " WHERE e.run = CAST(? AS INTEGER) AND e.path = ?";

static int look(following *f, const undo_step *s, step_now *now, diag *d) {
    char run[24];
    const char *params[] = {run, s->path};
    cli_row row = {0};
    snprintf(run, sizeof run, "%" PRIu64, s->run);
    int rc = cli_one(f->c, now_sql, params, 2, &row, d);
    if (rc == 0) {
        now->state = effect_state_named(row.values[0]);
        now->undo = effect_state_named(row.values[2]);
        snprintf(now->path, sizeof now->path, "%s", row.values[1]);
        snprintf(now->number, sizeof now->number, "%s", row.values[3] ? row.values[3] : "");
        cli_row_free(&row);
    }
    return rc;
}

/* ---- what became of a step ---- */

static const char *word_of(const undo_step *s, effect_state state) {
    switch (state) {
    case EFFECT_COMPENSATED:
        return undo_plan_act(s) == UNDO_GONE ? "taken back before" : "taken back";
    case EFFECT_DONE:
        return "stays";
    case EFFECT_COMPENSATION_FAILED:
        return s->by_hand ? "by hand" : "failed";
    case EFFECT_COMPENSATION_UNKNOWN:
        return "unknown";
    case EFFECT_COMPENSATING:
        return "waits";
    default:
        return effect_is_over(state) ? "was not done" : "waits";
    }
}

static void tell(following *f, const undo_step *s, const step_now *now) {
    const char *word = word_of(s, now->state);
    keel_buf line = KEEL_BUF_INIT;
    if (f->c->json) {
        keel_json_writer w;
        keel_buf_puts(&f->steps, f->steps.len ? "," : "");
        keel_json_write(&w, &f->steps);
        keel_json_object(&w);
        keel_json_set_text(&w, "outcome", word);
        keel_json_set_text(&w, "path", s->path);
        keel_json_set_int(&w, "run", (int64_t)s->run);
        keel_json_set_text(&w, "state", effect_state_name(now->state));
        keel_json_set_text(&w, "target", s->target);
        keel_json_set_text(&w, "undo", now->path);
        keel_json_object_end(&w);
        return;
    }
    keel_buf_printf(&line, "%3zu  ", (size_t)(s - f->p->steps) + 1);
    term_put(&f->c->out, &line,
             now->state == EFFECT_COMPENSATED ? TINT_GOOD
             : effect_is_over(now->state)     ? TINT_NONE
                                              : TINT_WAIT,
             word);
    keel_buf_printf(&line, "%*s  ", (int)(strlen(word) < 12 ? 12 - strlen(word) : 0), "");
    rollback_did(f->c, s, &line);
    keel_buf_putc(&line, '\n');
    cli_out(&line);
    keel_buf_free(&line);
}

/* ---- going along ---- */

/* The steps that have come to their end since; true: the one that it is at now waits for a person. */
static bool is_over(const undo_step *s, const step_now *now, bool dropped) {
    undo_act act = undo_plan_act(s);
    return act == UNDO_STAYS || act == UNDO_GONE || dropped ||
           (now->state != EFFECT_DONE && effect_is_over(now->state));
}

static int advance(following *f, bool ended, step_now *now, diag *d) {
    int rc = 0;
    for (; f->at < f->p->count; f->at++) {
        const undo_step *s = &f->p->steps[f->at];
        rc = look(f, s, now, d);
        if (rc || !is_over(s, now, ended)) {
            return rc;
        }
        f->back += now->state == EFFECT_COMPENSATED && undo_plan_act(s) != UNDO_GONE;
        f->left +=
            now->state == EFFECT_DONE || (now->state == EFFECT_COMPENSATION_FAILED && !s->by_hand);
        tell(f, s, now);
    }
    return rc;
}

static const char stuck_sql[] =
    "SELECT i.number FROM item i WHERE i.run = CAST(? AS INTEGER) AND i.kind = 'stuck'"
    " AND i.state = 'open' AND i.args_seq > (SELECT seq FROM rollback WHERE run = i.run)";

/* The step that it is at cannot move before a person has acted. */
static bool rests(following *f, const step_now *now, const char *run) {
    if (f->at == f->p->count) {
        return false;
    }
    if (now->state == EFFECT_COMPENSATION_FAILED) {
        char *stuck = cli_value(f->c, stuck_sql, run);
        keel_buf_puts(&f->waiting, stuck ? stuck : "");
        f->denied = now->undo == EFFECT_DENIED;
        free(stuck);
        return f->waiting.len > 0; /* else it was so before, and is tried again */
    }
    if (now->number[0] && now->undo != EFFECT_INTENDED) {
        keel_buf_puts(&f->waiting, now->number);
        return true;
    }
    return now->undo == EFFECT_WAITING && cli_halted(f->c);
}

static void say_wait(const following *f, const step_now *now) {
    const char *number = f->waiting.len ? f->waiting.data : NULL;
    uint64_t run = f->p->run;
    if (now->state == EFFECT_COMPENSATION_FAILED && now->undo == EFFECT_NONE) {
        cli_say(f->c,
                "It is stuck there, as number %s. Why: keel stuck show %s. When that is seen to, "
                "go on with: keel rollback %" PRIu64,
                number, number, run);
    } else if (now->state == EFFECT_COMPENSATION_FAILED) {
        cli_say(f->c,
                "It is stuck there, as number %s. Why: keel why %" PRIu64 ":%s. When that is seen "
                "to, go on with: keel rollback %" PRIu64,
                number, f->p->steps[f->at].run, now->path, run);
    } else if (!number) {
        cli_say(f->c, "The workspace is halted until %s. Then it goes on by itself.",
                cli_halt_ends(f->c));
    } else if (now->undo == EFFECT_WAITING) {
        cli_say(f->c, "It waits for you: keel approve %s. Then it goes on by itself.", number);
    } else {
        cli_say(f->c,
                "Nobody knows what became of that: keel inbox %s. After your verdict it goes "
                "on by itself.",
                number);
    }
}

/* What it waits for, where no person has to act: it may take long. */
static void say_idle(const following *f, const step_now *now) {
    const undo_step *s = &f->p->steps[f->at];
    keel_buf why = KEEL_BUF_INIT;
    int len = (int)strcspn(s->target, ".");
    if (f->c->json || f->at == f->p->count) {
        return;
    }
    keel_buf_puts(&why, "");
    if (cli_halted(f->c)) {
        cli_say(f->c, "  waits: the workspace is halted until %s.", cli_halt_ends(f->c));
    } else if (rests_of(f->c, s->target, &why)) {
        cli_say(f->c, "  waits: %.*s %s; sooner: keel connection retry %.*s", len, s->target,
                why.data, len, s->target);
    } else if (now->state == EFFECT_UNKNOWN || now->state == EFFECT_RECONCILING) {
        cli_say(f->c,
                "  waits until Keel knows what became of %s: keel unknown show %" PRIu64 ":%s",
                s->target, s->run, s->path);
    } else {
        cli_say(f->c, "  waits for %s at %" PRIu64 ":%s.", s->target, s->run, s->path);
    }
    cli_say(f->c, "  Ctrl-C leaves it: it goes on by itself.");
    keel_buf_free(&why);
}

static int receipt(following *f, const char *state, const step_now *now) {
    bool ended = !strcmp(state, "ended");
    int exit = ended ? 0 : f->denied ? 5 : 3;
    if (f->at < f->p->count) {
        tell(f, &f->p->steps[f->at], now);
    }
    if (f->c->json) {
        cli_print(
            "{\"compensated\":%zu,\"exit\":%d,\"left\":%zu,\"rollback\":\"%s\",\"run\":%" PRIu64
            ",\"steps\":[%s],\"waiting\":[%s]}\n",
            f->back, exit, f->left,
            ended            ? "ended"
            : f->waiting.len ? "waits"
                             : state,
            f->p->run, f->steps.len ? f->steps.data : "", f->waiting.len ? f->waiting.data : "");
        return exit;
    }
    cli_say(f->c, "\nRun %" PRIu64 ": %zu taken back, %zu left standing%s.", f->p->run, f->back,
            f->left, ended ? "" : ", and the rest to come");
    if (!ended) {
        say_wait(f, now);
    }
    return exit;
}

static int gone(const following *f, diag *d) {
    diag_set(d, DIAG_FAILED, "Keel has stopped in the middle of the rollback of run %" PRIu64 ".",
             f->p->run);
    return diag_next(d,
                     "Start it with `keel up`: it goes on by itself. `keel run show %" PRIu64
                     "` tells how far it is.",
                     f->p->run);
}

int rollback_follow(cli *c, const undo_plan *p, diag *d) {
    static const struct timespec pause = {.tv_nsec = LOOK_NS};
    following f = {.c = c, .p = p};
    step_now now = {.state = EFFECT_NONE};
    char run[24], *state = NULL;
    int rc = 0;
    bool over = false;
    snprintf(run, sizeof run, "%" PRIu64, p->run);
    if (!c->json) {
        cli_print("\n");
    }
    for (size_t idle = 0; rc == 0 && !over; idle++) {
        size_t before = f.at;
        free(state);
        state = cli_value(c, "SELECT state FROM rollback WHERE run = CAST(? AS INTEGER)", run);
        bool open = !state || !strcmp(state, "open");
        rc = advance(&f, !open, &now, d);
        over = rc == 0 && (!open || rests(&f, &now, run));
        idle = f.at == before ? idle : 0;
        if (rc == 0 && !over && idle % LOOKS_TOLD == LOOKS_IDLE) {
            say_idle(&f, &now);
        }
        if (rc == 0 && !over && idle % LOOKS_IDLE == LOOKS_IDLE - 1 &&
            client_wait_end(c->kernel, 0)) {
            rc = gone(&f, d);
        }
        if (rc == 0 && !over) {
            nanosleep(&pause, NULL);
        }
    }
    rc = rc ? rc : receipt(&f, state ? state : "open", &now);
    free(state);
    keel_buf_free(&f.waiting);
    keel_buf_free(&f.steps);
    return rc;
}
