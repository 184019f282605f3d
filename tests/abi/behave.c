/* A connector that does, in a verb, what the resource's name says. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keel/fs.h"
#include "keel/plugin.h"
#include "keel/usage.h"
#include "probe.h"

typedef struct behave {
    const keel_host *host;
    const keel_fs *fs;
    int calls;
} behave;

static keel_span span(const char *text) {
    return (keel_span){text, strlen(text)};
}

static keel_status say(behave *b, keel_call *call, const char *text) {
    return b->host->reply(b->host->ctx, call, span(text));
}

/* ---- answers ---- */

/* {"attempt":N,"body":B,"deadline":bool,"dry":bool,"key":"K","mode":N,"outcome":O} */
static keel_status echo(behave *b, keel_call *call, const keel_request *r) {
    size_t size = r->body.len + r->outcome.len + r->key.len + 200;
    char *text = b->host->scratch(b->host->ctx, call, size);
    keel_span none = {"null", 4};
    keel_span outcome = r->outcome.data ? r->outcome : none;
    snprintf(text, size,
             "{\"outcome\":%.*s, \"attempt\":%u, \"body\":%.*s, \"deadline\":%s, \"dry\":%s, "
             "\"key\":\"%.*s\", \"mode\":%u}",
             (int)outcome.len, outcome.data, r->attempt, (int)r->body.len, r->body.data,
             r->deadline_ns ? "true" : "false", r->flags & KEEL_REQUEST_DRY_RUN ? "true" : "false",
             (int)r->key.len, r->key.data ? r->key.data : "", r->mode);
    return say(b, call, text);
}

static keel_status cost(behave *b, keel_call *call, const keel_request *r) {
    (void)r;
    if (b->host->cost(b->host->ctx, call, 5, "euros") != KEEL_E_INVALID ||
        b->host->cost(b->host->ctx, call, -5, "EUR") != KEEL_E_INVALID) {
        return KEEL_E_INTERNAL;
    }
    b->host->cost(b->host->ctx, call, 2000, "EUR");
    return say(b, call, "[1]");
}

/* What is not to be believed is refused, and leaves what was reported before. */
static keel_status usage(behave *b, keel_call *call, const keel_request *r) {
    (void)r;
    const keel_usage *u = b->host->get_service(b->host->ctx, KEEL_USAGE_SERVICE);
    char name[KEEL_USAGE_MODEL + 2];
    keel_tokens used = {.size = sizeof used, .input = 1, .output = 2};
    keel_tokens good = {.size = sizeof good, .input = KEEL_USAGE_MOST, .cache_write = 7};
    if (!u || u->size < sizeof *u || u->report(u->ctx, call, "big", &good) != KEEL_OK) {
        return KEEL_E_INTERNAL;
    }
    memset(name, 'm', sizeof name);
    name[sizeof name - 1] = '\0';
    const char *const names[] = {NULL, "", name, "a\nb", "\xff"};
    int refused = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        refused += u->report(u->ctx, call, names[i], &used) == KEEL_E_INVALID;
    }
    used.cache_read = KEEL_USAGE_MOST + 1u;
    refused += u->report(u->ctx, call, "small", &used) == KEEL_E_INVALID;
    used = (keel_tokens){.size = 8};
    refused += u->report(u->ctx, call, "small", &used) == KEEL_E_INVALID;
    refused += u->report(u->ctx, call, "small", NULL) == KEEL_E_INVALID;
    refused += u->report(u->ctx, NULL, "small", &good) == KEEL_E_INVALID;
    return refused == 9 ? say(b, call, "[1]") : KEEL_E_INTERNAL;
}

static keel_status fails(behave *b, keel_call *call, const keel_request *r) {
    (void)r;
    b->host->cost(b->host->ctx, call, 7, "USD");
    return b->host->fail(b->host->ctx, call, KEEL_E_CONFLICT, "taken\x01 by \xff another");
}

static keel_status odd_status(behave *b, keel_call *call, const keel_request *r) {
    (void)r;
    return b->host->fail(b->host->ctx, call, -77, "a code of its own");
}

static keel_status silent(behave *b, keel_call *call, const keel_request *r) {
    (void)b;
    (void)call;
    (void)r;
    return KEEL_OK;
}

static keel_status no_json(behave *b, keel_call *call, const keel_request *r) {
    (void)r;
    say(b, call, "[1]");
    return say(b, call, "{oops}") == KEEL_E_INVALID ? KEEL_OK : KEEL_E_CONFLICT;
}

static keel_status logs(behave *b, keel_call *call, const keel_request *r) {
    (void)r;
    b->host->log(b->host->ctx, KEEL_LOG_WARN, "the folder\n is \xff odd");
    b->host->log(b->host->ctx, 99, "beyond");
    return say(b, call, "null");
}

/* 18 calls of 64 MiB stay below the limit of 1 GiB only if each gives its own back. */
static keel_status scratches(behave *b, keel_call *call, const keel_request *r) {
    (void)r;
    char *p = b->host->scratch(b->host->ctx, call, 64u << 20);
    for (size_t i = 0; i < 64u << 20; i += 4096) {
        if (p[i]) {
            return KEEL_E_INTERNAL;
        }
        p[i] = 1;
    }
    return say(b, call, "null");
}

static keel_status large(behave *b, keel_call *call, const keel_request *r) {
    (void)r;
    size_t size = 3u << 20;
    char *text = b->host->scratch(b->host->ctx, call, size + 3);
    memset(text, 'x', size + 2);
    text[0] = text[size + 1] = '"';
    return say(b, call, text);
}

static keel_status too_large(behave *b, keel_call *call, const keel_request *r) {
    (void)r;
    size_t size = 17u << 20;
    char *text = b->host->scratch(b->host->ctx, call, size + 3);
    memset(text, 'x', size + 2);
    text[0] = text[size + 1] = '"';
    return say(b, call, text) == KEEL_E_INVALID ? KEEL_OK : KEEL_E_CONFLICT;
}

static keel_status cancelled(behave *b, keel_call *call, const keel_request *r) {
    (void)r;
    while (!b->host->cancelled(b->host->ctx, call)) {
    }
    return KEEL_E_CANCELLED;
}

static keel_status services(behave *b, keel_call *call, const keel_request *r) {
    (void)r;
    const keel_host *h = b->host;
    bool none = !h->get_service(h->ctx, "keel.fs/2") && !h->get_service(h->ctx, "keel.http/1") &&
                !h->get_service(h->ctx, "keel.effect/1") && !h->get_service(h->ctx, NULL);
    return say(b, call, !none ? "\"too much\"" : b->fs ? "\"fs\"" : "\"none\"");
}

/* ---- misdeeds ---- */

static volatile int *volatile nowhere;

static keel_status segv(behave *b, keel_call *call, const keel_request *r) {
    *nowhere = 1;
    return silent(b, call, r);
}

static keel_status hangs(behave *b, keel_call *call, const keel_request *r) {
    for (volatile int i = 0;; i++) {
    }
    return silent(b, call, r);
}

static keel_status exits(behave *b, keel_call *call, const keel_request *r) {
    say(b, call, "null");
    exit(0);
    return silent(b, call, r);
}

static keel_status aborts(behave *b, keel_call *call, const keel_request *r) {
    abort();
    return silent(b, call, r);
}

/* Takes memory until there is none: the limit ends it, not the machine. */
static keel_status leaks(behave *b, keel_call *call, const keel_request *r) {
    (void)r;
    size_t taken = 0;
    for (; taken < 1u << 16; taken++) {
        char *p = malloc(1u << 20);
        if (!p) {
            break;
        }
        p[0] = 1;
    }
    char text[40];
    snprintf(text, sizeof text, "%zu", taken);
    return say(b, call, text);
}

static keel_status garbage(behave *b, keel_call *call, const keel_request *r) {
    char junk[4096];
    memset(junk, 0xee, sizeof junk);
    if (write(3, junk, sizeof junk) < 0) {
        return KEEL_E_INTERNAL;
    }
    return silent(b, call, r);
}

/* body: "NAME" of a probe, see probe.h. */
static keel_status probes(behave *b, keel_call *call, const keel_request *r) {
    char name[64] = "";
    if (r->body.len >= 2 && r->body.len - 2 < sizeof name) {
        memcpy(name, r->body.data + 1, r->body.len - 2);
    }
    char text[40];
    snprintf(text, sizeof text, "%ld", probe_try(name));
    return say(b, call, text);
}

/* ---- files ---- */

/* body: "NAME": writes, reads back, lists, renames and removes it below the folder "data". */
static keel_status files(behave *b, keel_call *call, const keel_request *r) {
    const keel_fs *fs = b->fs;
    const keel_fs_entry *entries = NULL;
    size_t count = 0;
    keel_span got = {NULL, 0};
    keel_fs_stat st = {.size_of = sizeof st};
    (void)r;
    keel_status s = fs->write_atomic(fs->ctx, call, "data", "a/b.txt", span("hello"), KEEL_FS_NEW);
    s = s < 0 ? s : fs->write_atomic(fs->ctx, call, "data", "a/b.txt", span("hello"), 0);
    s = s < 0 ? s : fs->stat(fs->ctx, call, "data", "a/b.txt", &st);
    s = s < 0 ? s : fs->read(fs->ctx, call, "data", "a/b.txt", 1, 3, &got);
    s = s < 0 ? s : fs->list(fs->ctx, call, "data", "a", &entries, &count);
    s = s < 0 ? s : fs->rename(fs->ctx, call, "data", "a/b.txt", "data", "c.txt");
    s = s < 0 ? s : fs->remove(fs->ctx, call, "data", "c.txt");
    s = s < 0 ? s : fs->remove(fs->ctx, call, "data", "a");
    if (s < 0) {
        return s;
    }
    bool right = st.size == 5 && st.kind == 1 && got.len == 3 && memcmp(got.data, "ell", 3) == 0 &&
                 count == 1 && strcmp(entries[0].name, "b.txt") == 0;
    return say(b, call, right ? "true" : "false");
}

static keel_status escapes(behave *b, keel_call *call, const keel_request *r) {
    keel_span got;
    (void)r;
    return b->fs->read(b->fs->ctx, call, "data", "../secret", 0, 100, &got);
}

/* ---- the table ---- */

static const struct {
    const char *name;
    keel_status (*f)(behave *b, keel_call *call, const keel_request *r);
} acts[] = {
    {"echo", echo},      {"cost", cost},           {"fails", fails},         {"odd", odd_status},
    {"silent", silent},  {"no_json", no_json},     {"logs", logs},           {"scratch", scratches},
    {"large", large},    {"too_large", too_large}, {"cancelled", cancelled}, {"services", services},
    {"segv", segv},      {"hang", hangs},          {"exit", exits},          {"abort", aborts},
    {"leak", leaks},     {"garbage", garbage},     {"probe", probes},        {"files", files},
    {"escape", escapes}, {"usage", usage},
};

static keel_status act(void *self, keel_call *call, const keel_request *r) {
    behave *b = self;
    b->calls++;
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        if (r->resource.len == strlen(acts[i].name) &&
            memcmp(acts[i].name, r->resource.data, r->resource.len) == 0) {
            return acts[i].f(b, call, r);
        }
    }
    return KEEL_E_NOT_IMPLEMENTED;
}

static keel_status create(const keel_host *host, keel_span config, void **self) {
    (void)config;
    behave *b = host->alloc(host->ctx, sizeof *b);
    b->host = host;
    b->fs = host->get_service(host->ctx, KEEL_FS_SERVICE);
    *self = b;
    return KEEL_OK;
}

static void destroy(void *self) {
    behave *b = self;
    char text[64];
    snprintf(text, sizeof text, "destroyed after %d calls", b->calls);
    b->host->log(b->host->ctx, KEEL_LOG_INFO, text);
}

static const keel_connector connector = {.size = sizeof connector,
                                         .create = create,
                                         .destroy = destroy,
                                         .read = act,
                                         .write = act,
                                         .reconcile = act};

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
