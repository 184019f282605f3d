#include "inspect.h"

#include <stdlib.h>
#include <string.h>

#include "elfinfo.h"
#include "fsio.h"
#include "text.h"

#define PLUGIN_FILE_MAX (64u << 20)

static void names(keel_buf *out, const char *const *list, size_t count, size_t all) {
    for (size_t i = 0; i < count; i++) {
        keel_buf_puts(out, i ? ", " : "");
        text_line(out, list[i], strlen(list[i]));
    }
    if (all > count) {
        keel_buf_printf(out, " and %zu more", all - count);
    }
}

static void verbs(keel_buf *out, const elf_info *e) {
    const struct {
        const char *name;
        bool there;
    } all[] = {{"read", e->read},
               {"write", e->write},
               {"reconcile", e->reconcile},
               {"compensate", e->compensate},
               {"run", e->agent}};
    size_t n = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i].there) {
            keel_buf_printf(out, "%s%s", n++ ? ", " : "", all[i].name);
        }
    }
}

static void print_text(const elf_info *e) {
    keel_buf out = KEEL_BUF_INIT;
    size_t shown = e->export_count < ELFINFO_NAMES ? e->export_count : ELFINFO_NAMES;
    if (e->described) {
        keel_buf_puts(&out, "the file says: ");
        text_line(&out, e->id, strlen(e->id));
        keel_buf_putc(&out, ' ');
        text_line(&out, e->version, strlen(e->version));
        keel_buf_printf(&out, ", %s for ABI %d.%d\n  verbs ", e->agent ? "an agent" : "a connector",
                        e->abi_major, e->abi_minor);
        verbs(&out, e);
    } else {
        keel_buf_puts(&out, "the file has no description of a plugin (keel/plugin.h)");
    }
    keel_buf_puts(&out, "\n  exports ");
    names(&out, e->exports, shown, e->export_count);
    keel_buf_puts(&out, "\n  links ");
    names(&out, e->needed, e->needed_count, e->needed_count);
    keel_buf_putc(&out, '\n');
    cli_out(&out);
    keel_buf_free(&out);
}

static void set_names(keel_json_writer *w, const char *key, const char *const *list, size_t count) {
    keel_json_key(w, key);
    keel_json_array(w);
    for (size_t i = 0; i < count; i++) {
        keel_json_textn(w, list[i], strlen(list[i]));
    }
    keel_json_array_end(w);
}

static void print_json(const elf_info *e) {
    keel_buf out = KEEL_BUF_INIT, all = KEEL_BUF_INIT;
    keel_json_writer w;
    size_t shown = e->export_count < ELFINFO_NAMES ? e->export_count : ELFINFO_NAMES;
    char abi[32] = "";
    if (e->described) {
        snprintf(abi, sizeof abi, "%d.%d", e->abi_major, e->abi_minor);
        verbs(&all, e);
    }
    keel_json_write(&w, &out);
    keel_json_object(&w);
    keel_json_set_text(&w, "abi", abi);
    set_names(&w, "exports", e->exports, shown);
    keel_json_set_text(&w, "id", e->id);
    keel_json_set_text(&w, "kind", !e->described ? "" : e->agent ? "agent" : "connector");
    set_names(&w, "links", e->needed, e->needed_count);
    keel_json_set_text(&w, "verbs", all.data ? all.data : "");
    keel_json_set_text(&w, "version", e->version);
    keel_json_object_end(&w);
    cli_print("%s\n", out.data);
    keel_buf_free(&out);
    keel_buf_free(&all);
}

/* ---- beside the manifest ---- */

static int differ(const manifest *m, const char *key, const char *theirs, const char *file,
                  diag *d) {
    diag_set(d, DIAG_USAGE, "%s: %s is %s here and %s in the file, so it would be refused.",
             m->file, key, theirs, file);
    return diag_next(d, "Make the two agree: correct the manifest, or build the file again.");
}

static int check_identity(const manifest *m, const elf_info *e, diag *d) {
    char ours[32], theirs[32];
    size_t len = strlen(e->version);
    snprintf(ours, sizeof ours, "%d.%d", m->abi_major, m->abi_minor);
    snprintf(theirs, sizeof theirs, "%d.%d", e->abi_major, e->abi_minor);
    if (strcmp(m->id, e->id) != 0) {
        return differ(m, "id", m->id, e->id, d);
    }
    if (strncmp(m->version, e->version, len) != 0 || (m->version[len] && m->version[len] != '+')) {
        return differ(m, "version", m->version, e->version, d);
    }
    if (strcmp(ours, theirs) != 0) {
        return differ(m, "abi", ours, theirs, d);
    }
    if ((m->kind == PLUGIN_AGENT) != e->agent) {
        return differ(m, "kind", e->agent ? "connector" : "agent", e->agent ? "agent" : "connector",
                      d);
    }
    return 0;
}

/* What the manifest promises and the file has no function for. */
static int check_verbs(const manifest *m, const elf_info *e, diag *d) {
    for (size_t i = 0; i < m->resource_count; i++) {
        const manifest_resource *r = &m->resources[i];
        const struct {
            bool wanted, there;
            const char *verb;
        } all[] = {
            {r->verbs[VERB_READ].present, e->read, "read"},
            {r->verbs[VERB_WRITE].present, e->write, "write"},
            {r->verbs[VERB_WRITE].class == CLASS_CHECKABLE, e->reconcile, "reconcile"},
            {r->verbs[VERB_COMPENSATE].present, e->compensate, "compensate"},
        };
        for (size_t v = 0; v < sizeof all / sizeof *all; v++) {
            if (all[v].wanted && !all[v].there) {
                diag_set(d, DIAG_USAGE, "%s: %s needs %s, and the file has no function for it.",
                         m->file, r->name, all[v].verb);
                return diag_next(d, "Set .%s in KEEL_CONNECTOR, or change the manifest.",
                                 all[v].verb);
            }
        }
    }
    return 0;
}

int inspect_native(cli *c, const char *path, const manifest *m, diag *d) {
    keel_buf data = KEEL_BUF_INIT;
    elf_info e;
    int rc = fsio_read(path, PLUGIN_FILE_MAX, &data, d);
    rc = rc ? rc : elf_info_read(&e, data.data, data.len, path, d);
    if (rc == 0) {
        (c->json ? print_json : print_text)(&e);
        if (!e.described) {
            diag_set(d, DIAG_USAGE, "%s is no plugin.", path);
            rc = diag_next(d, "Describe it with KEEL_CONNECTOR or KEEL_AGENT of keel/plugin.h.");
        } else if (m) {
            rc = check_identity(m, &e, d);
            rc = rc || e.agent ? rc : check_verbs(m, &e, d);
        }
    }
    keel_buf_free(&data);
    return rc;
}

void inspect_attributes(const manifest_resource *r) {
    static const char *const words[] = {[ATTR_VALUE] = "",
                                        [ATTR_DOMAIN] = "domains in ",
                                        [ATTR_COUNT] = "how many in ",
                                        [ATTR_LENGTH] = "bytes of ",
                                        [ATTR_ORIGIN] =
                                            "nobody but who wrote what is answered is in "};
    for (size_t i = 0; i < r->attr_count; i++) {
        const manifest_attr *a = &r->attrs[i];
        cli_print("    %s: %s", a->name, words[a->fn]);
        for (size_t f = 0; f < a->of_count; f++) {
            cli_print("%s%s", f ? ", " : "", a->of[f]);
        }
        cli_print("\n");
    }
}
