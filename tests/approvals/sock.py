#!/usr/bin/env python3
"""sock.py SOCKET NAME ARGS REQUEST: one command over the kernel's socket, as any program of the user could
send it; prints the answer."""
import json
import socket
import struct
import sys

HEAD = struct.Struct("<IHHQQ")  # length, type, flags, run, ref
C_COMMAND = 128

path, name, args, request = sys.argv[1:5]
body = json.dumps({"args": json.loads(args), "command": name, "request": request}, sort_keys=True,
                  separators=(",", ":"), ensure_ascii=False).encode()
s = socket.socket(socket.AF_UNIX)
s.settimeout(20)
s.connect(path)
s.sendall(HEAD.pack(len(body), C_COMMAND, 0, 0, 1) + body)
data = b""
while len(data) < HEAD.size or len(data) < HEAD.size + HEAD.unpack(data[:HEAD.size])[0]:
    more = s.recv(65536)
    if not more:
        sys.exit("the kernel hung up")
    data += more
print(data[HEAD.size:].decode())
