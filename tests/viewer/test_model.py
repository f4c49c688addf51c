"""What the viewer reads out of a trace, against fermata-trace and against a slow reference."""

import base64
import hashlib
import random
import re
import shutil
import tarfile
import zlib
from collections import Counter

import pytest

from conftest import ROOT, files_of, must, run
from viewer_reference import STATES, Reference, at, causes, events

CASES = [("demo", seed, cpus) for seed, cpus in ((1, 4), (2, 1), (3, 8))] + [("invented", seed, 4) for seed in range(6)]


@pytest.fixture
def case(request, demo, invented):
    kind, seed, cpus = request.param
    return demo(seed, cpus) if kind == "demo" else invented(seed, cpus=cpus, steps=400)


def printed(kernels, folder):
    return run(kernels.trace_tool(), "print", folder).stdout


@pytest.mark.parametrize("case", CASES, indirect=True, ids=str)
def test_every_event_is_read_as_fermata_trace_prints_it(kernels, dump, case):
    assert dump(*files_of(case))["lines"] == printed(kernels, case).splitlines()


def test_babeltrace_counts_the_same(dump, demo):
    folder = demo(1)
    if not shutil.which("babeltrace2"):
        pytest.skip("babeltrace2 is not installed: tools/setup/setup all")
    told = Counter(re.findall(r" (\w+): \{ cpu_id", must("babeltrace2", folder)))
    ours = Counter(line.split()[3].rstrip(":") for line in dump(*files_of(folder))["lines"])
    assert sum(ours.values()) > 1000 and ours == told


@pytest.mark.parametrize("case", CASES, indirect=True, ids=str)
def test_states_are_those_of_the_reference(kernels, dump, case):
    seen = dump(*files_of(case))
    expected = Reference(printed(kernels, case))
    rng = random.Random(5)
    times = [rng.uniform(seen["t0"], seen["t1"]) for _ in range(100)]
    changes = sorted({step[0] for t in seen["tasks"][1:] for step in t["steps"]})
    times += rng.sample(changes, min(300, len(changes)))
    lanes = {c["cpu"]: c["steps"] for c in seen["cpus"]}
    tasks = {t["tid"]: t["steps"] for t in seen["tasks"] if t["tid"]}
    assert set(expected.tasks) <= set(tasks)
    for ns in times:
        for cpu, steps in expected.cpus.items():
            if at(steps, ns):
                assert at(lanes[cpu], ns)[1] == at(steps, ns)[1], f"CPU {cpu} at {ns}"
        for tid, steps in expected.tasks.items():
            if at(steps, ns):
                _, state, cpu = at(steps, ns)
                got = at(tasks[tid], ns)
                assert got[1] == STATES[state], f"task {tid} at {ns}"
                assert state != "running" or got[2] == cpu
    for ns in times[:100]:
        assert at(seen["queue"], ns)[1] == at(expected.queue, ns)[1], f"run queue at {ns}"


@pytest.mark.parametrize("case", CASES, indirect=True, ids=str)
def test_reading_in_turn_gives_what_reading_by_time_gives(dump, case):
    seen = dump(*files_of(case))
    assert seen["sameByTime"] and seen["sameWhileRead"]


@pytest.mark.parametrize("seed, cpus", [(1, 4), (2, 1), (3, 8)])
def test_arrows_are_those_of_the_events(kernels, dump, demo, seed, cpus):
    """Waker to woken, sender to interrupt, and from an await to what completed it: all of them, and no other."""
    folder = demo(seed, cpus)
    seen = dump(*files_of(folder))["links"]
    got = sorted((link["what"], *((e["lane"], e["id"], e["time"]) for e in (link["from"], link["to"]))) for link in seen)
    expected = sorted(c[:3] for c in causes(printed(kernels, folder)))
    assert {what for what, *_ in expected} == {"wake", "await", *(["hint"] if cpus > 1 else [])}
    assert got == expected
    hinted = {int(f["seq"]): int(f["tid"]) for _, _, name, f in events(printed(kernels, folder)) if name == "sched_hint" and f["ipi"] == "1"}
    assert sum(link["what"] == "hint" and link["tids"][1] > 0 for link in seen) >= len(hinted) - cpus


def test_the_strip_of_a_cpu_has_only_who_may_run_there(kernels, dump, placed):
    seen = dump(*files_of(placed))
    expected = Reference(printed(kernels, placed))
    assert len({str(s["steps"]) for s in seen["strips"]}) == 3, "the CPUs do not differ, so this shows nothing"
    rng = random.Random(5)
    changes = sorted({step[0] for s in seen["strips"] for step in s["steps"]})
    for strip, counted in zip(seen["strips"], seen["queueAt"]):
        for ns in [*changes, *(rng.uniform(seen["t0"], seen["t1"]) for _ in range(300))]:
            # An enqueue is recorded before the word that the task may not run everywhere.
            if not any(ns <= step[0] < ns + 200 or ns - 200 < step[0] <= ns for step in expected.strips[strip["cpu"]]):
                assert at(strip["steps"], ns)[1] == at(expected.strips[strip["cpu"]], ns)[1], f"CPU {strip['cpu']} at {ns}"
        for i, n in enumerate(counted):
            ns = seen["t0"] + (seen["t1"] - seen["t0"]) * i / 50
            assert n == at(strip["steps"], ns)[1]


def test_jobs_are_those_of_the_events(kernels, dump, demo):
    folder = demo(1)
    done = {(int(f["tid"]), int(f["job"])): int(f["done_ns"]) for _, _, name, f in events(printed(kernels, folder)) if name == "sched_job_done"}
    released = [(int(f["tid"]), int(f["job"]), int(f["release_ns"])) for _, _, name, f in events(printed(kernels, folder)) if name == "sched_release"]
    jobs = dump(*files_of(folder))["jobs"]
    assert [(j[0], j[1], j[2]) for j in jobs] == released
    assert [j[4] for j in jobs] == [done.get((tid, job)) for tid, job, _ in released]


def test_totals_are_those_of_fermata_trace(kernels, dump, demo):
    folder = demo(1)
    rows = [line.split() for line in must(kernels.trace_tool(), "stats", folder).splitlines()]
    told = {int(r[0]): (int(r[4]), float(r[6])) for r in rows if len(r) == 19 and r[0].isdigit()}
    seen = dump(*files_of(folder))
    got = {t["tid"]: s for t, s in zip(seen["tasks"], seen["stats"]) if s}
    assert told
    for tid, (runs, cpu_ms) in told.items():
        assert got[tid]["runs"] == runs
        # The tool counts up to the switch; a task whose job is done waits from there on.
        assert -0.0006 <= cpu_ms - got[tid]["cpuNs"] / 1e6 <= 0.001 * runs + 0.0006


@pytest.mark.quick
def test_a_complete_trace_has_nothing_unknown(dump, demo):
    seen = dump(*files_of(demo(1)))
    assert seen["problems"] == [] and seen["lost"] == []
    assert all(step[1] != STATES["unknown"] for t in seen["tasks"][1:] for step in t["steps"])


def test_an_archive_a_gz_and_one_file_open_too(dump, demo, tmp_path):
    folder = demo(1)
    whole = dump(*files_of(folder))
    with tarfile.open(tmp_path / "t.tar.gz", "w:gz") as tar:
        tar.add(folder, arcname="t")
    packed = dump(tmp_path / "t.tar.gz")
    assert packed["lines"] == whole["lines"] and packed["problems"] == []
    alone = dump(folder / "channel0_3")
    assert alone["lines"] and set(alone["lines"]) < set(whole["lines"]) | set(alone["lines"])
    assert [p["file"] for p in alone["problems"]] == ["metadata"]
    assert {c["cpu"] for c in alone["cpus"]} == {3}


def test_decisions_are_right_in_a_right_kernel(dump, demo):
    for folder in (demo(1), demo(2, 1), demo(3, 8)):
        decisions = dump(*files_of(folder))["decisions"]
        assert decisions and not any(d["flags"] & 2 for d in decisions)


@pytest.mark.quick
def test_the_page_is_small_and_whole(page):
    text = page.read_text()
    assert len(text.encode()) < 100_000
    packed = re.search(r'<script type="text/plain" id="main">([\w+/=]+)</script>', text)[1]
    script = zlib.decompress(base64.b64decode(packed), -15).decode()
    assert len(script) < 150_000
    for part in (text, script):
        assert "http://" not in part.replace("http://www.w3.org", "") and "https://" not in part
    assert f"script-src {' '.join(digest(s) for s in (re.findall(r'<script>(.*)</script>', text)[0], script))};" in text


def digest(script):
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def test_types_hold(page):
    tsc = ROOT / "viewer/node_modules/typescript/bin/tsc"
    if not tsc.exists():
        pytest.skip("typescript is not installed: tools/setup/setup all")
    must("node", tsc, "-p", "viewer")


def plant(stream, planted, most):
    """Writes another choice, or another rule, into decisions whose two best candidates differ."""
    at = 80
    while at + 8 <= len(stream) and any(stream[at:at + 8]):
        if int.from_bytes(stream[at + 4:at + 6], "little") == 10 and stream[at + 15] > 1:
            best, rival = ((stream[at + 28 + i], stream[at + 32 + i:at + 40 + i]) for i in (0, 24))
            if best != rival and stream[at + 14] == 0 and len(planted) < most:
                stream[at + (12 if len(planted) % 2 else 14)] = 7 if len(planted) % 2 else 1
                planted.append(int.from_bytes(stream[at + 8:at + 12], "little"))
        at += 8 * int.from_bytes(stream[at + 6:at + 8], "little")


def test_a_wrong_decision_is_seen(dump, demo, tmp_path):
    planted = []
    for file in files_of(demo(1)):
        data = bytearray(file.read_bytes())
        if file.name.startswith("channel"):
            plant(data, planted, 4)
        (tmp_path / file.name).write_bytes(data)
    assert len(planted) == 4
    wrong = [d for d in dump(*files_of(tmp_path))["decisions"] if d["flags"] & 2]
    assert len(wrong) == 4
    assert {d["x"]["seq"] for d in wrong if "x" in d} == set(planted)
    assert all(d["x"]["verdict"] == "wrong" for d in wrong)


def wrong_hints(told, text):
    """Triggers of decisions that name a hint which caused nothing now, or another one's sender or delay."""
    looks, caused, hints, wrong = {}, {}, {}, []
    for ns, cpu, name, f in events(text):
        if name == "sched_hint":
            hints[int(f["target_cpu"]), int(f["number"])] = (cpu, ns)
        elif name == "sched_look":
            caused[cpu] = int(f["hinted"]) if int(f["hinted"]) != looks.get(cpu, 0) else 0
            looks[cpu] = int(f["hinted"])
        elif name == "sched_decision":
            hints["decision", int(f["seq"])] = (cpu, caused.get(cpu, 0))
    for x in told:
        cpu, number = hints["decision", x["seq"]]
        sender, ns = hints.get((cpu, number), (-1, 0))
        if "hinted at" in x["trigger"] and not (number and f"CPU {sender} hinted" in x["trigger"] and x["delay"] == x["time"] - ns):
            wrong.append(x)
    return wrong


def test_a_hint_is_a_trigger_only_of_the_look_that_it_caused(kernels, dump, demo):
    """A look names the last hint that the CPU has seen; what an earlier look had seen already caused nothing now."""
    told = [d["x"] for d in dump(*files_of(demo(3, 8)))["decisions"] if "x" in d]
    hinted = [x for x in told if "hinted at" in x["trigger"]]
    assert len(hinted) > 5 and len(hinted) < len(told)
    assert wrong_hints(told, printed(kernels, demo(3, 8))) == []


def test_the_policy_that_decided_would_have_picked_the_same(dump, demo):
    """Among candidates that are all of one class, its own card must agree with the kernel."""
    agreed = 0
    for folder in (demo(1), demo(3, 8)):
        for x in (d["x"] for d in dump(*files_of(folder))["decisions"] if "x" in d):
            classes = {c["cls"] for c in x["candidates"]}
            card = {"fifo": "FIFO", "rr": "Round robin", "edf": "EDF"}.get(x["cls"])
            if len(x["candidates"]) > 1 and len(classes) == 1 and card:
                assert [o["same"] for o in x["others"] if o["policy"] == card] == [True], x
                agreed += 1
    assert agreed > 20


def policies_wrong(seen, text):
    """Cards of fair, stride, MLFQ and lottery that are not what plain sums of what each candidate ran say."""
    expected, wrong, judged = Reference(text), [], 0

    def ran(tid, begin, end):
        steps = expected.tasks.get(tid, [])
        return sum(max(0, min(end, after[0]) - max(begin, step[0])) for step, after in zip(steps, [*steps[1:], (1 << 62,)]) if step[1] == "running")

    shares = {int(f["child_tid"]): int(f["share"]) or 1 for _, _, name, f in events(text) if name == "sched_process_fork"}
    quanta = {int(f["child_tid"]): int(f["quantum_ns"]) or 10**6 for _, _, name, f in events(text) if name == "sched_process_fork"}
    for x in (d["x"] for d in seen["decisions"] if "x" in d and len(d["x"]["candidates"]) > 1):
        now, cards = x["time"], {o["policy"]: o for o in x["others"]}

        def level(tid):
            used, n = ran(tid, now // 200_000_000 * 200_000_000, now), 0
            while n < 7 and used >= quanta[tid] * (n + 1):
                used, n = used - quanta[tid] * (n + 1), n + 1
            return n

        for card, value in (("Fair", lambda tid: ran(tid, 0, now) / shares[tid]), ("Stride", lambda tid: ran(tid, 0, now) / shares[tid]), ("MLFQ", level)):
            values = {c["task"]: value(c["tid"]) for c in x["candidates"]}
            # The trace's first stretches begin a few ns apart in the two readers.
            if values[cards[card]["pick"]] > min(values.values()) + (2000 if card != "MLFQ" else 0):
                wrong.append((x["index"], card, values))
            judged += len(set(values.values())) > 1
        total = sum(shares[c["tid"]] for c in x["candidates"])
        odds = [int(n) for n in re.findall(r"(\d+) %", cards["Lottery"]["odds"])]
        if [round(shares[c["tid"]] / total * 100) for c in x["candidates"]] != odds and abs(sum(odds) - 100) > len(odds):
            wrong.append((x["index"], "Lottery", odds))
    return wrong if judged > 50 else ["hardly any decision says anything"]


def test_every_other_policy_has_its_card(kernels, dump, demo):
    seen = dump(*files_of(demo(1)))
    assert not policies_wrong(seen, printed(kernels, demo(1)))
    for x in (d["x"] for d in seen["decisions"] if "x" in d and len(d["x"]["candidates"]) > 1):
        assert {"FIFO", "Round robin", "EDF", "Fair", "Stride", "MLFQ", "Lottery"} <= {o["policy"] for o in x["others"]}


def test_the_source_of_a_decision_is_its_policy(dump, demo):
    told = {(x["cls"], x["source"]) for d in dump(*files_of(demo(1)))["decisions"] if (x := d.get("x")) and x["chosen"]}
    assert len(told) >= 3
    for name, place in told:
        file, line = place.split(":")
        assert f"sched_policy sched_{name} " in (ROOT / file).read_text().splitlines()[int(line) - 1]
