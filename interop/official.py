"""Says what came of one run of the official suite: official.py RUN COUNT LISTED RESULTS

LISTED is the file with the suite's own list of what belongs to the run, which must be COUNT scenarios, and RESULTS the
folder that the run wrote. Prints one line a scenario and a total. Exits with 1 unless every scenario of the list ran,
something in it was checked, and nothing in it failed, warned or was skipped; what OUT_OF_REACH names is excepted.
"""

import collections
import json
import pathlib
import re
import sys
import textwrap

# Scenarios in which this version of the suite checks nothing at all, and why. They must go on to check nothing:
# when one does, its line here has to go.
OUT_OF_REACH = {
    "tasks-status-notifications": "the suite skips it for every server",
    "sep-2640-skills-directory": "the server does not declare that extension",
    "sep-2640-skills-enumeration": "the server does not declare that extension",
    "sep-2640-skills-manifest": "the server does not declare that extension",
}
BAD = ("FAILURE", "WARNING", "SKIPPED")
# Checks that the suite adds to every scenario with traffic, whatever is tested in it.
SYNTHETIC = ("wire-schema-valid", "wire-schema-harness-error")


def listed(path):
    """The server scenarios of a list: those below its heading, and those that say so themselves."""
    names, below = [], False
    for line in path.read_text().splitlines():
        if line and not line.startswith(" "):
            below = line.startswith("Server scenarios")
        entry = re.match(r" +- (\S+)(.*)", line)
        if entry and (below or entry[2] == " [server]"):
            names.append(entry[1])
    return names


def results(folder):
    """The checks of each scenario that ran."""
    found = {}
    for path in folder.glob("server-*/checks.json"):
        name = re.fullmatch(r"server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z", path.parent.name).group(1)
        found.setdefault(name, []).extend(json.loads(path.read_text()))
    return found


def verdict(name, checks):
    """What is wrong with a scenario; nothing if it passed."""
    if checks is None:
        return ["did not run"]
    counts = collections.Counter(check["status"] for check in checks)
    tested = [c for c in checks if c["status"] == "SUCCESS" and c["id"] not in SYNTHETIC]
    if name in OUT_OF_REACH:
        bad = [c for c in checks if c["status"] in ("FAILURE", "WARNING")]
        stale = ["is named as out of reach, but something was checked"] if tested else []
    else:
        bad = [c for c in checks if c["status"] in BAD]
        stale = [] if tested else ["nothing was checked"]
    return stale + [f"{check['status']} {check['id']}: {reason(check)}" for check in bad]


def reason(check):
    """Why a check did not succeed, on one line; the whole of it is in the results."""
    said = check.get("errorMessage") or check.get("details") or check["description"]
    return textwrap.shorten(str(said), 300)


def main(run, count, list_file, folder):
    names = listed(pathlib.Path(list_file))
    ran = results(pathlib.Path(folder))
    wrong = {name: verdict(name, ran.get(name)) for name in names}
    wrong.update({name: ["ran, but was not listed"] for name in ran.keys() - set(names)})
    passed = 0
    for name, problems in wrong.items():
        successes = sum(check["status"] == "SUCCESS" for check in ran.get(name, []))
        passed += successes
        mark = "✗" if problems else "-" if name in OUT_OF_REACH else "✓"
        print(f"  {mark} {name:48} {successes:3} checks", OUT_OF_REACH.get(name, ""))
        for problem in problems:
            print(f"      {problem}")
    failed = sum(bool(problems) for problems in wrong.values())
    print(f"{run}: {len(names)} scenarios listed, {len(ran)} ran, {failed} failed; {passed} checks passed")
    if len(names) != int(count):
        print(f"    {count} should have been listed")
    print()
    return 1 if failed or len(names) != int(count) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
