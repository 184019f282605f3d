/* keel-step: stands in the executor's place for the conformance kit, starts it, and kills it at the
 * N-th step of a verb. A step is a system call that changes files, or one that sends an answer, about
 * to be made. Started by a file of two lines: "#!.../keel-step N" and the executor's path. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol.h"

typedef struct steps {
    const executor_page *page;
    long left;
    bool begun; /* a verb runs, or has run */
} steps;

static bool changes_files(long call, long fd, long flags) {
    switch (call) {
    case SYS_openat:
        return (flags & (O_CREAT | O_TRUNC)) != 0;
    case SYS_write:
    case SYS_pwrite64:
    case SYS_writev:
        return fd > EXECUTOR_FD_EGRESS;
    case SYS_renameat2:
    case SYS_unlinkat:
    case SYS_mkdirat:
    case SYS_linkat:
    case SYS_ftruncate:
    case SYS_fsync:
    case SYS_fdatasync:
        return true;
    default:
        return false;
    }
}

static bool answers(long call, long fd) {
    return (call == SYS_sendto || call == SYS_sendmsg || call == SYS_write) &&
           fd == EXECUTOR_FD_FRAMES;
}

/* Whether this is where it ends. */
static bool due(steps *s, pid_t pid) {
    struct __ptrace_syscall_info info;
    long n = ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info);
    if (n < 0 || info.op != PTRACE_SYSCALL_INFO_ENTRY) {
        return false;
    }
    long call = (long)info.entry.nr, first = (long)info.entry.args[0];
    s->begun = s->begun || atomic_load(&s->page->run) != 0;
    if (!s->begun ||
        !(changes_files(call, first, (long)info.entry.args[2]) || answers(call, first))) {
        return false;
    }
    return --s->left == 0;
}

static _Noreturn void end_like(int status) {
    if (WIFSIGNALED(status)) {
        signal(WTERMSIG(status), SIG_DFL);
        raise(WTERMSIG(status));
    }
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

static _Noreturn void trace(pid_t pid, steps *s) {
    int status = 0;
    for (;;) {
        if (waitpid(pid, &status, __WALL) < 0 && errno != EINTR) {
            _exit(1);
        }
        if (!WIFSTOPPED(status)) {
            end_like(status);
        }
        int stop = WSTOPSIG(status);
        bool call = stop == (SIGTRAP | 0x80);
        if (call && due(s, pid)) {
            kill(pid, SIGKILL);
            waitpid(pid, &status, __WALL);
            end_like(status);
        }
        bool event = status >> 16 != 0 || stop == SIGTRAP || stop == SIGSTOP;
        ptrace(PTRACE_SYSCALL, pid, 0, call || event ? 0 : stop);
    }
}

/* The second line of the file that named this program. */
static bool read_program(const char *file, char *out, size_t size) {
    char text[8192];
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (n <= 0) {
        return false;
    }
    close(fd);
    text[n] = 0;
    const char *line = strchr(text, '\n');
    size_t len = line ? strcspn(line + 1, "\n") : 0;
    if (len == 0 || len >= size) {
        return false;
    }
    memcpy(out, line + 1, len);
    out[len] = 0;
    return true;
}

int main(int argc, char **argv) {
    char program[4096];
    if (argc < 3 || atol(argv[1]) < 1 || !read_program(argv[2], program, sizeof program)) {
        fputs("keel-step: started by `keel connector check`, not by hand\n", stderr);
        return 2;
    }
    steps s = {.left = atol(argv[1])};
    s.page = mmap(NULL, sizeof *s.page, PROT_READ, MAP_SHARED, EXECUTOR_FD_PAGE, 0);
    if (s.page == MAP_FAILED) {
        return 1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        raise(SIGSTOP);
        execl(program, "keel-executor", argc > 3 ? argv[3] : NULL, (char *)NULL);
        _exit(127);
    }
    int status;
    if (pid < 0 || waitpid(pid, &status, WUNTRACED) != pid) {
        return 1;
    }
    /* The frames are the executor's: were this end kept, its death would not be seen. */
    close(EXECUTOR_FD_FRAMES);
    if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) != 0) {
        s.left = 0; /* not allowed here: it runs on untouched, and the kit notices */
        kill(pid, SIGCONT);
        waitpid(pid, &status, 0);
        end_like(status);
    }
    kill(pid, SIGCONT);
    trace(pid, &s);
}
