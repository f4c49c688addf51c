"""An execution that the explorer found wrong as a page of the trace viewer: each step a stretch of its CPU.

The trace is made like a machine's: rings and a descriptor in memory, from which fermata-trace extracts it
(kernel/trace/trace.h has the layouts, kernel/trace/events.def the events).
"""

import importlib.machinery
import importlib.util
import json
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import runs
from wrong import Wrong

STEP = re.compile(r"^ *(\d+)  CPU (\d+)  (\S+)((?: (?:relaxed|acquire|release|acq_rel|seq_cst|consume))?) ?(.*)$", re.M)
ERROR = re.compile(r"^explore: (?!again: |FAILED)(.*)$", re.M)
STEP_NS, LASTS_NS = 1000, 900
BASE, DESCRIPTOR_AT, RINGS_AT = 0x40000000, 0x40001000, 0x40010000
MAGIC, UUID = 0xC1FC1FC1, bytes.fromhex("6665726d617461008000000000000000")
DESCRIPTOR = struct.Struct("<QIIQII64QQ16s48s")
PACKET_BYTES = 1 << 16
SHORT = {"compare-exchange": "cas"}
CLASSES = {"load": 4, "store": 2}  # fair, fifo; edf for what does both: they differ in colour
BOTH = 1


def record(ns, number, payload):
    return struct.pack("<IHH", ns, number, len(payload) // 8 + 1) + payload


def spawn(ns, tid, cls, name):
    return record(ns, 14, struct.pack("<iiiBBH16sQQQQII", 0, tid, tid, cls, 0, 0, name.encode()[:15], 0, 0, 0, 0, 0, 0))


def switch(ns, prev, following, seq):
    return record(ns, 1, struct.pack("<iiBBBBI", prev, following, 1 if prev else 0, 0, 0, 1 if prev else 6, seq))


def streams(steps, cpus):
    """The records of each CPU."""
    out = [record(1, 24, struct.pack("<II", cpu, cpus)) for cpu in range(cpus)]
    tids, seq = {}, 0
    for number, cpu, kind, _, rest in steps:
        ns = number * STEP_NS
        label = f"{SHORT.get(kind, kind)} {rest.split(' ')[0]}".strip()
        if label not in tids:
            tids[label] = len(tids) + 1
            out[cpu] += spawn(ns - 1, tids[label], CLASSES.get(kind, BOTH), label)
        out[cpu] += switch(ns, 0, tids[label], seq + 1) + switch(ns + LASTS_NS, tids[label], 0, seq + 2)
        seq += 2
    end = record((steps[-1][0] + 1) * STEP_NS, 9, struct.pack("<II", 1, 0))  # what is wrong is not at the picture's edge
    return [part + end for part in out]


def image(parts):
    """Memory with a ring of one packet for each CPU."""
    rings = [RINGS_AT + i * PACKET_BYTES for i in range(len(parts))]
    data = bytearray(RINGS_AT - BASE + len(parts) * PACKET_BYTES)
    at = DESCRIPTOR_AT - BASE
    data[at:at + DESCRIPTOR.size] = DESCRIPTOR.pack(int.from_bytes(b"$FERMTA1", "little"), 1, len(parts), 10**9, PACKET_BYTES, 1,
                                                    *rings, *[0] * (64 - len(rings)), 0, b"explorer", b"counterexample")
    for cpu, (ring, part) in enumerate(zip(rings, parts)):
        head = struct.pack("<I16sIQQQQQQII", MAGIC, UUID, 0, 1, 0, 0, PACKET_BYTES * 8, 0, 0, cpu, 0)
        if len(head + part) > PACKET_BYTES:
            raise Wrong("the execution has too many steps for a page")
        data[ring - BASE:ring - BASE + len(head + part)] = head + part
    return bytes(data)


def said(steps, error):
    """What a checker says, as the viewer reads it: the property at its event, and each step in words."""
    last = steps[-1]
    named = re.search(r"CPU (\d+)", error)
    rule = re.sub(r"\W+", "-", re.split(r":| on | at | by ", error)[0].strip())

    def line(name, ns, cpu, text):
        return f"{name} at {ns // 10**9}.{ns % 10**9:09d} CPU {cpu}: {text}"
    lines = [line(f"step-{n}", n * STEP_NS, cpu, f"{kind}{order} {rest}") for n, cpu, kind, order, rest in steps]
    return "\n".join([*lines, line(rule, last[0] * STEP_NS + LASTS_NS, named[1] if named else last[1], error)]) + "\n"


def viewer():
    """viewer/pack as a module, and the page without a trace."""
    done = runs.make("build/viewer/viewer.html", "sim", "clang", "build/tools/fermata-trace")
    if done.returncode:
        raise Wrong(f"the viewer does not build:\n{done.stdout}")
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader("pack", str(runs.ROOT / "viewer/pack"))
    pack = importlib.util.module_from_spec(importlib.util.spec_from_loader("pack", loader))
    loader.exec_module(pack)
    return pack, runs.ROOT / "build/viewer/viewer.html"


def write(text, program, out):
    """Writes the page for what the explorer printed; False when that tells of no wrong execution."""
    steps = [(int(n), int(cpu), *rest) for n, cpu, *rest in STEP.findall(text)]
    error = ERROR.search(text)
    if "explore: FAILED" not in text or not steps or not error:
        return False
    pack, page = viewer()
    again = re.search(r"^explore: again: (.*)$", text, re.M)
    about = {"name": f"{Path(program).stem}: {error[1].split(':')[0]}", "command": again[1] if again else ""}
    with tempfile.TemporaryDirectory(prefix="fermata-explore-") as folder:
        ram = Path(folder) / "ram"
        ram.write_bytes(image(streams(steps, max(cpu for _, cpu, *_ in steps) + 1)))
        trace = Path(folder) / "counterexample"
        trace.mkdir()
        subprocess.run([runs.ROOT / "build/tools/fermata-trace", "extract", "--ram", ram, "--base", hex(BASE), "--descriptor",
                        hex(DESCRIPTOR_AT), trace], check=True, stdout=subprocess.DEVNULL)
        more = [("about.json", json.dumps(about).encode()), ("check.txt", said(steps, error[1]).encode())]
        pack.write_page(page, pack.archive(trace, more), "counterexample", out)
    return True


def write_run(elf, saved, name, out):
    """Writes the page for a saved run: the trace that it leaves, in which the simulator has marked what is wrong."""
    pack, page = viewer()
    with tempfile.TemporaryDirectory(prefix="fermata-explore-") as folder:
        trace = Path(folder) / "trace"
        runs.start(elf, ["--replay", saved, "--trace", trace])
        pack.embed(page, trace, out, f"name={name}", f"command=tools/sim/fermata-sim replay {saved}")
