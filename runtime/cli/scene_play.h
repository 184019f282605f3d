/* Plays a scene: the agent's code runs in a real keel-executor, in its sandbox; every call of it is
 * answered from the scene. No kernel, no network, no file of a workspace. Then every prefix of what
 * was recorded is replayed, as after a restart, and must go on to the same record. */
#ifndef CLI_SCENE_PLAY_H
#define CLI_SCENE_PLAY_H

#include "library.h"
#include "scene.h"

typedef struct scene_options {
    const plugin *plugin;
    const char *folder;   /* where its files are, for places in messages */
    const char *executor; /* the program */
    const char *root;     /* the folder that paths of a config are below */
    bool update;          /* take what the agent does now instead of comparing */
    bool load;            /* only see whether the code loads; connectors too, with this config: */
    keel_json config;
    bool unsafe;
} scene_options;

typedef struct scene_report {
    bool passed;
    bool refused;    /* the code does not load: no scene can be played */
    char place[400]; /* FILE:LINE of what is at fault, "" when there is none */
    char what[600];  /* one sentence */
    keel_buf detail; /* lines */
    size_t calls;    /* answered */
    size_t prefixes; /* replayed */
} scene_report;

/* 0 with the report filled; a DIAG_ code when nothing could be played (no program, no process).
 * update: with a passed report, s holds what the agent did. */
int scene_play(scene *s, const scene_options *o, scene_report *out, diag *d);
void scene_report_free(scene_report *r);

#endif
