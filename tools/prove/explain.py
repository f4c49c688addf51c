"""What a tool refuted, as a Fermata trace and a page of the trace viewer, with what is wrong marked.

SPIN's trail is replayed by the model, which tells what a kernel would record of each event: the trace has
the tasks, switches, wake-ups and hints of the execution. Of CBMC's trace each assignment is a stretch of CPU 0, of the
symbolic machine's each instruction, of the explorer's each step one of its CPU.
"""

import json
import re
import struct
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "sim"))
import counterexample as page  # noqa: E402
import runs  # noqa: E402
from wrong import Wrong  # noqa: E402

TOLD = re.compile(r"^tell (\d+) (\w+) (\d+) (\d+) (\d+)$", re.M)
ASSIGNED = re.compile(r"^\s*(\d+): ([^=\n]+)=(.*?)(?: \([01{}, ]+\))?$")
EXECUTED = re.compile(r"^executed: (\S+) (.*)$", re.M)
PLACE = re.compile(r"^↳ (\S+:\d+) (\w+)")
STEP_NS, STEPS_MAX, NOBODY, NO_HINT = page.STEP_NS, 300, 255, 254
WAKEUP, ENQUEUE, HINT, LOOK = 2, 3, 12, 13


def tid(task):
    return 0 if task == NOBODY else task + 1


def records(what, ns, cpu, task, other, seq):
    """What the kernel would record of a step; nothing when it records nothing."""
    if what == "switch":
        return page.switch(ns, tid(other), tid(task), seq)
    if what in ("wake", "note"):
        return page.record(ns, WAKEUP, struct.pack("<iBBBBiI", tid(task), 0, cpu, 1, int(what == "note"), 0, seq))
    if what in ("enqueue", "yield"):
        why, at_head = (3, 0) if what == "yield" else (1 if other else 2, other)
        return page.record(ns, ENQUEUE, struct.pack("<iBBBBQIHHQ", tid(task), 2, 0, why, at_head, 0, seq, 0, 0, seq))
    if what == "look":
        return page.record(ns, LOOK, struct.pack("<II", seq, 0))
    if what == "hint":
        target = NOBODY if other == NO_HINT else other
        return page.record(ns, HINT, struct.pack("<HHiII", target, target != cpu, tid(task), seq, 1))
    return b""


def words(what, task, other):
    name = f"task {tid(task)}" if task != NOBODY else "nobody"
    return {"switch": f"takes {name}, leaves {f'task {tid(other)}' if other != NOBODY else 'nobody'}",
            "wake": f"wakes {name}", "note": f"notes a wake-up of {name}", "done": f"the poll of {name} is over",
            "yield": f"{name} is polled again", "look": "looks", "hint": f"hints CPU {other}",
            "enqueue": f"queues {name} at the {'head' if other else 'tail'}"}.get(what, "goes on")


def from_spin(text):
    """(records of each CPU, lines for the viewer, the time behind the last)"""
    told = [(int(n), what, *map(int, rest)) for n, what, *rest in TOLD.findall(text)]
    if not told:
        raise Wrong("the model told nothing of the trail")
    cpus = 1 + max(cpu for _, what, cpu, _, _ in told if what != "event")
    streams = [page.record(1, 24, struct.pack("<II", cpu, cpus)) for cpu in range(cpus)]
    tasks = sorted({t for _, what, _, t, _ in told if what != "event" and t != NOBODY})
    for task in tasks:
        streams[0] += page.spawn(2, tid(task), page.CLASSES["store"], f"task {tid(task)}")
    lines = []
    for number, what, cpu, task, other in told:
        ns = number * STEP_NS
        streams[cpu] += records(what, ns, cpu, task, other, number)
        if what != "event":
            lines.append((f"step-{number}", ns, cpu, words(what, task, other)))
    return streams, lines, (told[-1][0] + 1) * STEP_NS


def from_cbmc(text):
    """The assignments before the property fails, the last of them if there are many."""
    steps, place = [], ""
    for row in text.split("Counterexample:")[-1].splitlines():
        found = PLACE.match(row)
        place = found[2] if found else place
        found = ASSIGNED.match(row)
        if found and place and "__CPROVER" not in row:
            steps.append((place, f"{found[2].strip()} = {found[3]}"))
    if not steps:
        raise Wrong("CBMC's trace has no steps")
    return from_steps(steps)


def from_machine(text):
    """The instructions that were executed."""
    steps = EXECUTED.findall(text)
    if not steps:
        raise Wrong("no instruction was executed")
    return from_steps(steps)


def from_explorer(text):
    steps = [(int(n), int(cpu), *rest) for n, cpu, *rest in page.STEP.findall(text)]
    if not steps:
        raise Wrong("the explorer told no steps")
    cpus = max(cpu for _, cpu, *_ in steps) + 1
    return (page.streams(steps, cpus), [(f"step-{n}", n * STEP_NS, cpu, f"{kind}{order} {rest}") for n, cpu, kind, order, rest in steps],
            (steps[-1][0] + 1) * STEP_NS)


def from_steps(steps):
    """Of one CPU: (where, what), the last of them if there are many."""
    steps = steps[-STEPS_MAX:]
    numbered = [(n, 0, place, "", rest) for n, (place, rest) in enumerate(steps, 1)]
    return (page.streams(numbered, 1), [(f"step-{n}", n * STEP_NS, 0, f"{place}: {rest}") for n, _, place, _, rest in numbered],
            (len(steps) + 1) * STEP_NS)


def write(parts, wrong, name, command, out):
    """The trace as a folder, and the viewer's page with it; the page."""
    streams, lines, end = parts
    rule = re.sub(r"\W+", "-", wrong.split(":")[0].split(" function ")[-1]).strip("-")[:40]
    streams = [part + page.record(end, 9, struct.pack("<II", 1, 0)) for part in streams]
    text = "".join(f"{what} at {ns // 10**9}.{ns % 10**9:09d} CPU {cpu}: {said}\n"
                   for what, ns, cpu, said in [*lines, (rule, end - STEP_NS // 2, lines[-1][2], wrong)])
    pack, viewer = page.viewer()
    ram, trace = out / "ram", out / "counterexample"
    ram.write_bytes(page.image(streams))
    trace.mkdir(exist_ok=True)
    subprocess.run([runs.ROOT / "build/tools/fermata-trace", "extract", "--ram", ram, "--base", hex(page.BASE), "--descriptor",
                    hex(page.DESCRIPTOR_AT), trace], check=True, stdout=subprocess.DEVNULL)
    ram.unlink()
    (trace / "check.txt").write_text(text)
    about = {"name": f"{name}: {wrong}", "command": command}
    more = [("about.json", json.dumps(about).encode()), ("check.txt", text.encode())]
    (trace / "check.txt").unlink()
    target = out / "counterexample.html"
    pack.write_page(viewer, pack.archive(trace, more), "counterexample", target)
    return target
