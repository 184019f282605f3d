/* An executor as the kernel starts it, in an outside of its own. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "driver_int.h"
#include "fsio.h"
#include "place.h"
#include "reach.h"

#define LOAD_US 20000000

static void write_config(const site *s, keel_buf *out) {
    const manifest *m = s->k->plugin->manifest;
    keel_json_writer w;
    keel_json_write(&w, out);
    keel_json_object(&w);
    keel_json_key(&w, "abi");
    keel_json_array(&w);
    keel_json_integer(&w, m->abi_major);
    keel_json_integer(&w, m->abi_minor);
    keel_json_array_end(&w);
    keel_json_set_raw(&w, "config", keel_json_view(s->config.data, s->config.len));
    keel_json_set_text(&w, "entry", manifest_program(m));
    keel_json_set_bool(&w, "http", reach_http(m));
    keel_json_set_text(&w, "id", m->id);
    keel_json_set_text(&w, "kind", "connector");
    keel_json_key(&w, "libraries");
    keel_json_array(&w);
    for (size_t i = 0; i < m->library_count; i++) {
        keel_json_text(&w, m->libraries[i]);
    }
    keel_json_array_end(&w);
    keel_json_set_int(&w, "memory", m->memory_bytes);
    keel_json_set_text(&w, "name", m->name);
    keel_json_set_bool(&w, "native", m->native);
    keel_json_set_bool(&w, "stream", reach_stream(m));
    keel_json_set_text(&w, "version", m->version);
    keel_json_object_end(&w);
}

static size_t grants(const site *s, host_grant *out, keel_buf *paths, size_t max) {
    const manifest *m = s->k->plugin->manifest;
    keel_json config = keel_json_view(s->config.data, s->config.len);
    size_t n = 0;
    for (size_t i = 0; i < m->need_count && n < max; i++) {
        const manifest_need *need = &m->needs[i];
        keel_json v = need->config ? keel_json_path(config, need->config) : (keel_json){0};
        if (strcmp(need->service, "file") != 0) {
            continue;
        }
        if (need->literal) {
            keel_buf_puts(&paths[n], need->literal);
        } else if (!keel_json_string(v, &paths[n]) || !paths[n].len) {
            continue;
        }
        out[n] = (host_grant){paths[n].data, !strcmp(need->mode, "rw")};
        n++;
    }
    return n;
}

/* A program in the executor's place that starts it and kills it at a step: a file that names both. */
static int write_stepper(const site *s, keel_buf *path, diag *d) {
    keel_buf text = KEEL_BUF_INIT;
    keel_buf_printf(path, "%s/step-%" PRIu64, s->k->temp, s->executor);
    keel_buf_printf(&text, "#!%s %d\n%s\n", s->k->set->step, s->step, s->k->set->executor);
    int rc = fsio_write_atomic(path->data, text.data, text.len, 0700, d);
    keel_buf_free(&text);
    return rc;
}

static void add_files(const plugin *p, const char *folder, const char *so_folder, host_spec *spec,
                      host_file *files, keel_buf *native) {
    for (size_t i = 0; i < p->file_count; i++) {
        const plugin_file *f = &p->files[i];
        if (p->manifest->native && !strcmp(f->name, p->manifest->entry)) {
            keel_buf_printf(native, "%s/%s", folder, f->name);
            if (access(native->data, F_OK) != 0 && so_folder) {
                keel_buf_clear(native);
                keel_buf_printf(native, "%s/%s", so_folder, f->name);
            }
            spec->native = native->data;
            spec->native_digest = f->digest;
        } else {
            files[spec->file_count++] = (host_file){f->name, f->data.data, f->data.len};
        }
    }
}

static int start(site *s, diag *d) {
    enum { GRANTS = 8 };
    host_events ev;
    kit *k = s->k;
    keel_buf body = KEEL_BUF_INIT, native = KEEL_BUF_INIT, program = KEEL_BUF_INIT;
    keel_buf paths[GRANTS] = {KEEL_BUF_INIT};
    host_grant list[GRANTS];
    host_file *files = keel_alloc((k->plugin->file_count + 1) * sizeof *files);
    host_spec spec = {.program = k->set->executor,
                      .files = files,
                      .grants = list,
                      .grant_count = grants(s, list, paths, GRANTS),
                      .lock_fd = -1,
                      .unsafe = k->set->unsafe};
    s->executor = ++k->next;
    write_config(s, &body);
    spec.config = body.data;
    spec.config_len = body.len;
    add_files(k->plugin, k->set->folder, k->set->so_folder, &spec, files, &native);
    int rc = s->step ? write_stepper(s, &program, d) : 0;
    spec.program = s->step ? program.data : spec.program;
    if (!rc && k->net) {
        spec.egress_fd = net_door(k->net, s->executor, s->connection, d);
        rc = spec.egress_fd < 0 ? DIAG_FAILED : 0;
    }
    rc = rc ? rc : host_spawn(&s->process, &k->loop, &spec, site_events(s, &ev), d);
    if (spec.egress_fd > 0) {
        close(spec.egress_fd);
    }
    for (size_t i = 0; i < GRANTS; i++) {
        keel_buf_free(&paths[i]);
    }
    keel_buf_free(&body);
    keel_buf_free(&native);
    keel_buf_free(&program);
    free(files);
    return rc;
}

bool site_up(site *s) {
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
        site_down(s);
    }
    return s->ready && s->process;
}

void site_down(site *s) {
    if (s->process) {
        s->over = false;
        host_kill(s->process);
        while (s->process) {
            uv_run(&s->k->loop, UV_RUN_ONCE);
        }
    }
    uv_run(&s->k->loop, UV_RUN_NOWAIT); /* handles that close */
}

int site_open(site *s, kit *k, keel_json config, diag *d) {
    *s = (site){.k = k};
    keel_buf path = KEEL_BUF_INIT;
    keel_buf_printf(&path, "%s/f%" PRIu64, k->temp, ++k->next);
    s->folder = path.data;
    int rc =
        k->plan->seed ? place_copy(k->plan->seed, s->folder, d) : fsio_mkdirs(s->folder, 0700, d);
    if (!rc && k->outside && outside_clear(k->outside) != 0) {
        rc = diag_set(d, DIAG_FAILED, "keel-fakeworld does not answer");
    }
    keel_json from =
        config.len ? config : keel_json_view(k->plan->config.data, k->plan->config.len);
    plan_fill(&s->config, from, s->folder, outside_base(k->outside));
    keel_buf_puts(&s->kv, "{}");
    if (!rc && k->net) {
        diag why = {0};
        s->connection = net_connection(
            k->net, k->plugin->manifest, keel_json_view(s->config.data, s->config.len),
            keel_json_view(k->plan->auth.data, k->plan->auth.len), k->plan->ca, &why);
        if (!s->connection) {
            s->refused = true;
            snprintf(s->why, sizeof s->why, "%.590s", why.what);
        }
    }
    return rc;
}

void site_close(site *s) {
    site_down(s);
    fsio_remove_tree(AT_FDCWD, s->folder, NULL);
    free(s->folder);
    keel_buf_free(&s->config);
    keel_buf_free(&s->kv);
}
