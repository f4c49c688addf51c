"""What a student reads: results of checks, in plain words, with what repeats them."""

import re
import sys

import cutter
from checks import FAILED, NOT_BUILT, NOT_STARTED, PASSED
from spec import TIERS

MARK = {PASSED: "ok  ", FAILED: "FAIL", NOT_STARTED: "todo", NOT_BUILT: "FAIL"}
COLOUR = {PASSED: "32", FAILED: "31", NOT_STARTED: "33", NOT_BUILT: "31"}
WIDTH = 100


def coloured(text, code):
    return f"\033[{code}m{text}\033[0m" if sys.stdout.isatty() else text


def wrapped(text, indent):
    line, lines = "", []
    for word in text.split():
        if line and len(indent) + len(line) + 1 + len(word) > WIDTH:
            lines.append(indent + line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return "\n".join([*lines, indent + line])


def file_of(lab, function):
    return next((file for file, name in lab.functions if name == function), "")


def step_of(lab, function):
    return next((c.step for c in lab.cuts if function in c.functions), 0)


def progress(check):
    """Shows how far a check is, on a terminal."""
    if not sys.stderr.isatty():
        return None

    def show(number, total):
        print(f"\r     {check.name}: {number + 1} of {total} ", end="\033[K", file=sys.stderr, flush=True)
    return show


def result(lab, r):
    """The lines on one check."""
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    runs = f"{r.runs} run{'s' if r.runs != 1 else ''}" if r.state == PASSED else ""
    if runs and r.schedules:
        runs = f"{r.schedules:,} schedules"
    lines = [f"{coloured(MARK[r.state], COLOUR[r.state])}  {r.check.name:16} tier {r.check.tier}, {TIERS[r.check.tier]}"
             + (f": {runs}" if runs else "")]
    where = f"labs/{lab.id}/README.md, step {r.check.step}"
    if r.state == NOT_STARTED:
        lines.append(f"        not started: {r.function} is yours ({file_of(lab, r.function)}); "
                     f"labs/{lab.id}/README.md, step {step_of(lab, r.function) or r.check.step}")
    elif r.state == NOT_BUILT:
        lines += ["        it does not build:", *(f"          {line}" for line in r.wrong)]
    elif r.state == FAILED:
        lines.append(wrapped(f"What should hold: {r.check.property}.", " " * 8))
        lines += [wrapped(line, " " * 8) for line in r.wrong]
        lines.append(f"          again:  tools/lab/lab replay {lab.id} {r.check.name} {r.how}")
        if r.check.tier > 1 or not r.check.sources:
            lines.append(f"          see it: tools/lab/lab view {lab.id} {r.check.name} {r.how}")
        else:
            lines.append(f"          step through it: tools/lab/lab replay {lab.id} {r.check.name} {r.how} --gdb")
        lines.append(f"          read:   {where}")
    return "\n".join(lines)


def summary(results):
    count = {state: sum(r.state == state for r in results) for state in (PASSED, FAILED, NOT_BUILT, NOT_STARTED)}
    parts = [f"{count[PASSED]} passed", f"{count[FAILED] + count[NOT_BUILT]} failed", f"{count[NOT_STARTED]} not started"]
    points = sum(r.check.points for r in results if r.state == PASSED)
    return f"{', '.join(parts)}; {points} of {sum(r.check.points for r in results)} points"


def status(results):
    if any(r.state in (FAILED, NOT_BUILT) for r in results):
        return 1
    return 3 if any(r.state == NOT_STARTED for r in results) else 0


def open_functions(root, lab):
    """(file, name, step, whether it is still to be written), in the order of the steps."""
    for cut in sorted(lab.cuts, key=lambda c: c.step):
        text = (root / cut.file).read_text()
        for name in cut.functions:
            yield cut.file, name, cut.step, cutter.is_todo(text, name, lab.id, cut.instead, cut.file)


def step_titles(root, lab):
    text = (root / lab.folder / "README.md").read_text()
    return {int(m[1]): m[2] for m in re.finditer(r"^## Step (\d+): (.*)$", text, re.M)}
