"""Holds the record of Keel to the log of a scripted mail server.

usage: mail_world.py RECORD LOG     (keel logs --all --json; keel-fakeworld --log)

Prints `NAME OUTCOME APPLIED` for each mail that was meant to be sent or drafted, NAME being what its
subject is about. Exits with 1 and the words of it where an invariant does not hold:
  I1 done => applied    I2 applied at most once    I3 not done => not applied
  I4 applied only behind an intended record, of a mail with these recipients
"""
import json
import sys

OUTCOMES = {"effect.done": "done", "effect.not_done": "not_done", "effect.unknown": "unknown"}
WRITES = ("mail.message.write", "mail.draft.write")


def lines(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def meant(record):
    """Message-ID -> what was intended and what became of it."""
    mails, by_place = {}, {}
    for r in record:
        place = (r["run"], r["path"])
        body = r.get("body") or {}
        if r["kind"] == "effect.intended" and body.get("target") in WRITES and place not in by_place:
            mail = {"name": body["args"]["subject"].removeprefix("about "), "at": r["at"],
                    "to": body["args"]["to"], "outcome": "open"}
            by_place[place] = mails["keel.%s@test.local" % body["key"]] = mail
        elif place in by_place and r["kind"] in OUTCOMES:
            by_place[place]["outcome"] = OUTCOMES[r["kind"]]
    return mails


def applied(log):
    """Message-ID -> the lines of its acceptance, or of its laying in a folder."""
    done = {}
    for line in log:
        if line["applied"] and line["method"] in ("MESSAGE", "APPEND"):
            done.setdefault(line["key"], []).append(line)
    return done


def broken(mails, done):
    for key, mail in mails.items():
        times = len(done.get(key, []))
        if mail["outcome"] == "done" and times == 0:
            yield "I1 %s is done, and was not applied" % mail["name"]
        if times > 1:
            yield "I2 %s was applied %d times" % (mail["name"], times)
        if mail["outcome"] == "not_done" and times > 0:
            yield "I3 %s is not done, and was applied" % mail["name"]
    for key, found in done.items():
        mail = mails.get(key)
        if mail is None or min(line["at_us"] for line in found) < mail["at"]:
            yield "I4 %s was applied, and not intended before" % key
        elif any(line["face"] == "smtp" and mail["to"] not in line["recipients"] for line in found):
            yield "I4 %s went to others than those that were meant" % mail["name"]


def main():
    mails, done = meant(lines(sys.argv[1])), applied(lines(sys.argv[2]))
    if not mails:
        sys.exit("there is no mail in the record: nothing was checked")
    for key, mail in mails.items():
        print(mail["name"], mail["outcome"], len(done.get(key, [])))
    problems = list(broken(mails, done))
    print("\n".join(problems), file=sys.stderr, end="\n" if problems else "")
    sys.exit(1 if problems else 0)


main()
