#include "library_world.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *library_at(place *p, const char *name) {
    snprintf(p->text, sizeof p->text, "%s/%s", p->root, name);
    return p->text;
}

void library_put(place *p, const char *name, const char *text) {
    char path[sizeof p->text];
    snprintf(path, sizeof path, "%s", library_at(p, name));
    *strrchr(path, '/') = 0;
    assert_int_equal(fsio_mkdirs(path, 0755, NULL), 0);
    assert_int_equal(fsio_write_atomic(library_at(p, name), text, strlen(text), 0644, NULL), 0);
}

int library_set_up(void **state) {
    place *p = keel_alloc(sizeof *p);
    memset(p, 0, sizeof *p);
    assert_int_equal(digest_init(), 0);
    snprintf(p->root, sizeof p->root, "/tmp/keel-library-XXXXXX");
    assert_non_null(mkdtemp(p->root));
    snprintf(p->ws, sizeof p->ws, "%s/ws", p->root);
    snprintf(p->shipped, sizeof p->shipped, "%s/shipped", p->root);
    snprintf(p->sdk, sizeof p->sdk, "%s/keel.lua", p->root);
    library_put(p, "keel.lua", "return {}\n");
    library_put(p, "ws/keel.yaml", "version: 1\n");
    *state = p;
    return 0;
}

int library_tear_down(void **state) {
    place *p = *state;
    library_close(p->library);
    assert_int_equal(fsio_remove_tree(AT_FDCWD, p->root, NULL), 0);
    free(p);
    return 0;
}

static void on_fault(void *ctx, const diag *d) {
    place *p = ctx;
    p->faults++;
    p->last = *d;
}

size_t library_reopen(place *p) {
    library_close(p->library);
    p->library = NULL;
    p->faults = 0;
    diag d = {0};
    if (library_open(&p->library, p->ws, p->shipped, p->sdk, on_fault, p, &d) != 0) {
        fail_msg("%s", d.what);
    }
    return library_count(p->library);
}

void library_put_agent(place *p, const char *folder, const char *id, const char *name,
                       const char *version) {
    char text[512];
    char file[128];
    snprintf(text, sizeof text, "id: %s\nname: %s\nkind: agent\nversion: %s\nentry: main.lua\n", id,
             name, version);
    snprintf(file, sizeof file, "%s/manifest.yaml", folder);
    library_put(p, file, text);
    snprintf(file, sizeof file, "%s/main.lua", folder);
    library_put(p, file, "return keel.agent {}\n");
}

void library_put_connector(place *p, const char *folder, const char *entry, const char *version) {
    char text[512];
    char file[128];
    bool native = strstr(entry, ".so") != NULL;
    snprintf(text, sizeof text,
             "id: com.example.box\nkind: connector\nversion: %s\n%sentry: %s\nresources:\n"
             "  item:\n    read: { returns: untrusted }\n",
             version, native ? "abi: 0.1\n" : "", entry);
    snprintf(file, sizeof file, "%s/manifest.yaml", folder);
    library_put(p, file, text);
    if (!native) {
        snprintf(file, sizeof file, "%s/%s", folder, entry);
        library_put(p, file, "return keel.connector {}\n");
    }
}

void library_expect_fault(const place *p, int code, const char *what, const char *next) {
    if (p->faults != 1 || p->last.code != code || !strstr(p->last.what, what) ||
        !strstr(p->last.next, next) || !p->last.next[0]) {
        fail_msg("%d faults, the last %d: %s | %s", p->faults, p->last.code, p->last.what,
                 p->last.next);
    }
}
