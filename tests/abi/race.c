/* A connector that works below its grant, in a folder that somebody swaps for a symbolic link out of it
 * all the while. The body is how many times; it replies how often each call went well, and how often
 * it read what is not its own. For tests/sandbox/race.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keel/fs.h"
#include "keel/plugin.h"

static const keel_host *host;
static const keel_fs *fs;

typedef struct counts {
    unsigned read, refused, listed, written, moved, foreign;
} counts;

static void look(keel_call *call, counts *n) {
    const keel_fs_entry *entries = NULL;
    size_t count = 0;
    keel_span got;
    if (fs->read(fs->ctx, call, "data", "swap/file.txt", 0, 100, &got) == KEEL_OK) {
        n->read++;
        n->foreign += got.len != 6 || memcmp(got.data, "inside", 6) != 0;
    } else {
        n->refused++;
    }
    n->foreign += fs->read(fs->ctx, call, "data", "swap/outside.txt", 0, 100, &got) == KEEL_OK;
    if (fs->list(fs->ctx, call, "data", "swap", &entries, &count) == KEEL_OK) {
        n->listed++;
        for (size_t i = 0; i < count; i++) {
            n->foreign += strcmp(entries[i].name, "outside.txt") == 0;
        }
    }
}

static void change(keel_call *call, counts *n) {
    const keel_span mine = {"mine", 4};
    keel_fs_stat st = {.size_of = sizeof st};
    n->written += fs->write_atomic(fs->ctx, call, "data", "swap/new.txt", mine, 0) == KEEL_OK;
    n->moved +=
        fs->rename(fs->ctx, call, "data", "swap/new.txt", "data", "swap/moved.txt") == KEEL_OK;
    fs->remove(fs->ctx, call, "data", "swap/moved.txt");
    n->foreign += fs->stat(fs->ctx, call, "data", "swap/outside.txt", &st) == KEEL_OK;
    n->foreign += fs->remove(fs->ctx, call, "data", "swap/outside.txt") == KEEL_OK;
    n->foreign +=
        fs->rename(fs->ctx, call, "data", "swap/outside.txt", "data", "stolen.txt") == KEEL_OK;
}

static keel_status act(void *self, keel_call *call, const keel_request *r) {
    char text[200];
    counts n = {0};
    (void)self;
    for (long i = strtol(r->body.data, NULL, 10); i > 0; i--) {
        look(call, &n);
        change(call, &n);
    }
    snprintf(
        text, sizeof text,
        "{\"foreign\":%u,\"listed\":%u,\"moved\":%u,\"read\":%u,\"refused\":%u,\"written\":%u}",
        n.foreign, n.listed, n.moved, n.read, n.refused, n.written);
    return host->reply(host->ctx, call, (keel_span){text, strlen(text)});
}

static keel_status create(const keel_host *h, keel_span config, void **self) {
    (void)config;
    host = h;
    fs = h->get_service(h->ctx, KEEL_FS_SERVICE);
    *self = NULL;
    return KEEL_OK;
}

static void destroy(void *self) {
    (void)self;
}

static const keel_connector connector = {
    .size = sizeof connector, .create = create, .destroy = destroy, .read = act, .write = act};

static const keel_plugin plugin = {.magic = KEEL_ABI_MAGIC,
                                   .size = sizeof plugin,
                                   .abi_major = KEEL_ABI_MAJOR,
                                   .abi_minor = KEEL_ABI_MINOR,
                                   .kind = KEEL_KIND_CONNECTOR,
                                   .id = "com.example.abi",
                                   .version = "1.0.0",
                                   .connector = &connector};

const keel_plugin *keel_plugin_entry(void) {
    return &plugin;
}
