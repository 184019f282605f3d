#!/usr/bin/env python3
"""seen.py cards FILE | clean FILE... | same FILE: what the command printed of the corpus.

cards: each payload's card in FILE has what must be seen, and not what must never be.
clean: nothing hidden and no control character is in a file, but line breaks.
same:  FILE (NDJSON of `keel inbox N --json`) has the arguments of every payload, byte for byte.
The corpus is $PAYLOADS; what each number is, $NUMBERS (NDJSON of `keel inbox --json`).
"""
import json
import os
import re
import sys
import unicodedata

FOLDER = os.environ["PAYLOADS"]
HIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ue000-\uf8ff\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff\U000f0000-\U0010ffff]")


def corpus():
    for name in sorted(os.listdir(FOLDER)):
        with open(os.path.join(FOLDER, name), encoding="utf-8") as f:
            yield name, json.load(f)


def numbers():
    with open(os.environ["NUMBERS"], encoding="utf-8") as f:
        items = [json.loads(line) for line in f]
    return {canonical(i["args"]): i["number"] for i in items}


def canonical(value):
    return json.dumps(value, sort_keys=True, ensure_ascii=True)


def fail(text):
    print(text)
    sys.exit(1)


def clean(path):
    with open(path, "rb") as f:
        text = f.read().decode("utf-8")  # what is no UTF-8 fails
    hit = HIDDEN.search(text)
    if hit:
        fail("%s: U+%04X at %d: %r" % (path, ord(hit.group()), hit.start(),
                                       text[max(0, hit.start() - 60):hit.start() + 60]))


def cards(path):
    clean(path)
    with open(path, encoding="utf-8") as f:
        parts = re.split(r"^(?=\d+  hostile asks to do )", f.read(), flags=re.M)
    by_number = {int(p.split(None, 1)[0]): p for p in parts if p[:1].isdigit()}
    at, count = numbers(), 0
    for name, payload in corpus():
        card = by_number.get(at.get(canonical(payload["args"])))
        if card is None:
            fail("%s: no card" % name)
        for text in payload["shown"]:
            if text not in card:
                fail("%s: no %r in:\n%s" % (name, text, card[:3000]))
        for text in payload["never"]:
            if text in card:
                fail("%s: %r in:\n%s" % (name, text, card[:3000]))
        count += 1
    print("%d payloads seen" % count)


def same(path):
    clean(path)
    with open(path, encoding="utf-8") as f:
        there = {canonical(json.loads(line)["args"]) for line in f}
    for name, payload in corpus():
        if canonical(payload["args"]) not in there:
            fail("%s: its arguments are not there" % name)


if sys.argv[1] == "cards":
    cards(sys.argv[2])
elif sys.argv[1] == "same":
    same(sys.argv[2])
else:
    for one in sys.argv[2:]:
        clean(one)
