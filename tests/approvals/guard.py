#!/usr/bin/env python3
"""guard.py SECRET COMMAND...: whether a process of the same user can read the passphrase out of COMMAND,
which asks `with (new): ` on its terminal and then `again: `. Prints what was tried, one a line, and whether
it was refused. The same is tried on a process without a guard, which must be open to it."""
import ctypes
import os
import pty
import select
import signal
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
PTRACE_CONT, PTRACE_ATTACH, PTRACE_DETACH, PTRACE_SEIZE = 7, 16, 17, 0x4206


def attempts(pid):
    def opened(name):
        with open("/proc/%d/%s" % (pid, name), "rb") as f:
            f.read(1) if name == "environ" else f.tell()

    def traced(request):
        if libc.ptrace(request, pid, None, None) != 0:
            raise OSError(ctypes.get_errno(), "ptrace")
        if request == PTRACE_ATTACH:
            os.waitpid(pid, 0)
        libc.ptrace(PTRACE_DETACH, pid, None, None)

    def copied():
        class Iovec(ctypes.Structure):
            _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]
        own = ctypes.create_string_buffer(1)
        # The first mapping is known of a process that can be read; of others any address will do.
        at = 0x400000
        try:
            with open("/proc/%d/maps" % pid) as f:
                at = int(f.readline().split("-")[0], 16)
        except OSError:
            pass
        n = libc.process_vm_readv(pid, ctypes.byref(Iovec(ctypes.addressof(own), 1)), 1,
                                  ctypes.byref(Iovec(at, 1)), 1, 0)
        if n != 1:
            raise OSError(ctypes.get_errno(), "process_vm_readv")

    yield "its memory", lambda: opened("mem")
    yield "its environment", lambda: opened("environ")
    yield "its descriptors", lambda: os.listdir("/proc/%d/fd" % pid)
    yield "copying from it", copied
    yield "attaching to it", lambda: traced(PTRACE_ATTACH)
    yield "seizing it", lambda: traced(PTRACE_SEIZE)


def refused(act):
    try:
        act()
    except OSError as e:
        return e.errno in (1, 13)
    return False


def until(fd, word):
    seen, end = b"", time.monotonic() + 30
    while word not in seen:
        ready, _, _ = select.select([fd], [], [], 0.1)
        if ready:
            seen += os.read(fd, 4096)
        if time.monotonic() > end:
            sys.exit("no %r in %r" % (word, seen))


secret, command = sys.argv[1], sys.argv[2:]
child = os.fork()
if child == 0:
    time.sleep(60)
    os._exit(0)
for name, act in attempts(child):
    print("open: %s: %s" % (name, "no" if refused(act) else "yes"))
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)

pid, fd = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
until(fd, b"with (new): ")
os.write(fd, secret.encode() + b"\n")
until(fd, b"again: ")  # now it holds what was typed
with open("/proc/%d/status" % pid) as f:
    locked = [line for line in f if line.startswith("VmLck")]
print("locked: %s" % locked[0].split()[1])
with open("/proc/%d/limits" % pid) as f:
    core = [line for line in f if line.startswith("Max core")]
print("core: %s" % core[0].split()[4])
for name, act in attempts(pid):
    print("guarded: %s: %s" % (name, "refused" if refused(act) else "OPEN"))
os.kill(pid, signal.SIGKILL)
