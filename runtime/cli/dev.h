/* The parts of keel dev: what is watched, what is done with a save, and what is shown meanwhile. */
#ifndef CLI_DEV_H
#define CLI_DEV_H

#include "cli.h"
#include "manifest.h"

typedef struct dev_item {
    char *folder; /* absolute */
    char *shown;  /* "agents/hello"; "policies"; "keel.yaml" */
    bool plugin, agent;
    char *name, *id;   /* of its manifest when that was read last, or NULL */
    uint64_t seen;     /* a print of all its files' times and sizes */
    uint64_t handled;  /* the one that was worked on last */
    bool gone, marked; /* marked: met in this look */
} dev_item;

typedef struct dev {
    cli *c;
    const char *const *only; /* names of plugins, or none: all */
    size_t only_count;
    bool tests; /* run them on each save */
    dev_item *items;
    size_t count;
    bool started;      /* the kernel is ours */
    int64_t last;      /* record shown last */
    int64_t log_at;    /* bytes of keel.log shown */
    keel_buf log_rest; /* a line that is not whole yet */
} dev;

/* ---- dev_watch.c ---- */
/* Looks at everything. An item is ready when its print is no longer `handled` and has stood still
 * since the look before. */
void dev_look(dev *v);
bool dev_ready(const dev_item *item);
uint64_t dev_print(const dev_item *item); /* of its files, as they are now */
void dev_watch_free(dev *v);

/* ---- dev_save.c ---- */
/* Builds, checks, tests and installs a plugin. True when it was installed afresh, so that a kernel
 * must be told. What is wrong is said, with file and line. */
bool dev_save(dev *v, dev_item *item);
void dev_reload(dev *v);
bool dev_kernel_runs(dev *v);

/* ---- dev_tail.c ---- */
void dev_tail_begin(dev *v); /* what was before is not shown */
void dev_tail(dev *v);

/* A line of our own on stderr, behind the time. */
void dev_say(const dev *v, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
