/* Which system calls can be made at all. Tables, in three parts: what every executor does, what
 * loading or a grant adds, and what only an attack does. */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox.h"

#define DEFAULT SCMP_ACT_ERRNO(EPERM)

static const int always[] = {SCMP_SYS(read),
                             SCMP_SYS(write),
                             SCMP_SYS(readv),
                             SCMP_SYS(writev),
                             SCMP_SYS(recvfrom),
                             SCMP_SYS(sendto),
                             SCMP_SYS(poll),
                             SCMP_SYS(ppoll),
                             SCMP_SYS(close),
                             SCMP_SYS(lseek),
                             SCMP_SYS(fstat),
                             SCMP_SYS(brk),
                             SCMP_SYS(munmap),
                             SCMP_SYS(mremap),
                             SCMP_SYS(madvise),
                             SCMP_SYS(futex),
                             SCMP_SYS(clock_gettime),
                             SCMP_SYS(clock_getres),
                             SCMP_SYS(gettimeofday),
                             SCMP_SYS(time),
                             SCMP_SYS(clock_nanosleep),
                             SCMP_SYS(nanosleep),
                             SCMP_SYS(getrandom),
                             SCMP_SYS(rt_sigprocmask),
                             SCMP_SYS(rt_sigaction),
                             SCMP_SYS(rt_sigreturn),
                             SCMP_SYS(sigaltstack),
                             SCMP_SYS(restart_syscall),
                             SCMP_SYS(getpid),
                             SCMP_SYS(gettid),
                             SCMP_SYS(getppid),
                             SCMP_SYS(getuid),
                             SCMP_SYS(geteuid),
                             SCMP_SYS(getgid),
                             SCMP_SYS(getegid),
                             SCMP_SYS(sysinfo),
                             SCMP_SYS(uname),
                             SCMP_SYS(getrusage),
                             SCMP_SYS(times),
                             SCMP_SYS(sched_yield),
                             SCMP_SYS(sched_getaffinity),
                             SCMP_SYS(getcpu),
                             SCMP_SYS(exit),
                             SCMP_SYS(exit_group),
                             SCMP_SYS(rseq),
                             SCMP_SYS(set_robust_list),
                             SCMP_SYS(membarrier)};

/* dlopen, constructors and prepare. Paths are walled by Landlock; the last entries raise the second
 * stage. */
static const int loading[] = {SCMP_SYS(open),
                              SCMP_SYS(openat),
                              SCMP_SYS(openat2),
                              SCMP_SYS(stat),
                              SCMP_SYS(lstat),
                              SCMP_SYS(newfstatat),
                              SCMP_SYS(statx),
                              SCMP_SYS(access),
                              SCMP_SYS(faccessat),
                              SCMP_SYS(faccessat2),
                              SCMP_SYS(readlink),
                              SCMP_SYS(readlinkat),
                              SCMP_SYS(getdents64),
                              SCMP_SYS(pread64),
                              SCMP_SYS(statfs),
                              SCMP_SYS(fstatfs),
                              SCMP_SYS(getcwd),
                              SCMP_SYS(fadvise64),
                              SCMP_SYS(mmap),
                              SCMP_SYS(mprotect),
                              SCMP_SYS(set_tid_address),
                              SCMP_SYS(prlimit64),
                              SCMP_SYS(getrlimit),
                              SCMP_SYS(fcntl),
                              SCMP_SYS(landlock_create_ruleset),
                              SCMP_SYS(landlock_add_rule),
                              SCMP_SYS(landlock_restrict_self),
                              SCMP_SYS(prctl),
                              SCMP_SYS(seccomp)};

/* Work below a granted folder on descriptors that are open. */
static const int granted[] = {SCMP_SYS(getdents64), SCMP_SYS(pread64),   SCMP_SYS(pwrite64),
                              SCMP_SYS(fsync),      SCMP_SYS(fdatasync), SCMP_SYS(ftruncate)};

/* Nothing that a plugin's code has a reason to try: the process ends. */
static const int attacks[] = {SCMP_SYS(socket),
                              SCMP_SYS(socketpair),
                              SCMP_SYS(connect),
                              SCMP_SYS(bind),
                              SCMP_SYS(listen),
                              SCMP_SYS(accept),
                              SCMP_SYS(accept4),
                              SCMP_SYS(sendmsg),
                              SCMP_SYS(sendmmsg),
                              SCMP_SYS(recvmsg),
                              SCMP_SYS(recvmmsg),
                              SCMP_SYS(execve),
                              SCMP_SYS(execveat),
                              SCMP_SYS(fork),
                              SCMP_SYS(vfork),
                              SCMP_SYS(clone),
                              SCMP_SYS(clone3),
                              SCMP_SYS(ptrace),
                              SCMP_SYS(process_vm_readv),
                              SCMP_SYS(process_vm_writev),
                              SCMP_SYS(process_madvise),
                              SCMP_SYS(kcmp),
                              SCMP_SYS(io_uring_setup),
                              SCMP_SYS(io_uring_enter),
                              SCMP_SYS(io_uring_register),
                              SCMP_SYS(bpf),
                              SCMP_SYS(keyctl),
                              SCMP_SYS(add_key),
                              SCMP_SYS(request_key),
                              SCMP_SYS(unshare),
                              SCMP_SYS(setns),
                              SCMP_SYS(mount),
                              SCMP_SYS(umount2),
                              SCMP_SYS(pivot_root),
                              SCMP_SYS(chroot),
                              SCMP_SYS(move_mount),
                              SCMP_SYS(open_tree),
                              SCMP_SYS(fsopen),
                              SCMP_SYS(fsconfig),
                              SCMP_SYS(fsmount),
                              SCMP_SYS(fspick),
                              SCMP_SYS(mount_setattr),
                              SCMP_SYS(init_module),
                              SCMP_SYS(finit_module),
                              SCMP_SYS(delete_module),
                              SCMP_SYS(kexec_load),
                              SCMP_SYS(kexec_file_load),
                              SCMP_SYS(perf_event_open),
                              SCMP_SYS(userfaultfd),
                              SCMP_SYS(kill),
                              SCMP_SYS(tkill),
                              SCMP_SYS(rt_sigqueueinfo),
                              SCMP_SYS(rt_tgsigqueueinfo),
                              SCMP_SYS(pidfd_open),
                              SCMP_SYS(pidfd_getfd),
                              SCMP_SYS(pidfd_send_signal),
                              SCMP_SYS(reboot),
                              SCMP_SYS(swapon),
                              SCMP_SYS(swapoff),
                              SCMP_SYS(memfd_create),
                              SCMP_SYS(memfd_secret),
                              SCMP_SYS(open_by_handle_at),
                              SCMP_SYS(name_to_handle_at),
                              SCMP_SYS(fanotify_init),
                              SCMP_SYS(inotify_init),
                              SCMP_SYS(inotify_init1),
                              SCMP_SYS(iopl),
                              SCMP_SYS(ioperm),
                              SCMP_SYS(modify_ldt),
                              SCMP_SYS(personality),
                              SCMP_SYS(shmget),
                              SCMP_SYS(shmat),
                              SCMP_SYS(msgget),
                              SCMP_SYS(semget),
                              SCMP_SYS(mq_open),
                              SCMP_SYS(setuid),
                              SCMP_SYS(setgid),
                              SCMP_SYS(setreuid),
                              SCMP_SYS(setregid),
                              SCMP_SYS(setresuid),
                              SCMP_SYS(setresgid),
                              SCMP_SYS(setgroups),
                              SCMP_SYS(setfsuid),
                              SCMP_SYS(setfsgid),
                              SCMP_SYS(capset),
                              SCMP_SYS(settimeofday),
                              SCMP_SYS(clock_settime),
                              SCMP_SYS(adjtimex),
                              SCMP_SYS(sethostname),
                              SCMP_SYS(setdomainname),
                              SCMP_SYS(acct),
                              SCMP_SYS(quotactl),
                              SCMP_SYS(syslog),
                              SCMP_SYS(vhangup),
                              SCMP_SYS(lookup_dcookie),
                              SCMP_SYS(setsid),
                              SCMP_SYS(setpgid)};

#define COUNT(table) (sizeof(table) / sizeof *(table))

static int add_all(scmp_filter_ctx ctx, uint32_t action, const int *calls, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int r = seccomp_rule_add(ctx, action, calls[i], 0);
        /* -EDOM: no such call on this architecture. */
        if (r < 0 && r != -EDOM) {
            return r;
        }
    }
    return 0;
}

#define SIGN 0x80000000u /* of a descriptor: AT_FDCWD is negative, so a granted one is meant */

static int add_memory(scmp_filter_ctx ctx) {
    static const int calls[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect), SCMP_SYS(pkey_mprotect)};
    int r = 0;
    for (size_t i = 0; i < COUNT(calls) && r == 0; i++) {
        r = seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, calls[i], 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
        if (r == 0) {
            r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 1,
                                 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
        }
    }
    return r;
}

/* abort() signals its own thread; any other process is out of reach. */
static int add_own_signal(scmp_filter_ctx ctx) {
    return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                            SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
}

/* Opening for a look at a path (O_PATH) is not walled by Landlock, so it is not allowed. */
static int add_granted(scmp_filter_ctx ctx) {
    const struct scmp_arg_cmp first = SCMP_A0(SCMP_CMP_MASKED_EQ, SIGN, 0);
    const struct scmp_arg_cmp third = SCMP_A2(SCMP_CMP_MASKED_EQ, SIGN, 0);
    int r = add_all(ctx, SCMP_ACT_ALLOW, granted, COUNT(granted));
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

static int fill(scmp_filter_ctx ctx, const executor_config *c, sandbox_stage stage) {
    seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    int r = add_all(ctx, SCMP_ACT_ALLOW, always, COUNT(always));
    if (r == 0) {
        r = add_all(ctx, SCMP_ACT_KILL_PROCESS, attacks, COUNT(attacks));
    }
    if (r == 0) {
        r = add_own_signal(ctx);
    }
    if (r == 0) {
        r = stage == SANDBOX_LOADING ? add_all(ctx, SCMP_ACT_ALLOW, loading, COUNT(loading))
                                     : add_memory(ctx);
    }
    /* Filters add up to the strictest: the first must let through what the second allows. */
    if (r == 0 && c->grant_count > 0) {
        r = add_granted(ctx);
    }
    return r;
}

int filter_enforce(const executor_config *c, sandbox_stage stage, diag *d) {
    scmp_filter_ctx ctx = seccomp_init(DEFAULT);
    if (!ctx) {
        return diag_set(d, DIAG_FAILED, "The system call filter of %s cannot be made.", c->id);
    }
    int r = fill(ctx, c, stage);
    if (r == 0) {
        r = seccomp_load(ctx);
    }
    seccomp_release(ctx);
    if (r < 0) {
        return diag_set(d, DIAG_FAILED, "The system call filter (seccomp) of %s cannot be set: %s.",
                        c->id, strerror(-r));
    }
    return 0;
}
