"""The targets that the tests of a suite need, for ninja: needed.py BUILD_DIR SUITE."""
import json
import os
import sys

build, suite = sys.argv[1:]


def about(what):
    with open(os.path.join(build, "meson-info", f"intro-{what}.json"), encoding="utf-8") as f:
        return json.load(f)


files = {t["id"]: t["filename"] for t in about("targets")}
root = os.path.abspath(build) + os.sep
needed = set()
for test in about("tests"):
    if any(s.split(":")[-1] == suite for s in test["suite"]):
        paths = test["cmd"] + [f for d in test["depends"] for f in files[d]]
        needed.update(p[len(root):] for p in paths if p.startswith(root))
if not needed:
    sys.exit(f"no test of the suite {suite} in {build}")
print(*sorted(needed))
