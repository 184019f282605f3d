/* Versions of a plugin that is being worked on: one for each save, and the newest is in force. */
#include <stdlib.h>
#include <string.h>

#include "library_int.h"
#include "yamltree.h"

#define SAVES_MAX 999999

/* The length of "+dev." and of six digits and a dot behind it. */
static int number_of(const char *version) {
    return atoi(version + semver_author(version) + 5);
}

static bool developed(const manifest *m) {
    return semver_author(m->version) < strlen(m->version);
}

/* The newest save of that id and author's version. */
static library_entry *newest(library *l, const char *id, const char *version) {
    size_t len = strlen(version);
    library_entry *best = NULL;
    for (size_t i = 0; i < l->count; i++) {
        const manifest *m = l->entries[i].plugin->manifest;
        if (developed(m) && strcmp(m->id, id) == 0 && semver_author(m->version) == len &&
            memcmp(m->version, version, len) == 0 &&
            (!best || number_of(m->version) > number_of(best->plugin->manifest->version))) {
            best = &l->entries[i];
        }
    }
    return best;
}

/* Where the version's word begins and ends in the manifest's text. */
static bool version_word(const keel_buf *text, size_t *from, size_t *to) {
    yaml_tree *t = NULL;
    if (yaml_tree_parse(&t, "", text->data, text->len, NULL) != 0) {
        return false;
    }
    const yaml_node *n = yaml_get(yaml_tree_root(t), "version");
    const char *line = text->data;
    for (int i = 1; n && line && i < n->line; i++) {
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    bool found = n && line;
    if (found) {
        *from = (size_t)(line - text->data) + (size_t)n->column - 1;
        *to = *from + n->len + (n->quoted ? 2 : 0);
        found = *to <= text->len;
    }
    yaml_tree_destroy(t);
    return found;
}

static plugin_file *manifest_file(plugin *p) {
    for (size_t i = 0; i < p->file_count; i++) {
        if (strcmp(p->files[i].name, "manifest.yaml") == 0) {
            return &p->files[i];
        }
    }
    return NULL;
}

/* The manifest as it would be with that version. */
static bool with_version(const keel_buf *text, const char *version, keel_buf *out) {
    size_t from, to;
    if (!version_word(text, &from, &to)) {
        return false;
    }
    keel_buf_append(out, text->data, from);
    keel_buf_puts(out, version);
    keel_buf_append(out, text->data + to, text->len - to);
    return true;
}

static bool same(const plugin *now, const plugin *saved) {
    const plugin_file *mine = library_file(now, "manifest.yaml");
    const plugin_file *theirs = library_file(saved, "manifest.yaml");
    keel_buf stamped = KEEL_BUF_INIT;
    bool equal = with_version(&mine->data, saved->manifest->version, &stamped) &&
                 stamped.len == theirs->data.len &&
                 memcmp(stamped.data, theirs->data.data, stamped.len) == 0;
    keel_buf_free(&stamped);
    return equal && !library_difference(now, saved, false) &&
           !library_difference(saved, now, false);
}

library_entry *library_developed(library *l, const plugin *now, bool *differs) {
    library_entry *dev = newest(l, now->manifest->id, now->manifest->version);
    if (dev) {
        *differs = !same(now, dev->plugin);
    }
    return dev;
}

/* Gives p, as it was read, the version of the next save. */
static int stamp(plugin *p, int number, diag *d) {
    keel_buf version = KEEL_BUF_INIT, text = KEEL_BUF_INIT;
    char hex[DIGEST_HEX];
    plugin_file *file = manifest_file(p);
    manifest *again = NULL;
    digest_hex(&p->digest, hex);
    keel_buf_printf(&version, "%s%cdev.%06d.%.12s", p->manifest->version,
                    strchr(p->manifest->version, '+') ? '.' : '+', number, hex);
    int rc = with_version(&file->data, version.data, &text)
                 ? manifest_parse(&again, p->manifest->file, text.data, text.len, d)
                 : diag_set(d, DIAG_USAGE, "the version in %s cannot be read", p->manifest->file);
    keel_buf_free(&version);
    if (rc) {
        keel_buf_free(&text);
        return rc;
    }
    manifest_destroy(p->manifest);
    p->manifest = again;
    keel_buf_free(&file->data);
    file->data = text;
    file->digest = digest_of(text.data, text.len);
    library_seal(p);
    return 0;
}

/* A version that is in force as it was written, when no save came after it. */
static const plugin *plain(const library *l, const plugin *now) {
    for (size_t i = 0; i < l->count; i++) {
        const plugin *p = l->entries[i].plugin;
        if (strcmp(p->manifest->id, now->manifest->id) == 0 &&
            strcmp(p->manifest->version, now->manifest->version) == 0 &&
            !library_difference(p, now, true) && !library_difference(now, p, true)) {
            return p;
        }
    }
    return NULL;
}

/* Takes `now`. */
static int save(library *l, plugin *now, const char *folder, const plugin **out, bool *fresh,
                diag *d) {
    bool differs = false;
    const library_entry *dev = library_developed(l, now, &differs);
    const plugin *there = dev ? (differs ? NULL : dev->plugin) : plain(l, now);
    int number = dev ? number_of(dev->plugin->manifest->version) + 1 : 1;
    if (there) {
        plugin_destroy(now);
        *out = there;
        return 0;
    }
    int rc = number > SAVES_MAX
                 ? diag_set(d, DIAG_USAGE, "%s %s was saved a million times: raise its version",
                            now->manifest->id, now->manifest->version)
                 : stamp(now, number, d);
    if (rc) {
        plugin_destroy(now);
        return rc;
    }
    *fresh = true;
    return library_add(l, now, folder, out, d);
}

int library_develop(const char *workspace, const char *sdk_lua, const char *folder,
                    library_save *out, void (*fault)(void *ctx, const diag *d), void *ctx,
                    diag *d) {
    library *l = NULL;
    plugin *now = NULL;
    const plugin *in_force = NULL;
    int rc = library_open_installed(&l, workspace, NULL, sdk_lua, fault, ctx, d);
    if (rc) {
        return rc;
    }
    *out = (library_save){.fresh = false};
    rc = library_read_source(&now, folder, sdk_lua, NULL, d);
    if (rc == 0) {
        out->source = now->digest;
    }
    rc = rc ? rc : save(l, now, folder, &in_force, &out->fresh, d);
    if (rc == 0) {
        snprintf(out->version, sizeof out->version, "%s", in_force->manifest->version);
        out->plugin = in_force->digest;
    }
    library_close(l);
    return rc;
}
