"""Mistakes planted in the viewer, each of which a comparison with what shares no code with it must see."""

import json
import random
import re
import shutil
import subprocess

import pytest

from conftest import ROOT, files_of, must, run
from viewer_reference import STATES, Reference, at, causes

# name: file, old text, new text, what must see it
MUTANTS = {
    "seq-ignored": ("merge.ts", "if (packet[i]! >= 0 && (i === first || !SEQ_WORD[u32[word[i]! + 1]! & 0xffff]))", "if (packet[i]! >= 0)", "lines"),
    "high-half-forgotten": ("merge.ts", "ticks[i] = streams[i]!.packets[packet[i]!]!.high + u32[word[i]!]!;", "ticks[i] = u32[word[i]!]!;", "lines"),
    "turns-never-end": ("turns.ts", "op !== (mine + 1 >>> 0))) {", "op > mine + 99)) {", "states"),
    "what-follows-goes-first": ("turns.ts", "!== mine : begun)) {", "!== mine : false)) {", "same"),
    "the-last-comes-first": ("turns.ts", "(op[i]! - op[best]! | 0) < 0", "(op[i]! - op[best]! | 0) > 0", "same"),
    "nobody-waits": ("turns.ts", "while (!this.waiting) {", "for (;;) {", "same"),
    "the-rest-comes-later": ("turns.ts", "if (op[lastOf] === this.last && next[lastOf] === Next.known)", "if (next[lastOf] > Next.none)", "same"),
    "time-goes-back": ("turns.ts", "|| time < last ||", "||", "damaged"),
    "any-size-will-do": ("turns.ts", "if (!sized(raw, w, id, size) || time", "if (!size || time", "damaged"),
    "columns-moved-too-far": ("lod.ts", "a.copyWithin(Math.max(0, -moved), Math.max(0, moved)", "a.copyWithin(Math.max(0, -moved), Math.max(0, moved - 1)", "lod"),
    "nothing-new-comes-in": ("lod.ts", "if (moved)\n", "if (moved > 1)\n", "lod"),
    "signed-numbers-lost": ("decode.ts", "view.getInt32(at, true)", "view.getUint32(at, true)", "lines"),
    "count-off-by-one": ("decode.ts", "for (let i = 0; i < n; i++)\n\t\t\titems.push", "for (let i = 1; i < n; i++)\n\t\t\titems.push", "lines"),
    "quantum-is-no-preemption": ("build.ts", "else if (why === 4 || why === 5)", "else if (why === 4)", "states"),
    "settled-twice": ("build.ts", "if (prev && c.left !== prev) {", "if (prev) {", "states"),
    "dead-waits": ("build.ts", "task.ends ? S.dead : S.waiting", "S.waiting", "states"),
    "queue-never-shrinks": ("build.ts", "else if (!queues && part)", "else if (!queues && part > 99)", "queue"),
    "last-of-a-block": ("lod.ts", "for (let k = block; k <= to; k++) {", "for (let k = block; k < to; k++) {", "lod"),
    "busy-before-its-block": ("lod.ts", "let sum = this.sums[block >>> 4]!;", "let sum = this.sums[(block >>> 4) + 1]!;", "lod"),
    "sums-shifted": ("lod.ts", "let sum = this.sums[i >>> 4]!;", "let sum = this.sums[(i >>> 4) + 1]!;", "lod"),
    "gap-in-columns": ("lod.ts", "Math.max(x + 1, Math.floor((end - t0) / dt))", "Math.max(x + 1, Math.ceil((end - t0) / dt) + 1)", "lod"),
    "rule-not-recomputed": ("check.ts", "return ruleOf(u32, bytes, w) === bytes[w * 4 + 12]! ?", "return w >= 0 ?", "decisions"),
    "old-bytes-shifted": ("live.ts", "old!.subarray(place, place + n)", "old!.subarray(0, n)", "lod"),
    "new-bytes-again": ("live.ts", "if (place < 0)\n\t\t\t\tfresh += n;", "", "lod"),
    "text-too-pale": ("theme.ts", "> 0.179", "> 0.3", "lod"),
    "pale": ("theme.ts", 'preempted: "#bd250d", waiting: "#acb8d3"', 'preempted: "#e98a1c", waiting: "#acb8d3"', "lod"),
    "noted-wakes-too": ("links.ts", "\tif (q.u32[wakes.word[i]! + 3]! >>> 24 !== 0)\n\t\treturn [];", "", "links"),
    "the-interrupt-after": ("links.ts", "for (let n = first;", "for (let n = first + 1;", "links"),
    "awaits-begin-at-their-end": ("links.ts", "q.m.tasks[task]!.lane.start[step]!}, to", "q.m.tasks[task]!.lane.start[step + 1]!}, to", "links"),
    "strip-shows-all": ("query.ts", "not += changes[k]!.by;", "not += 0 * changes[k]!.by;", "strips"),
    "affinity-not-read": ("build.ts", "case EV.SCHED_AFFINITY:", "case EV.SCHED_AFFINITY + 900:", "strips"),
    "until-too-late": ("rerun.ts", "String(Math.ceil(ns))], [\"trace\"", "String(Math.ceil(ns * 1.5))], [\"trace\"", "again"),
    "shares-forgotten": ("explain.ts", "served(k) / (q.m.tasks[k.task]!.share || 1)", "-served(k)", "policies"),
    "boosts-forgotten": ("explain.ts", "while (n < LEVELS - 1 && (left -= quantum * (n + 1)) >= 0)", "while (n < LEVELS - 1 && (left -= quantum * (n + 5)) >= 0)", "policies"),
    "waiters-never-leave": ("build.ts", "lock.who.delete(tid);", "lock.who.delete(-7);", "locks"),
    "looks-of-its-time-missed": ("explain.ts", "q.cpuEvents(cpu, x.time - 5e6, x.time + 1)", "q.cpuEvents(cpu, x.time - 5e6, x.time)", "hinted"),
    "old-hints-cause": ("explain.ts", "q.u32[look + 3] === seen ? 0", "q.u32[look + 3] === seen - 9 ? 0", "hinted"),
    "findings-not-read": ("build.ts", ", ...what.found]", "]", "found"),
    "losses-not-told": ("packets.ts", "p.afterLoss = damaged ||", "p.afterLoss = false &&", "lost"),
}


@pytest.fixture(scope="module")
def copies(page, tmp_path_factory):
    """Makes a copy of the viewer with one mistake; bundles a program of the tests from it."""
    folder = tmp_path_factory.mktemp("mutants")

    def make(name, program):
        tree = folder / name
        shutil.copytree(ROOT / "viewer/src", tree / "viewer/src")
        shutil.copytree(ROOT / "tests/viewer", tree / "tests/viewer", ignore=shutil.ignore_patterns("__pycache__"))
        file, old, new, _ = MUTANTS.get(name, (None, "", "", ""))
        if file:
            path = tree / "viewer/src" / file
            text = path.read_text()
            assert text.count(old) == 1, f"{file} must hold once: {old}"
            path.write_text(text.replace(old, new))
        out = tree / "program.mjs"
        must("esbuild", "--bundle", "--platform=node", "--format=esm", "--target=es2022", "--log-level=warning",
             "--supported:node-colon-prefix-import=true", "--alias:events=./build/viewer/events.ts", "--alias:sources=./build/viewer/sources.ts",
             tree / f"tests/viewer/{program}.ts", f"--outfile={out}")
        return out

    return make


def differs(kind, program, kernels, demo, invented, placed, tmp_path):
    """Whether the comparison of this kind sees a difference."""
    if kind == "lod":
        return run("node", "--test", program).returncode != 0
    folder = invented(1, cpus=4, steps=400, start=5 * 10**9, begin=5 * 10**9) if kind == "lines" else demo(3, 8) if kind == "hinted" else demo(1)
    if kind == "decisions":
        from test_model import plant
        planted = []
        for file in files_of(folder):
            data = bytearray(file.read_bytes())
            if file.name.startswith("channel"):
                plant(data, planted, 6)
            (tmp_path / file.name).write_bytes(data)
        seen = json.loads(must("node", program, *files_of(tmp_path)))
        return sum(d["flags"] >> 1 & 1 for d in seen["decisions"]) != len(planted)
    if kind == "strips":
        folder = placed
    if kind == "damaged":
        return run("node", program, 200, *files_of(folder)).returncode != 0
    if kind == "found":
        (tmp_path / "metadata").write_text((folder / "metadata").read_text().replace("\tseed = ", '\tfound_0 = "0.001000000 CPU 1: a stack in use twice";\n\tseed = '))
        for file in folder.glob("channel*"):
            shutil.copy(file, tmp_path)
        return [f["text"] for f in json.loads(must("node", program, *files_of(tmp_path)))["flags"] if f["kind"] == "found"] != ["a stack in use twice"]
    if kind == "lost":
        folder = invented(4, cpus=4, steps=6000, packets=2)
        return not json.loads(must("node", program, *files_of(folder)))["lost"]
    folders = [folder] if kind in ("lines", "links", "strips", "again", "hinted", "policies", "locks") else [folder, *(invented(seed, cpus=4, steps=400) for seed in range(4))]
    return any(folder_differs(kind, program, kernels, folder) for folder in folders)


def folder_differs(kind, program, kernels, folder):
    result = subprocess.run(["node", str(program), *map(str, files_of(folder))], cwd=ROOT, capture_output=True, text=True)
    if result.returncode:
        return True
    seen = json.loads(result.stdout)
    text = run(kernels.trace_tool(), "print", folder).stdout
    if kind == "lines":
        return seen["lines"] != text.splitlines()
    if kind == "same":
        return not (seen["sameByTime"] and seen["sameWhileRead"])
    if kind == "hinted":
        from test_model import wrong_hints
        return bool(wrong_hints([d["x"] for d in seen["decisions"] if "x" in d], text))
    if kind == "links":
        told = sorted((link["what"], *((e["lane"], e["id"], e["time"]) for e in (link["from"], link["to"]))) for link in seen["links"])
        return told != sorted(c[:3] for c in causes(text))
    if kind == "policies":
        from test_model import policies_wrong
        return bool(policies_wrong(seen, text))
    if kind == "locks":
        taken = len({tid for lock in seen["locks"] for _, tid in lock["holder"] if tid > 0})
        return not taken or any(lock["waiters"][-1][1] for lock in seen["locks"])
    if kind == "again":
        until = re.search(r"--until (\d+)", seen["again"]["here"])
        return not until or abs(int(until[1]) - (seen["t0"] + seen["t1"]) / 2) > 1
    expected = Reference(text)
    if kind == "strips":
        late = [ns + 1000 for steps in expected.strips.values() for ns, _ in steps]
        return any(at(s["steps"], ns) and at(s["steps"], ns)[1] != at(expected.strips[s["cpu"]], ns)[1] for s in seen["strips"] for ns in late
                   if not any(ns - 900 < step[0] < ns + 900 for step in expected.strips[s["cpu"]]))
    rng = random.Random(5)
    if kind == "queue":
        times = [rng.uniform(seen["t0"], seen["t1"]) for _ in range(400)]
        return any(at(seen["queue"], ns)[1] != at(expected.queue, ns)[1] for ns in times)
    tasks = {t["tid"]: t["steps"] for t in seen["tasks"]}
    return any(at(steps, ns) and at(tasks[tid], ns)[1] != STATES[at(steps, ns)[1]]
               for ns in sorted({step[0] for t in seen["tasks"][1:] for step in t["steps"]}) for tid, steps in expected.tasks.items())


PROGRAM = {"lod": "lod", "damaged": "fuzz"}


@pytest.mark.parametrize("name", MUTANTS)
def test_the_mistake_is_seen(copies, kernels, demo, invented, placed, tmp_path, name):
    kind = MUTANTS[name][3]
    assert differs(kind, copies(name, PROGRAM.get(kind, "dump")), kernels, demo, invented, placed, tmp_path), f"nothing saw {name}"


@pytest.mark.parametrize("kind", sorted({m[3] for m in MUTANTS.values()}))
def test_without_a_mistake_nothing_is_seen(copies, kernels, demo, invented, placed, tmp_path, kind):
    assert not differs(kind, copies(f"none-{kind}", PROGRAM.get(kind, "dump")), kernels, demo, invented, placed, tmp_path)
