/* Which installed plugin a name means. */
#include <string.h>

#include "library_int.h"

size_t library_count(const library *l) {
    return l->count;
}

const plugin *library_get(const library *l, size_t i) {
    return l->entries[i].plugin;
}

/* A release before a pre-release, then the newer. */
static bool better(const plugin *a, const plugin *b) {
    if (!b) {
        return true;
    }
    const char *av = a->manifest->version;
    const char *bv = b->manifest->version;
    if (semver_prerelease(av) != semver_prerelease(bv)) {
        return semver_prerelease(bv);
    }
    return semver_compare(av, bv) > 0;
}

const plugin *library_plugin(const library *l, const char *reference, plugin_kind kind) {
    const char *at = strchr(reference, '@');
    size_t len = at ? (size_t)(at - reference) : strlen(reference);
    const plugin *best = NULL;
    for (size_t i = 0; i < l->count; i++) {
        const plugin *p = l->entries[i].plugin;
        const manifest *m = p->manifest;
        if (m->kind == kind && strlen(m->id) == len && memcmp(m->id, reference, len) == 0 &&
            (!at || semver_matches(m->version, at + 1)) && better(p, best)) {
            best = p;
        }
    }
    return best;
}

/* The id whose source is nearest decides; then the version. */
static source source_of_id(const library *l, const char *id) {
    source best = SOURCE_GONE;
    for (size_t i = 0; i < l->count; i++) {
        if (strcmp(l->entries[i].plugin->manifest->id, id) == 0 && l->entries[i].source > best) {
            best = l->entries[i].source;
        }
    }
    return best;
}

const plugin *library_agent(const library *l, const char *name) {
    const plugin *best = NULL;
    source nearest = SOURCE_GONE;
    for (size_t i = 0; i < l->count; i++) {
        const plugin *p = l->entries[i].plugin;
        const manifest *m = p->manifest;
        if (m->kind != PLUGIN_AGENT || strcmp(m->name, name) != 0) {
            continue;
        }
        source s = source_of_id(l, m->id);
        bool same = best && strcmp(best->manifest->id, m->id) == 0;
        if (!best || s > nearest || (s == nearest && (!same || better(p, best)))) {
            best = p;
            nearest = s;
        }
    }
    return best;
}

const plugin *library_by_digest(const library *l, const digest *d) {
    for (size_t i = 0; i < l->count; i++) {
        if (digest_equal(&l->entries[i].plugin->digest, d)) {
            return l->entries[i].plugin;
        }
    }
    return NULL;
}

/* ---- what differs ---- */

static bool is_authors(const plugin *p, const char *name) {
    bool own = strcmp(name, LIBRARY_SDK_LUA) == 0;
    for (size_t i = 0; p->manifest->service && library_engine[i]; i++) {
        own = own || strcmp(name, library_engine[i]) == 0;
    }
    return !own && !(p->manifest->service && strcmp(name, MANIFEST_SERVICE_JSON) == 0);
}

const char *library_difference(const plugin *a, const plugin *b, bool manifest_too) {
    for (size_t i = 0; i < a->file_count; i++) {
        const plugin_file *f = &a->files[i];
        const plugin_file *g = library_file(b, f->name);
        bool compared =
            is_authors(a, f->name) && (manifest_too || strcmp(f->name, "manifest.yaml") != 0);
        if (compared && (!g || !digest_equal(&f->digest, &g->digest))) {
            return f->name;
        }
    }
    return NULL;
}
