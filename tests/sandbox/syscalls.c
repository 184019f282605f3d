/* A probe per system call: every number from 0 to LAST, made by a connector behind the final wall,
 * with all arguments 0 and with all -1, must meet what stands in these tables, and a number that is
 * in none of them must be refused. So neither a new allowance nor a lost one goes unnoticed. Then the
 * other gates: numbers of x32, and int 0x80.
 *
 *   syscalls [grant]    with a granted folder, or without */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "executor_world.h"

#define LAST 470

static const char allowed[] =
    "read write close fstat poll lseek munmap brk rt_sigaction rt_sigprocmask readv writev "
    "sched_yield mremap madvise nanosleep getpid sendto recvfrom uname gettimeofday getrusage "
    "sysinfo times getuid getgid geteuid getegid getppid sigaltstack gettid time futex "
    "sched_getaffinity restart_syscall clock_gettime clock_getres clock_nanosleep ppoll "
    "set_robust_list getcpu getrandom membarrier rseq";
static const char with_grant[] = "pread64 pwrite64 fsync fdatasync ftruncate getdents64";
static const char killed[] =
    "shmget shmat socket connect accept sendmsg recvmsg bind listen socketpair clone fork vfork "
    "execve kill semget msgget ptrace syslog setuid setgid setpgid setsid setreuid setregid "
    "setgroups setresuid setresgid setfsuid setfsgid capset rt_sigqueueinfo personality vhangup "
    "modify_ldt pivot_root adjtimex chroot acct settimeofday mount umount2 swapon swapoff "
    "reboot sethostname setdomainname iopl ioperm init_module delete_module quotactl tkill "
    "lookup_dcookie clock_settime mq_open kexec_load add_key request_key keyctl inotify_init "
    "unshare accept4 inotify_init1 rt_tgsigqueueinfo perf_event_open recvmmsg fanotify_init "
    "name_to_handle_at open_by_handle_at sendmmsg setns process_vm_readv process_vm_writev kcmp "
    "finit_module memfd_create kexec_file_load bpf execveat userfaultfd pidfd_send_signal "
    "io_uring_setup io_uring_enter io_uring_register open_tree move_mount fsopen fsconfig "
    "fsmount fspick pidfd_open clone3 pidfd_getfd process_madvise mount_setattr memfd_secret";
static const char refused[] =
    "open stat lstat ioctl access pipe select msync mincore shmctl dup dup2 pause getitimer "
    "alarm setitimer sendfile shutdown getsockname getpeername setsockopt getsockopt wait4 "
    "semop semctl shmdt msgsnd msgrcv msgctl fcntl flock truncate getdents getcwd chdir fchdir "
    "rename mkdir rmdir creat link unlink symlink readlink chmod fchmod chown fchown lchown "
    "umask getrlimit getpgrp getgroups getresuid getresgid getpgid getsid capget rt_sigpending "
    "rt_sigtimedwait rt_sigsuspend utime mknod uselib ustat statfs fstatfs sysfs getpriority "
    "setpriority sched_setparam sched_getparam sched_setscheduler sched_getscheduler "
    "sched_get_priority_max sched_get_priority_min sched_rr_get_interval mlock munlock mlockall "
    "munlockall _sysctl prctl arch_prctl setrlimit sync create_module get_kernel_syms "
    "query_module nfsservctl getpmsg putpmsg afs_syscall tuxcall security readahead setxattr "
    "lsetxattr fsetxattr getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr "
    "removexattr lremovexattr fremovexattr sched_setaffinity set_thread_area io_setup "
    "io_destroy io_getevents io_submit io_cancel get_thread_area epoll_create epoll_ctl_old "
    "epoll_wait_old remap_file_pages set_tid_address semtimedop fadvise64 timer_create "
    "timer_settime timer_gettime timer_getoverrun timer_delete epoll_wait epoll_ctl utimes "
    "vserver mbind set_mempolicy get_mempolicy mq_unlink mq_timedsend mq_timedreceive mq_notify "
    "mq_getsetattr waitid ioprio_set ioprio_get inotify_add_watch inotify_rm_watch "
    "migrate_pages mknodat fchownat futimesat newfstatat renameat linkat symlinkat readlinkat "
    "fchmodat faccessat pselect6 get_robust_list splice tee sync_file_range vmsplice move_pages "
    "utimensat epoll_pwait signalfd timerfd_create eventfd fallocate timerfd_settime "
    "timerfd_gettime signalfd4 eventfd2 epoll_create1 dup3 pipe2 preadv pwritev fanotify_mark "
    "prlimit64 clock_adjtime syncfs sched_setattr sched_getattr seccomp mlock2 copy_file_range "
    "preadv2 pwritev2 pkey_alloc pkey_free statx io_pgetevents close_range openat2 faccessat2 "
    "epoll_pwait2 quotactl_fd landlock_create_ruleset landlock_add_rule landlock_restrict_self "
    "process_mrelease futex_waitv set_mempolicy_home_node cachestat "
    "fchmodat2 map_shadow_stack futex_wake futex_wait futex_requeue";

/* What depends on the arguments: all 0, and all -1. A descriptor of 0 is not AT_FDCWD, and protection
 * bits of -1 have the executable one. */
enum meets { REFUSED, ALLOWED, KILLED, NOT_TRIED, ENDS, TRAP };
static const struct {
    const char *name;
    enum meets zero, minus, zero_granted, minus_granted;
} others[] = {
    {"mmap", ALLOWED, KILLED, ALLOWED, KILLED},
    {"mprotect", ALLOWED, KILLED, ALLOWED, KILLED},
    {"pkey_mprotect", REFUSED, KILLED, REFUSED, KILLED}, /* the first wall does not know it */
    {"openat", REFUSED, REFUSED, ALLOWED, REFUSED},
    {"mkdirat", REFUSED, REFUSED, ALLOWED, REFUSED},
    {"unlinkat", REFUSED, REFUSED, ALLOWED, REFUSED},
    {"renameat2", REFUSED, REFUSED, ALLOWED, REFUSED},
    {"tgkill", REFUSED, REFUSED, REFUSED, REFUSED},
    {"exit", ENDS, ENDS, ENDS, ENDS},
    {"exit_group", ENDS, ENDS, ENDS, ENDS},
    {"rt_sigreturn", ENDS, ENDS, ENDS, ENDS},          /* of a signal that never was: SIGSEGV */
    {"ppoll", NOT_TRIED, ALLOWED, NOT_TRIED, ALLOWED}, /* 0: waits for ever for nothing */
};

/* uretprobe and uprobe: the machine's kernel lets no filter have them, and lets only its own code make
 * them: SIGILL or ENXIO. An older kernel does not know them. */
static const int traps[] = {335, 336};

static char *folder; /* granted, or NULL */
static child *shared;

typedef struct number {
    int n;
    char name[40]; /* libseccomp's, or the number in words */
    bool known;
} number;

static number numbers[LAST + 1];

/* ---- the tables ---- */

static bool among(const char *names, const char *name) {
    size_t len = strlen(name);
    for (const char *p = strstr(names, name); p; p = strstr(p + 1, name)) {
        if ((p == names || p[-1] == ' ') && (p[len] == ' ' || p[len] == '\0')) {
            return true;
        }
    }
    return false;
}

static int times_named(const char *name) {
    int n =
        among(allowed, name) + among(with_grant, name) + among(killed, name) + among(refused, name);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        n += strcmp(others[i].name, name) == 0 && strcmp(name, "ppoll") != 0;
    }
    return n;
}

static enum meets expected(const number *no, bool minus) {
    const char *name = no->name;
    if (no->n == traps[0] || no->n == traps[1]) {
        return TRAP;
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (strcmp(others[i].name, name) == 0) {
            return folder  ? minus ? others[i].minus_granted : others[i].zero_granted
                   : minus ? others[i].minus
                           : others[i].zero;
        }
    }
    return among(killed, name)                         ? KILLED
           : among(allowed, name)                      ? ALLOWED
           : folder != NULL && among(with_grant, name) ? ALLOWED
                                                       : REFUSED;
}

/* ---- asking ---- */

static child *asked(child *c, const char *how, long n, long value) {
    char body[60];
    c->inbox_first = 0;
    snprintf(body, sizeof body, "\"%s %ld %ld\"", how, n, value);
    child_verb(c, "write", "call", 1, body);
    return c;
}

static child *start(void) {
    return child_ready(&(child_spec){.plugin = "syscalls", .folder = folder});
}

/* What the call returned; the process must live on, and is used again. */
static long returned(const char *how, long n, long value) {
    int64_t result = 0;
    keel_json body = {NULL, 0};
    shared = shared ? shared : start();
    int type = child_next(asked(shared, how, n, value), 10000, &body);
    if (type != X_REPLY) {
        child *c = shared;
        shared = NULL;
        fail_msg("%s %ld with %ld: frame %d, status 0x%x", how, n, value, type, c->status);
    }
    assert_true(keel_json_int(keel_json_get(body, "result"), &result));
    return (long)result;
}

/* How the process ended: a wait status. */
static int ended(const char *how, long n, long value) {
    keel_json body = {NULL, 0};
    child *c = start();
    int type = child_next(asked(c, how, n, value), 10000, &body);
    int status = c->status;
    if (type != 0) {
        fail_msg("%s %ld with %ld: it lives: frame %d: %.*s", how, n, value, type, (int)body.len,
                 body.data ? body.data : "");
    }
    child_end(c);
    return status;
}

static void killed_by(const char *how, long n, long value) {
    int status = ended(how, n, value);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS) {
        fail_msg("%s %ld with %ld: not SIGSYS but status 0x%x", how, n, value, status);
    }
}

static void is_no_way_in(long n, long value) {
    keel_json body = {NULL, 0};
    int64_t result = 0;
    child *c = start();
    if (child_next(asked(c, "call", n, value), 10000, &body) == 0) {
        assert_true(WIFSIGNALED(c->status));
    } else {
        assert_true(keel_json_int(keel_json_get(body, "result"), &result));
        assert_true(result == -EPERM || result == -ENXIO);
    }
    child_end(c);
}

static void meets_as_the_tables_say(void **state) {
    const number *no = *state;
    if (no->known && no->n != traps[0] && no->n != traps[1] && times_named(no->name) != 1) {
        fail_msg("%s stands in %d tables of this test", no->name, times_named(no->name));
    }
    for (int minus = 0; minus < 2; minus++) {
        long value = -minus, result = 0;
        switch (expected(no, minus)) {
        case KILLED:
            killed_by("call", no->n, value);
            break;
        case ENDS:
            assert_true(ended("call", no->n, value) != -1);
            break;
        case NOT_TRIED:
            break;
        case TRAP:
            is_no_way_in(no->n, value);
            break;
        case ALLOWED:
            result = returned("call", no->n, value);
            if (result == -EPERM) {
                fail_msg("%s with %ld returned %ld", no->name, value, result);
            }
            break;
        case REFUSED:
            result = returned("call", no->n, value);
            if (result != -EPERM) {
                fail_msg("%s with %ld returned %ld", no->name, value, result);
            }
        }
    }
}

static void own_signal_alone(void **state) {
    (void)state;
    assert_int_equal(returned("self", SCMP_SYS(tgkill), 0), 0);
}

static void x32_ends_it(void **state) {
    (void)state;
    static const int tried[] = {0, 1, 39, 41, 56, 59, 257, 512, 520, 545};
    for (size_t i = 0; i < sizeof tried / sizeof *tried; i++) {
        killed_by("x32", tried[i], 0);
    }
}

/* getpid, exit, fork, open, execve, socketcall, clone, mmap2. Where the machine has no gate for
 * programs of 32 bits, it is a fault of protection. */
static void i386_ends_it(void **state) {
    (void)state;
    static const int tried[] = {20, 1, 2, 5, 11, 102, 120, 192};
    for (size_t i = 0; i < sizeof tried / sizeof *tried; i++) {
        int status = ended("i386", tried[i], 0);
        assert_true(WIFSIGNALED(status));
        assert_true(WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV);
    }
}

/* ---- all of them ---- */

static void name_numbers(void) {
    for (int i = 0; i <= LAST; i++) {
        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, i);
        numbers[i].n = i;
        numbers[i].known = name != NULL;
        if (name) {
            snprintf(numbers[i].name, sizeof numbers[i].name, "%s", name);
        } else {
            snprintf(numbers[i].name, sizeof numbers[i].name, "number %d", i);
        }
        free(name);
    }
}

static int drop(void **state) {
    (void)state;
    if (shared) {
        child_end(shared);
    }
    if (folder) {
        world_remove(folder);
    }
    return 0;
}

int main(int argc, char **argv) {
    static struct CMUnitTest all[LAST + 4];
    size_t count = 0;
    int null = open("/dev/null", O_RDWR); /* what an executor's descriptor 0 is */
    if (seccomp_arch_native() != SCMP_ARCH_X86_64 || null < 0 || dup2(null, 0) < 0) {
        printf("1..0 # SKIP the tables are those of x86_64\n");
        return 0;
    }
    folder = argc > 1 && strcmp(argv[1], "grant") == 0 ? world_folder() : NULL;
    name_numbers();
    for (int i = 0; i <= LAST; i++) {
        all[count++] =
            (struct CMUnitTest){numbers[i].name, meets_as_the_tables_say, NULL, NULL, &numbers[i]};
    }
    all[count++] = (struct CMUnitTest)cmocka_unit_test(own_signal_alone);
    all[count++] = (struct CMUnitTest)cmocka_unit_test(x32_ends_it);
    all[count++] = (struct CMUnitTest)cmocka_unit_test(i386_ends_it);
    return _cmocka_run_group_tests("syscalls", all, count, NULL, drop);
}
