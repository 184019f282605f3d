/* An executor as the kernel starts it, in an outside of its own. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "driver_int.h"
#include "fsio.h"
#include "launch.h"
#include "place.h"
#include "reach.h"

#define LOAD_US 20000000

/* A program in the executor's place that starts it and kills it at a step: a file that names both. */
static int write_stepper(const site *s, keel_buf *path, diag *d) {
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_printf(path, "%s/step-%" PRIu64, s->k->temp, s->executor);
    keel_buf_printf(&text, "#!%s %d\n%s\n", s->k->set->step, s->step, s->k->set->executor);
    int rc = fsio_write_atomic(path->data, text.data, text.len, 0700, d);
    keel_buf_free(&text);
    return rc;
}

static int start(site *s, diag *d) {
    host_events ev;
    kit *k = s->k;
    keel_buf program = KEEL_BUF_INIT;
    launch_spec spec = {.plugin = k->plugin,
                        .folder = k->set->folder,
                        .so_folder = k->set->so_folder,
                        .config = keel_json_view(s->config.data, s->config.len),
                        .root = k->root,
                        .program = k->set->executor,
                        .lock_fd = -1,
                        .unsafe = k->set->unsafe};
    s->executor = ++k->next;
    int rc = s->step ? write_stepper(s, &program, d) : 0;
    spec.program = s->step ? program.data : spec.program;
    if (!rc && k->net) {
        spec.door = net_door(k->net, s->executor, s->connection, d);
        rc = spec.door < 0 ? DIAG_FAILED : 0;
    }
    rc = rc ? rc : launch(&s->process, &k->loop, &spec, site_events(s, &ev), d);
    if (spec.door > 0) {
        close(spec.door);
    }
    keel_buf_free(&program);
    return rc;
}

bool kit_site_up(site *s) {
    diag d = {0};
    if (s->process) {
        return true;
    }
    if (s->refused) {
        return false;
    }
    s->ready = s->over = false;
    s->why[0] = 0;
    if (start(s, &d) != 0) {
        snprintf(s->why, sizeof s->why, "%.590s", d.what);
        return false;
    }
    site_wait(s, NULL, LOAD_US);
    if (!s->ready && s->process) {
        kit_site_down(s);
    }
    return s->ready && s->process;
}

void kit_site_down(site *s) {
    if (s->process) {
        s->over = false;
        host_kill(s->process);
        while (s->process) {
            uv_run(&s->k->loop, UV_RUN_ONCE);
        }
    }
    uv_run(&s->k->loop, UV_RUN_NOWAIT); /* handles that close */
}

void kit_site_begin(site *s, kit *k, keel_json config, const keel_buf *reach) {
    *s = (site){.k = k};
    keel_buf_append(&s->config, config.data, config.len);
    keel_buf_puts(&s->kv, "{}");
    if (k->net && reach) {
        s->connection = net_connection(k->net, reach);
    }
}

/* The addresses of tests are private ones, and in the clear. */
static int reach_of(const kit *k, const keel_buf *config, keel_buf *out, diag *d) {
    char name[] = "check";
    workspace_connection c = {.name = name, .ca = k->plan->ca, .plain = true, .private = true};
    c.config = *config;
    c.auth = k->plan->auth;
    return k->net ? reach_body(out, k->plugin->manifest, &c, NULL, 0, false, d) : 0;
}

int site_open(site *s, kit *k, keel_json config, diag *d) {
    keel_buf path = KEEL_BUF_INIT, filled = KEEL_BUF_INIT, reach = KEEL_BUF_INIT;
    diag why = {0};
    keel_buf_printf(&path, "%s/f%" PRIu64, k->temp, ++k->next);
    int rc =
        k->plan->seed ? place_copy(k->plan->seed, path.data, d) : fsio_mkdirs(path.data, 0700, d);
    if (!rc && k->outside && outside_clear(k->outside) != 0) {
        rc = diag_set(d, DIAG_FAILED, "keel-fakeworld does not answer");
    }
    keel_json from =
        config.len ? config : keel_json_view(k->plan->config.data, k->plan->config.len);
    plan_fill(&filled, from, path.data, outside_base(k->outside));
    bool refused = reach_of(k, &filled, &reach, &why) != 0;
    kit_site_begin(s, k, keel_json_view(filled.data, filled.len), reach.len ? &reach : NULL);
    s->folder = path.data;
    s->refused = refused;
    snprintf(s->why, sizeof s->why, "%.590s", refused ? why.what : "");
    keel_buf_free(&filled);
    keel_buf_free(&reach);
    return rc;
}

void site_close(site *s) {
    kit_site_down(s);
    if (s->folder) {
        fsio_remove_tree(AT_FDCWD, s->folder, NULL);
    }
    free(s->folder);
    keel_buf_free(&s->config);
    keel_buf_free(&s->kv);
}
