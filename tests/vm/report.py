#!/usr/bin/env python3
"""Reads what guests wrote to their consoles, prints the table, and fails for whatever did not pass.

    report.py LEFT_OUT LOG...

LEFT_OUT is the file `left-out`. Nothing that a guest should
have said may be missing: a log without its last line, a suite without its summary, or a summary that counts other than
the lines before it, is a failure.
"""
import collections
import os
import pathlib
import re
import sys

TEST = re.compile(r"^test (?:\[(?P<kind>.*)\] +)?(?P<name>\S+) +\.\.\. (?P<outcome>ok|FAILED|ignored)(?: \((?P<why>.*)\))?$")
SUMMARY = re.compile(r"^test result: .*?(\d+) passed; (\d+) failed; (\d+) ignored; \d+ measured; (\d+) filtered")
CHECK = re.compile(r"^check (?P<name>.+?) \.\.\. (?P<outcome>ok|FAILED|ignored)(?: \((?P<why>.*)\))?$")


class Guest:
    def __init__(self, log):
        self.name = log.stem
        self.counts = collections.defaultdict(collections.Counter)
        self.failed, self.skipped, self.facts, self.faults = [], collections.Counter(), [], []
        self.suite, self.told, self.summed = None, None, None
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
        for line in lines:
            self.read(line)
        if "vm: done" not in lines:
            self.faults.append("the guest did not come to its end")
        if not self.counts:
            self.faults.append("the guest ran nothing")

    def read(self, line):
        if line.startswith("vm: begin "):
            self.suite, self.told, self.summed = line.split()[2], collections.Counter(), collections.Counter()
        elif line.startswith("vm: end "):
            self.end(*line.split()[2:4])
        elif found := CHECK.match(line):
            self.count("checks", *found.group("name", "outcome", "why"))
        elif line.startswith("vm: ") and line != "vm: done":
            self.facts.append(line[4:])
        elif found := TEST.match(line):
            self.told[found["outcome"]] += 1
            why = found["why"] or (found["kind"] or "").removeprefix("skipped: ")
            self.count(f"{self.suite} {found['name'].split('::')[0]}", found["name"], found["outcome"], why)
        elif found := SUMMARY.match(line):
            for outcome, number in zip(("ok", "FAILED", "ignored"), found.groups()):
                self.summed[outcome] += int(number)

    def count(self, row, name, outcome, why):
        self.counts[row][outcome] += 1
        if outcome == "FAILED":
            self.failed.append(f"{row}: {name}" + (f" ({why})" if why else ""))
        elif outcome == "ignored":
            self.skipped[f"{row}: {why or 'no reason given'}"] += 1

    def end(self, suite, status):
        if suite != self.suite:
            self.faults.append(f"{suite} ended, which had not begun")
        if self.told != self.summed:
            self.faults.append(f"{suite}: the console has {dict(self.told)}, the suite counted {dict(self.summed)}")
        if status != "0" and not self.summed["FAILED"]:
            self.faults.append(f"{suite} ended with status {status}")
        self.suite = None

    def print(self):
        print(f"\n{self.name}")
        for fact in self.facts:
            print(f"  {fact}")
        print(f"  {'':<24}{'passed':>8}{'failed':>8}{'skipped':>8}")
        for row, counts in self.counts.items():
            print(f"  {row:<24}{counts['ok']:>8}{counts['FAILED']:>8}{counts['ignored']:>8}")
        for reason, number in self.skipped.items():
            print(f"  skipped {number:>4}  {reason}")
        for name in self.failed:
            print(f"  FAILED  {name}")
        for fault in self.faults:
            print(f"  FAULT   {fault}")
        # The word by which .ci/summary knows.
        for row, counts in self.counts.items():
            print(f"RAN: guest {self.name}: {row}: " + ", ".join(
                f"{number} {word}" for word, number in zip(
                    ("passed", "FAILED", "skipped"), (counts[one] for one in ("ok", "FAILED", "ignored"))) if number))


def main(left_out, *logs):
    guests = [Guest(pathlib.Path(log)) for log in logs]
    for guest in guests:
        guest.print()
    whole = os.environ.get("STOCKADE_VM_WHOLE")
    print()
    for line in pathlib.Path(left_out).read_text().splitlines():
        when, suite, name, reason = line.split(maxsplit=3)
        if when == "any" or when == "ci" and not whole:
            name = "all attacks but " + name[1:].replace(",", " ") if name.startswith("!") else name
            # As above.
            print(f"SKIPPED: in emulated machines: {suite} {name}: {reason}")
    return 1 if not guests or any(guest.failed or guest.faults for guest in guests) else 0


sys.exit(main(*sys.argv[1:]))
