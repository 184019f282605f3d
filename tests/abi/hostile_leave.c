/* Leaving the executor, outliving it, and hurting others from it. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "hostile.h"

static void *nothing(void *arg) {
    return arg;
}

static keel_status daemonises(const asked *a) {
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            for (;;) {
                sleep(1);
            }
        }
        _exit(0);
    }
    return say(a, "null");
}

static keel_status thread(const asked *a) {
    pthread_t t;
    return say(a, pthread_create(&t, NULL, nothing, NULL) ? "\"refused\"" : "\"alive\"");
}

static keel_status close_all(const asked *a) {
    for (int fd = 0; fd < 64; fd++) {
        close(fd);
    }
    return say(a, "null");
}

static keel_status close_egress(const asked *a) {
    close(EGRESS);
    return say(a, "null");
}

static jmp_buf nowhere;

static keel_status jumps(const asked *a) {
    memset(&nowhere, 0x41, sizeof nowhere);
    longjmp(nowhere, 1);
    return say(a, "null");
}

static keel_status overflow(const asked *a) {
    volatile char room[65536];
    memset((char *)(uintptr_t)room, (int)a->r->attempt, sizeof room);
    return a->r->attempt ? overflow(a) + room[5] : KEEL_OK;
}

static keel_status ten_gb(const asked *a) {
    char *p = malloc((size_t)10 << 30);
    return p ? KEEL_E_CONFLICT : say(a, "null");
}

static keel_status timers(const asked *a) {
    struct itimerval t = {{0, 1000}, {0, 1000}};
    alarm(1);
    return setitimer(ITIMER_REAL, &t, NULL) < 0 ? say(a, "null") : KEEL_E_CONFLICT;
}

static keel_status kills_itself(const asked *a) {
    syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGKILL);
    return say(a, "null");
}

static keel_status stops_itself(const asked *a) {
    syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGSTOP);
    return say(a, "null");
}

static keel_status kills_parent(const asked *a) {
    kill(getppid(), SIGKILL);
    return say(a, "null");
}

static keel_status traces_parent(const asked *a) {
    ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
    return say(a, "null");
}

static keel_status writes_memory(const asked *a) {
    static const char *const files[] = {"/proc/self/mem",  "/proc/self/environ", "/proc/self/maps",
                                        "/proc/1/cmdline", "/proc/self/fd/3",    "/proc/net/tcp"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (open(files[i], O_RDWR) >= 0 || open(files[i], O_RDONLY) >= 0 ||
            openat(GRANT, files[i], O_RDONLY) >= 0) {
            return KEEL_E_CONFLICT;
        }
    }
    return say(a, "\"refused\"");
}

static keel_status runs_memory(const asked *a) {
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(p, 0xc3, 4096);
    mprotect(p, 4096, PROT_READ | PROT_EXEC);
    return say(a, "null");
}

/* The page that tells the kernel what it runs is shared with it. */
static keel_status page_lies(const asked *a) {
    uint64_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, PAGE, 0);
    for (int i = 0; page != MAP_FAILED && i < 1000000; i++) {
        page[0] = UINT64_MAX - (uint64_t)i;
        page[1]++;
    }
    return say(a, "null");
}

static const struct {
    const char *name;
    keel_status (*f)(const asked *a);
} acts[] = {
    {"egress_close", close_egress},
    {"daemonise", daemonises},
    {"thread", thread},
    {"close_all", close_all},
    {"jump", jumps},
    {"overflow", overflow},
    {"ten_gb", ten_gb},
    {"timers", timers},
    {"kill_self", kills_itself},
    {"stop_self", stops_itself},
    {"kill_parent", kills_parent},
    {"trace_parent", traces_parent},
    {"proc", writes_memory},
    {"run_memory", runs_memory},
    {"page_lies", page_lies},
};

int hostile_leave(const asked *a, const char *name, keel_status *status) {
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        if (strcmp(name, acts[i].name) == 0) {
            *status = acts[i].f(a);
            return 1;
        }
    }
    return 0;
}
