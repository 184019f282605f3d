"""Looks for a secret in every form in which it might have got away.

canary.py NAME=SECRET... -- FILE|FOLDER|pid:NUMBER ...     prints `PLACE: FORM` for each find; exit 1 if any

Forms: as it is, reversed case of hex, base64 (both alphabets) at its three offsets, percent-encoded
(what is unsafe, and every byte), JSON-escaped. A pid stands for the memory of that process.
"""
import base64
import os
import sys
import urllib.parse


def forms(secret):
    raw = secret.encode()
    yield "raw", raw
    yield "utf-16", secret.encode("utf-16-le")
    yield "hex", raw.hex().encode()
    yield "HEX", raw.hex().upper().encode()
    for offset in range(3):
        whole = base64.b64encode(b"\0" * offset + raw)
        first, last = (offset * 8 + 5) // 6, len(raw) + offset
        inner = whole[first:last * 8 // 6]  # what does not depend on the neighbours
        yield "base64+%d" % offset, inner
        yield "base64url+%d" % offset, inner.replace(b"+", b"-").replace(b"/", b"_")
    yield "percent", urllib.parse.quote(secret, safe="").encode()
    yield "percent-all", b"".join(b"%%%02X" % b for b in raw)
    yield "percent-all-small", b"".join(b"%%%02x" % b for b in raw)
    yield "json", b"".join(b"\\u%04x" % b for b in raw)


def files(place):
    if os.path.isdir(place):
        for folder, _, names in os.walk(place):
            for name in names:
                yield os.path.join(folder, name)
    else:
        yield place


def memory(pid):
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for line in maps:
            span, rights = line.split()[:2]
            low, high = (int(x, 16) for x in span.split("-"))
            if "r" not in rights or "[v" in line:
                continue
            try:
                mem.seek(low)
                yield mem.read(high - low)
            except OSError:
                continue


def contents(place):
    if place.startswith("pid:"):
        for block in memory(int(place[4:])):
            yield place, block
        return
    for path in files(place):
        try:
            with open(path, "rb") as f:
                yield path, f.read()
        except OSError:
            continue  # a socket, or gone


def main():
    cut = sys.argv.index("--")
    needles = []
    for word in sys.argv[1:cut]:
        name, secret = word.split("=", 1)
        needles += [(name, form, bytes_) for form, bytes_ in dict(forms(secret)).items()]
    found, looked = set(), 0
    for place in sys.argv[cut + 1:]:
        for where, data in contents(place):
            looked += len(data)
            for name, form, bytes_ in needles:
                if bytes_ in data:
                    found.add("%s: %s of %s" % (where, form, name))
    for line in sorted(found):
        print(line)
    print("looked at %d bytes" % looked, file=sys.stderr)
    if not looked:
        sys.exit(2)
    sys.exit(1 if found else 0)


main()
