/* Which system calls an executor can make at all. Tables, in three parts: what every executor does,
 * what loading or a grant adds, and what only an attack does.
 *
 * A program that runs when Keel is built: it writes the filters as C to stdout (filter.c), since making
 * one takes longer than the rest of an executor's walls. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "filter.h"

#define DEFAULT SCMP_ACT_ERRNO(EPERM)

static const char always[] =
    "read write readv writev recvfrom sendto poll ppoll close lseek fstat brk munmap mremap "
    "madvise futex clock_gettime clock_getres gettimeofday time clock_nanosleep nanosleep "
    "getrandom rt_sigprocmask rt_sigaction rt_sigreturn sigaltstack restart_syscall getpid "
    "gettid getppid getuid geteuid getgid getegid sysinfo uname getrusage times sched_yield "
    "sched_getaffinity getcpu exit exit_group rseq set_robust_list membarrier";

/* dlopen, constructors and prepare. Paths are walled by Landlock; the last entries raise the second
 * stage. */
static const char loading[] =
    "open openat openat2 stat lstat newfstatat statx access faccessat faccessat2 readlink "
    "readlinkat getdents64 pread64 statfs fstatfs getcwd fadvise64 mmap mprotect "
    "set_tid_address getrlimit landlock_create_ruleset landlock_add_rule "
    "landlock_restrict_self seccomp";

/* Work below a granted folder on descriptors that are open. */
static const char granted[] = "getdents64 pread64 pwrite64 fsync fdatasync ftruncate";

/* Nothing that a plugin's code has a reason to try: the process ends. */
static const char attacks[] =
    "socket socketpair connect bind listen accept accept4 sendmsg sendmmsg recvmsg recvmmsg "
    "execve execveat fork vfork clone clone3 ptrace process_vm_readv process_vm_writev "
    "process_madvise kcmp io_uring_setup io_uring_enter io_uring_register bpf keyctl add_key "
    "request_key unshare setns mount umount2 pivot_root chroot move_mount open_tree fsopen "
    "fsconfig fsmount fspick mount_setattr init_module finit_module delete_module kexec_load "
    "kexec_file_load perf_event_open userfaultfd kill tkill rt_sigqueueinfo rt_tgsigqueueinfo "
    "pidfd_open pidfd_getfd pidfd_send_signal reboot swapon swapoff memfd_create memfd_secret "
    "open_by_handle_at name_to_handle_at fanotify_init inotify_init inotify_init1 iopl ioperm "
    "modify_ldt personality shmget shmat msgget semget mq_open setuid setgid setreuid "
    "setregid setresuid setresgid setgroups setfsuid setfsgid capset settimeofday "
    "clock_settime adjtimex sethostname setdomainname acct quotactl syslog vhangup "
    "lookup_dcookie setsid setpgid";

/* Each name of a table, the names being separated by spaces. Names that this libseccomp or this
 * machine does not know are left to the default. */
static int add_all(scmp_filter_ctx ctx, uint32_t action, const char *names) {
    int r = 0;
    while (*names && r == 0) {
        char name[40];
        size_t len = strcspn(names, " ");
        memcpy(name, names, len);
        name[len] = '\0';
        names += len + (names[len] == ' ');
        int number = seccomp_syscall_resolve_name(name);
        r = number < 0 ? 0 : seccomp_rule_add(ctx, action, number, 0);
    }
    return r;
}

#define SIGN 0x80000000u /* of a descriptor: AT_FDCWD is negative, so a granted one is meant */

static int add_memory(scmp_filter_ctx ctx) {
    static const int calls[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect), SCMP_SYS(pkey_mprotect)};
    int r = 0;
    for (size_t i = 0; i < sizeof calls / sizeof *calls && r == 0; i++) {
        r = seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, calls[i], 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
        if (r == 0) {
            r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 1,
                                 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
        }
    }
    return r;
}

/* Calls with a first or second argument that is harmless or needed, their others being neither:
 * what holds this process to its kernel (PDEATHSIG, its own limits) stays. */
static int add_loading(scmp_filter_ctx ctx) {
    static const int controls[] = {PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, PR_GET_SECCOMP};
    static const int commands[] = {F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC, F_GET_SEALS};
    int r = add_all(ctx, SCMP_ACT_ALLOW, loading);
    for (size_t i = 0; i < sizeof controls / sizeof *controls && r == 0; i++) {
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                             SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)controls[i], 0));
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands && r == 0; i++) {
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
                             SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)commands[i], 0));
    }
    return r == 0 ? seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
                                     SCMP_A2(SCMP_CMP_EQ, 0, 0)) /* asking, not setting */
                  : r;
}

/* abort() signals its own thread; any other process is out of reach. */
static int add_own_signal(scmp_filter_ctx ctx) {
    return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                            SCMP_A0(SCMP_CMP_EQ, FILTER_OWN_PID, 0));
}

/* Opening for a look at a path (O_PATH) is not walled by Landlock, so it is not allowed. */
static int add_granted(scmp_filter_ctx ctx) {
    const struct scmp_arg_cmp first = SCMP_A0(SCMP_CMP_MASKED_EQ, SIGN, 0);
    const struct scmp_arg_cmp third = SCMP_A2(SCMP_CMP_MASKED_EQ, SIGN, 0);
    int r = add_all(ctx, SCMP_ACT_ALLOW, granted);
    if (r == 0) {
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(openat), 2, first,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, O_PATH, 0));
    }
    if (r == 0) {
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mkdirat), 1, first);
    }
    if (r == 0) {
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(unlinkat), 1, first);
    }
    if (r == 0) {
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(renameat2), 2, first, third);
    }
    return r;
}

static int fill(scmp_filter_ctx ctx, bool loading_stage, bool has_grants) {
    int r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    r = r ? r : add_all(ctx, SCMP_ACT_ALLOW, always);
    r = r ? r : add_all(ctx, SCMP_ACT_KILL_PROCESS, attacks);
    r = r ? r : add_own_signal(ctx);
    r = r ? r : loading_stage ? add_loading(ctx) : add_memory(ctx);
    /* Filters add up to the strictest: the first must let through what the second allows. */
    return r || !has_grants ? r : add_granted(ctx);
}

/* ---- as C ---- */

static int write_instructions(FILE *exported) {
    struct sock_filter i;
    int own = 0;
    while (fread(&i, sizeof i, 1, exported) == 1) {
        printf("    {0x%x, %u, %u, 0x%x},\n", i.code, i.jt, i.jf, i.k);
        own += i.k == FILTER_OWN_PID;
    }
    return own == 1 ? 0 : -EINVAL; /* filter.c writes the pid in its place */
}

static int write_filter(const char *name, bool loading_stage, bool has_grants) {
    scmp_filter_ctx ctx = seccomp_init(DEFAULT);
    FILE *exported = tmpfile();
    int r = ctx && exported ? fill(ctx, loading_stage, has_grants) : -ENOMEM;
    r = r ? r : seccomp_export_bpf(ctx, fileno(exported));
    if (!r) {
        rewind(exported);
        printf("static const struct sock_filter %s[] = {\n", name);
        r = write_instructions(exported);
        printf("};\n");
    }
    if (exported) {
        fclose(exported);
    }
    seccomp_release(ctx);
    return r;
}

int main(void) {
    int r = write_filter("loading", true, false);
    r = r ? r : write_filter("loading_granted", true, true);
    r = r ? r : write_filter("final", false, false);
    r = r ? r : write_filter("final_granted", false, true);
    if (r) {
        fprintf(stderr, "the system call filters cannot be made: %s\n", strerror(-r));
    }
    return r ? 1 : 0;
}
