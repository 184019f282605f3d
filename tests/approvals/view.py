#!/usr/bin/env python3
"""view.py FILE COMMAND...: runs COMMAND on a terminal of its own, turns page by page until nothing new
comes, and leaves all bytes that the terminal was sent in FILE."""
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time


def read_for(fd, seconds, to):
    end, got = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        ready, _, _ = select.select([fd], [], [], 0.05)
        if not ready:
            if got:
                break
            continue
        try:
            data = os.read(fd, 65536)
        except OSError:
            return -1
        if not data:
            return -1
        to.write(data)
        got += len(data)
    return got


pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.execvp(sys.argv[2], sys.argv[2:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 200, 180, 0, 0))
with open(sys.argv[1], "wb") as out:
    read_for(fd, 20, out)
    for _ in range(int(os.environ.get("PAGES", "400"))):
        os.write(fd, b" ")
        if read_for(fd, 5, out) <= 0:
            break
    os.write(fd, b"q")
    while read_for(fd, 5, out) > 0:
        pass
os.waitpid(pid, 0)
