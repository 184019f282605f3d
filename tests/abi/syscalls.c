/* A connector that makes any system call by its number, for tests/sandbox/syscalls.c. The body is a
 * text: "call NUMBER VALUE" (all six arguments are VALUE), "self NUMBER" (this process, this thread,
 * signal 0), "x32 NUMBER", "i386 NUMBER". Replies what it returned, or -errno. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keel/plugin.h"

#define X32_BIT 0x40000000L

static const keel_host *host;

static long make(long number, long v) {
    errno = 0;
    long r = syscall(number, v, v, v, v, v, v);
    return r == -1 ? -errno : r;
}

/* By the gate of 32-bit programs, where another table of numbers is in force. */
static long by_i386(long number) {
#ifdef __x86_64__
    long r = number;
    __asm__ volatile("int $0x80"
                     : "+a"(r)
                     : "b"(0L), "c"(0L), "d"(0L)
                     : "memory", "r8", "r9", "r10", "r11");
    return r;
#else
    return number;
#endif
}

static keel_status act(void *self, keel_call *call, const keel_request *r) {
    char what[60] = "", text[40];
    long result = -100000;
    (void)self;
    snprintf(what, sizeof what, "%.*s", r->body.len > 2 ? (int)r->body.len - 2 : 0,
             r->body.data + 1);
    char *rest = what + strcspn(what, " ");
    long number = strtol(rest, &rest, 10), value = strtol(rest, NULL, 10);
    if (strncmp(what, "call", 4) == 0) {
        result = make(number, value);
    } else if (strncmp(what, "self", 4) == 0) {
        result = syscall(number, getpid(), gettid(), 0);
    } else if (strncmp(what, "x32", 3) == 0) {
        result = make(number | X32_BIT, 0);
    } else if (strncmp(what, "i386", 4) == 0) {
        result = by_i386(number);
    }
    snprintf(text, sizeof text, "%ld", result);
    return host->reply(host->ctx, call, (keel_span){text, strlen(text)});
}

static keel_status create(const keel_host *h, keel_span config, void **self) {
    (void)config;
    host = h;
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
