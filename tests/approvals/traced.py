#!/usr/bin/env python3
"""traced.py COMMAND...: runs COMMAND on a terminal of its own under a tracer, and prints what it says."""
import ctypes
import os
import pty
import select
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]

pid, fd = pty.fork()
if pid == 0:
    libc.ptrace(0, 0, None, None)  # PTRACE_TRACEME
    os.execvp(sys.argv[1], sys.argv[1:])
while True:
    _, status = os.waitpid(pid, 0)
    if os.WIFEXITED(status) or os.WIFSIGNALED(status):
        break
    number = os.WSTOPSIG(status)
    libc.ptrace(7, pid, None, ctypes.c_void_p(0 if number == 5 else number))  # PTRACE_CONT
    ready, _, _ = select.select([fd], [], [], 0)
    if ready:
        os.write(1, os.read(fd, 65536))
try:
    while True:
        data = os.read(fd, 65536)
        if not data:
            break
        os.write(1, data)
except OSError:
    pass
sys.exit(os.WEXITSTATUS(status))
