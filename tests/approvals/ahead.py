#!/usr/bin/env python3
"""ahead.py TEXT COMMAND...: runs COMMAND on a terminal of its own, and pushes TEXT and Enter into it before
it asks for anything; then gives it one empty line when it asks. Prints what it says; its status."""
import os
import pty
import select
import sys
import time

pushed, push = os.pipe()
pid, fd = pty.fork()
if pid == 0:
    os.close(push)
    os.read(pushed, 1)  # what is pushed is there before the command is
    os.execvp(sys.argv[2], sys.argv[2:])
os.write(fd, sys.argv[1].encode() + b"\n")
os.close(push)
seen, answered = b"", False
try:
    while True:
        ready, _, _ = select.select([fd], [], [], 20)
        if not ready:
            break
        data = os.read(fd, 4096)
        if not data:
            break
        seen += data
        if b"Passphrase of" in seen and not answered:
            time.sleep(1)
            os.write(fd, b"\n")
            answered = True
except OSError:
    pass
sys.stdout.write(seen.decode(errors="replace"))
_, status = os.waitpid(pid, 0)
sys.exit(os.WEXITSTATUS(status))
