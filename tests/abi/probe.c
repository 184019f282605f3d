#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRANT 8 /* the first granted folder: EXECUTOR_FD_GRANTS */

static long result(long r) {
    return r < 0 ? -errno : r;
}

static long try_socket(void) {
    return result(socket(AF_INET, SOCK_STREAM, 0));
}

static long try_unix_socket(void) {
    return result(socket(AF_UNIX, SOCK_STREAM, 0));
}

static long try_connect(void) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    return result(connect(3, (struct sockaddr *)&to, sizeof to));
}

static long try_sendmsg(void) {
    struct msghdr m = {0};
    return result(sendmsg(3, &m, 0));
}

static long try_execve(void) {
    char *const argv[] = {"sh", NULL};
    return result(execve("/bin/sh", argv, NULL));
}

static long try_execveat(void) {
    char *const argv[] = {"sh", NULL};
    return result(syscall(SYS_execveat, -100, "/bin/sh", argv, NULL, 0));
}

static long try_fork(void) {
    pid_t pid = fork();
    if (pid == 0) {
        _exit(0);
    }
    return result(pid);
}

static long try_vfork(void) {
    return result(syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0));
}

static void *nothing(void *arg) {
    return arg;
}

static long try_thread(void) {
    pthread_t t;
    int error = pthread_create(&t, NULL, nothing, NULL);
    return -error;
}

static long try_kill(void) {
    return result(kill(getppid(), 0));
}

static long try_signal_other(void) {
    return result(syscall(SYS_tgkill, getppid(), getppid(), 0));
}

static long try_ptrace(void) {
    return result(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static long try_vm_readv(void) {
    return result(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0));
}

static long try_map_exec(void) {
    return result(
        (long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static long try_protect_exec(void) {
    static char page[8192];
    char *p = page + (4096 - (size_t)page % 4096);
    return result(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static long try_io_uring(void) {
    return result(syscall(SYS_io_uring_setup, 1, NULL));
}

static long try_bpf(void) {
    return result(syscall(SYS_bpf, 0, NULL, 0));
}

static long try_unshare(void) {
    return result(unshare(CLONE_NEWUSER));
}

static long try_mount(void) {
    return result(syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL));
}

static long try_keyctl(void) {
    return result(syscall(SYS_keyctl, 0, 0, 0, 0, 0));
}

static long try_userfaultfd(void) {
    return result(syscall(SYS_userfaultfd, 0));
}

static long try_perf(void) {
    return result(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
}

static long try_memfd(void) {
    return result(syscall(SYS_memfd_create, "x", 0));
}

static long try_setsid(void) {
    return result(setsid());
}

static long try_shm(void) {
    return result(syscall(SYS_shmget, 0, 4096, 0600));
}

static long try_personality(void) {
    return result(syscall(SYS_personality, 0x0400000));
}

static long try_passwd(void) {
    return result(open("/etc/passwd", O_RDONLY));
}

/* Absolute, though with a descriptor that the filter lets through: Landlock's to refuse. */
static long try_passwd_at(void) {
    return result(openat(GRANT, "/etc/passwd", O_RDONLY));
}

static long try_passwd_path(void) {
    return result(openat(GRANT, "/etc/passwd", O_PATH));
}

static long try_passwd_2(void) {
    struct open_how how = {.flags = O_RDONLY};
    return result(syscall(SYS_openat2, GRANT, "/etc/passwd", &how, sizeof how));
}

static long try_above(void) {
    return result(openat(GRANT, "../secret", O_RDONLY));
}

static long try_library(void) {
    return result(open("/usr/lib/os-release", O_RDONLY));
}

static long try_stat(void) {
    struct stat st;
    return result(stat("/etc/passwd", &st));
}

static long try_write_tmp(void) {
    return result(openat(GRANT, "/tmp/keel-probe", O_WRONLY | O_CREAT, 0600));
}

static long try_unlink(void) {
    return result(unlinkat(AT_FDCWD, "/etc/passwd", 0));
}

static long try_symlink(void) {
    return result(symlinkat("/etc/passwd", GRANT, "link"));
}

static long try_link(void) {
    return result(linkat(AT_FDCWD, "/etc/passwd", GRANT, "link", 0));
}

static long try_chmod(void) {
    return result(fchmodat(GRANT, ".", 0777, 0));
}

static long try_ioctl(void) {
    int n = 0;
    return result(syscall(SYS_ioctl, 0, 0x5412 /* TIOCSTI */, &n));
}

static long try_rlimit(void) {
    struct rlimit r = {100, 100};
    return result(setrlimit(RLIMIT_NOFILE, &r));
}

static long try_death_signal(void) {
    return result(prctl(PR_SET_PDEATHSIG, 0));
}

static long try_owner(void) {
    return result(fcntl(3, F_SETOWN, getppid()));
}

static const struct {
    const char *name;
    long (*f)(void);
} probes[] = {
    {"socket", try_socket},
    {"unix_socket", try_unix_socket},
    {"connect", try_connect},
    {"sendmsg", try_sendmsg},
    {"execve", try_execve},
    {"execveat", try_execveat},
    {"fork", try_fork},
    {"vfork", try_vfork},
    {"thread", try_thread},
    {"kill", try_kill},
    {"signal_other", try_signal_other},
    {"ptrace", try_ptrace},
    {"process_vm_readv", try_vm_readv},
    {"map_exec", try_map_exec},
    {"protect_exec", try_protect_exec},
    {"io_uring", try_io_uring},
    {"bpf", try_bpf},
    {"unshare", try_unshare},
    {"mount", try_mount},
    {"keyctl", try_keyctl},
    {"userfaultfd", try_userfaultfd},
    {"perf", try_perf},
    {"memfd", try_memfd},
    {"setsid", try_setsid},
    {"shm", try_shm},
    {"personality", try_personality},
    {"passwd", try_passwd},
    {"passwd_at", try_passwd_at},
    {"passwd_path", try_passwd_path},
    {"passwd_2", try_passwd_2},
    {"above", try_above},
    {"library", try_library},
    {"stat", try_stat},
    {"write_tmp", try_write_tmp},
    {"unlink", try_unlink},
    {"symlink", try_symlink},
    {"link", try_link},
    {"chmod", try_chmod},
    {"ioctl", try_ioctl},
    {"rlimit", try_rlimit},
    {"death_signal", try_death_signal},
    {"owner", try_owner},
};

long probe_try(const char *name) {
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
        if (strcmp(probes[i].name, name) == 0) {
            errno = 0;
            return probes[i].f();
        }
    }
    return -100000;
}
