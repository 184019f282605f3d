/* keel dev: on each save a plugin is checked, tested, installed and in force. */
#include "dev.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "commands.h"
#include "up.h"

#define TICK_MS 150

static volatile sig_atomic_t asked_to_end;

static void on_signal(int number) {
    (void)number;
    asked_to_end = 1;
}

static void take_signals(void) {
    struct sigaction a = {.sa_handler = on_signal};
    sigemptyset(&a.sa_mask);
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    sigaction(SIGHUP, &a, NULL);
}

void dev_say(const dev *v, const char *format, ...) {
    char at[16], text[1200];
    struct tm tm;
    time_t now = time(NULL);
    va_list ap;
    if (v->c->quiet) {
        return;
    }
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    localtime_r(&now, &tm);
    strftime(at, sizeof at, "%H:%M:%S", &tm);
    fflush(stdout);
    fprintf(stderr, "%s  dev  %s\n", at, text);
}

/* Every name that was given is a folder here. */
static int check_names(const dev *v, diag *d) {
    for (size_t n = 0; n < v->only_count; n++) {
        const char *slash = strrchr(v->only[n], '/'), *name = slash ? slash + 1 : v->only[n];
        bool found = false;
        for (size_t i = 0; i < v->count; i++) {
            const char *mine = strrchr(v->items[i].shown, '/');
            found = found || (v->items[i].plugin && strcmp(mine + 1, name) == 0);
        }
        if (!found) {
            diag_set(d, DIAG_NOT_FOUND, "There is no agents/%s and no connectors/%s in %s.", name,
                     name, v->c->ws->root);
            return diag_next(d, "Make one: keel plugin new agent %s", name);
        }
    }
    return 0;
}

static void handle(dev *v, dev_item *item, bool *reload) {
    if (item->plugin) {
        *reload = dev_save(v, item) || *reload;
    } else {
        dev_say(v, "%s has changed.", item->shown);
        item->handled = item->seen;
        *reload = true;
    }
}

static void first_look(dev *v) {
    dev_look(v);
    for (size_t i = 0; i < v->count; i++) {
        bool ignored = false;
        if (v->items[i].plugin) {
            handle(v, &v->items[i], &ignored);
        } else {
            v->items[i].handled = v->items[i].seen;
        }
    }
}

static void work(dev *v) {
    struct timespec pause = {0, TICK_MS * 1000000L};
    while (!asked_to_end) {
        bool reload = false;
        nanosleep(&pause, NULL);
        for (size_t i = 0; i < v->count && !asked_to_end; i++) {
            if (dev_ready(&v->items[i])) {
                handle(v, &v->items[i], &reload);
            }
        }
        if (reload && !asked_to_end) {
            dev_reload(v);
        }
        dev_look(v);
        dev_tail(v);
    }
}

static int end(dev *v, diag *d) {
    if (!v->started) {
        dev_say(v, "Ended; Keel runs on, as it did before.");
        return 0;
    }
    v->c->request = NULL;
    if (!dev_kernel_runs(v)) {
        dev_say(v, "Ended; Keel had ended before.");
        return 0;
    }
    int rc = down_stop(v->c, d);
    dev_tail(v);
    if (rc == 0) {
        dev_say(v, "Ended, and Keel with it. Open work goes on with the next `keel up`.");
    }
    return rc;
}

static int dev_run(cli *c, const options *o, diag *d) {
    dev v = {
        .c = c, .only = o->args, .only_count = o->arg_count, .tests = !options_has(o, "no-tests")};
    int rc = cli_workspace(c, d);
    rc = rc ? rc : workspace_prepare(c->ws, d);
    if (rc) {
        return rc;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    take_signals();
    dev_look(&v);
    rc = check_names(&v, d);
    if (rc == 0 && c->dry_run) {
        for (size_t i = 0; i < v.count; i++) {
            cli_print("%s\n", v.items[i].shown);
        }
    } else if (rc == 0) {
        bool was_running = cli_running(c);
        first_look(&v);
        dev_tail_begin(&v);
        rc = up_start(c, &v.started, d);
        if (rc == 0 && was_running) {
            dev_reload(&v);
        }
        if (rc == 0) {
            dev_say(&v, "Watching %zu places; save a file, or press Ctrl-C to end.", v.count);
            work(&v);
            rc = end(&v, d);
        }
    }
    dev_watch_free(&v);
    keel_buf_free(&v.log_rest);
    return rc;
}

static const option dev_options[] = {
    {"no-tests", 0, NULL, "install without running scenes and checks first"},
    {NULL, 0, NULL, NULL},
};

const command dev_command = {
    .name = "dev",
    .words = "[AGENT|CONNECTOR...]",
    .summary = "work on plugins: each save is checked, tested and in force; the record is shown",
    .more = "Watches agents/, connectors/, policies/ and keel.yaml. What passes is installed as "
            "VERSION+dev.N.DIGEST,\nwhere the last save is the newest version; runs keep the one "
            "that they began with. Starts Keel\nif it does not run, and stops it at the end. A "
            "plugin with a Makefile is built first.",
    .examples = "keel dev\nkeel dev hello notes\nkeel dev hello --no-tests",
    .options = dev_options,
    .most = -1,
    .run = dev_run,
};
