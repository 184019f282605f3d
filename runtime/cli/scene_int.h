/* The inner pieces of scene_play.h: one executor, one run that is compared, many that are replayed.
 */
#ifndef CLI_SCENE_INT_H
#define CLI_SCENE_INT_H

#include "rehearsal.h"
#include "scene_play.h"

#define PREFIXES 256 /* as many runs are replayed side by side at most */

/* What came out of the run, or went into it, in the order of a journal. */
typedef struct played {
    char path[PATH_LIMIT];
    char kind[16];
    char call[20];    /* digest as the executor gave it; of a step or log line: zeros */
    char *name;       /* as X_RECORD has it */
    keel_buf out;     /* the frame's body: what a replay must say again */
    keel_buf outcome; /* what answered it; of one-way records as the kernel would record them */
} played;

/* A call that was made and is not answered yet. */
typedef struct waiting {
    size_t call;   /* index into the scene's */
    played record; /* without its outcome */
} waiting;

typedef struct replaying {
    size_t prefix; /* how many records were given */
    size_t next;   /* of the records: what is to be said or answered next */
    bool *said;    /* by record */
    int64_t one_way;
    bool over;
} replaying;

typedef struct stage {
    rehearsal *process;
    scene *s;
    const scene_options *o;
    scene_report *report;
    bool over, failed;
    /* the run that is compared */
    bool *used; /* by call of the scene */
    size_t next_answer;
    waiting *waits;
    size_t wait_count;
    played *records;
    size_t record_count, record_room;
    keel_buf skipped; /* the last one-way record that the scene does not name */
    keel_buf end;     /* body of X_END */
    int64_t one_way;
    scene *seen; /* update: what the agent did */
    /* replays */
    replaying *replays;
    size_t replay_count, replays_over;
} stage;

/* ---- scene_play.c ---- */
/* The first fault counts; the process is ended. place NULL: the scene itself. */
void stage_fail(stage *g, int line, const char *what, ...) __attribute__((format(printf, 3, 4)));
void stage_over(stage *g);
/* "triage.lua:12: ...": the report's place is there, in the agent's folder. */
void stage_place(stage *g, const char *message);
void stage_start(stage *g, uint64_t run, size_t records);

/* ---- scene_live.c: the run that is compared ---- */
void live_frame(stage *g, const frame *f);
void live_stuck(stage *g); /* nothing moves, and it has not ended */
/* "use inbox.message.read", for messages; of a call in a scene with what is compared of it. */
void live_title(const char *kind, const char *name, keel_buf *out);
void live_call_title(const scene_call *c, keel_buf *out);
bool live_same(keel_json a, keel_json b); /* both are there, byte by byte */

/* ---- scene_end.c ---- */
void live_end_frame(stage *g, const frame *f); /* X_END: compared, then the replays begin */

/* ---- scene_replay.c ---- */
void replay_begin(stage *g);
void replay_frame(stage *g, const frame *f);
void replay_stuck(stage *g);

#endif
