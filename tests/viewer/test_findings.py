"""What a simulator or a checker found wrong is marked in the trace, at its event."""

import base64
import re
import shutil

import pytest

from conftest import files_of, must, run

PLANTED = "tests/sim/planted.c"


def failing(kernels, folder, bug, words=("--watch", "all")):
    """A run in which the checkers find the planted bug: its output and trace."""
    for seed in range(1, 21):
        result = kernels.sim(kernels.elf("sim", app=PLANTED), "--strategy", "random", "--cmdline", f"bug={bug}", *words, "--trace", folder / str(seed), cpus=2, seed=seed)
        if result.returncode not in (0, 2):
            return result, folder / str(seed)
    pytest.fail(f"{bug} was not found")


@pytest.mark.parametrize("bug, says", [("half_locked", "data race on 8 bytes"), ("both_orders", "locks in both orders"), ("embrace", "deadlock: each of these CPUs")])
def test_what_the_simulator_found_is_marked(kernels, dump, tmp_path, bug, says):
    kernels.trace_tool()
    result, folder = failing(kernels, tmp_path, bug)
    told = [(int(s) * 10**9 + int(ns), int(cpu), text) for text, cpu, s, ns in re.findall(
        r"^sim: (.*)\n  \w[^\n]* by CPU (\d+)(?: in an interrupt)?, at (\d+)\.(\d{9}) s", result.stdout, re.M)]
    flags = [f for f in dump(*files_of(folder))["flags"] if f["kind"] == "found"]
    assert any(text.startswith(says) for _, _, text in told)
    assert [(f["time"], f["cpu"], f["text"]) for f in flags] == told
    must("babeltrace2", folder) if shutil.which("babeltrace2") else None
    must(kernels.trace_tool(), "print", folder)


def test_a_run_that_cannot_go_on_is_marked_at_its_end(kernels, dump, tmp_path):
    """And one that was told to end is not."""
    result, folder = failing(kernels, tmp_path, "twice", ("--max-events", "1000000"))
    end = int(re.search(r"virtual_ns=(\d+)", result.stdout)[1])
    flags = [f for f in dump(*files_of(folder))["flags"] if f["kind"] == "found"]
    assert [(f["time"], f["text"]) for f in flags] == [(end, "stopped by --max-events")]
    kernels.sim(kernels.elf("sim"), "--cmdline", "demo=5", "--until", "2000000", "--trace", tmp_path / "until")
    seen = dump(*files_of(tmp_path / "until"))
    assert not seen["flags"] or all(f["kind"] == "mark" for f in seen["flags"])


def test_counterexamples_of_a_checker_are_marked(dump, demo, tmp_path):
    """Any checker can say what it found, one line for each, in check.txt beside the trace."""
    shutil.copytree(demo(1), tmp_path / "t")
    (tmp_path / "t/check.txt").write_text("mutual-exclusion at 0.010026415 CPU 2 seq 900: two tasks hold the lock\n0 violations\nR1 at 0.020000000 CPU 0: late\n")
    flags = [f for f in dump(*files_of(tmp_path / "t"))["flags"] if f["kind"] == "violation"]
    assert [(f["time"], f["cpu"], f["rule"], f["text"]) for f in flags] == [
        (10026415, 2, "mutual-exclusion", "mutual-exclusion: two tasks hold the lock"), (20000000, 0, "R1", "R1: late")]


def test_violations_are_those_of_fermata_trace_check(kernels, dump, invented, tmp_path):
    folder = invented(3, steps=400, bug="tail_on_preempt")
    said = run(kernels.trace_tool(), "check", folder).stdout
    shutil.copytree(folder, tmp_path / "t")
    (tmp_path / "t/check.txt").write_text(said)
    told = sorted((int(s) * 10**9 + int(ns), int(cpu), rule) for rule, s, ns, cpu in re.findall(r"^(\w+) at (\d+)\.(\d{9}) CPU (\d+)", said, re.M))
    assert told
    assert sorted((f["time"], f["cpu"], f["rule"]) for f in dump(*files_of(tmp_path / "t"))["flags"] if f["kind"] == "violation") == told


@pytest.mark.parametrize("program, says", [("lost_update", "assertion failed"), ("race", "data race"), ("embrace", "deadlock or lost wake-up")])
def test_a_counterexample_of_the_explorer_opens(kernels, page, dump, tmp_path, program, says):
    """Each step is a stretch on its CPU, in order; the property that is violated is marked behind the last."""
    result = run("tools/sim/fermata-sim", "explore", f"tests/explore/wrong/{program}.c", "--view", tmp_path / "page.html")
    assert result.returncode == 1 and f"Open {tmp_path / 'page.html'}" in result.stdout, result.stdout
    seen = dump(unpacked(tmp_path / "page.html", tmp_path))
    assert seen["problems"] == []
    names = {t["tid"]: t["name"] for t in seen["tasks"]}
    ran = sorted((t, cpu["cpu"], names[tid]) for cpu in seen["cpus"] for t, tid in cpu["steps"] if 0 < tid < 1000)
    steps = [(int(n) * 1000, int(cpu), {"compare-exchange": "cas"}.get(kind, kind) + " " + name)
             for n, cpu, kind, name in re.findall(r"^ +(\d+)  CPU (\d+)  (\S+) (?:relaxed|acquire|release|acq_rel|seq_cst) (\S+)", result.stdout, re.M)]
    assert steps and ran == steps
    wrong = [f for f in seen["flags"] if f["kind"] == "violation"]
    assert len(wrong) == 1 and says in wrong[0]["text"] and wrong[0]["time"] > steps[-1][0]
    marks = [f["text"] for f in seen["flags"] if f["kind"] == "mark"]
    assert len(marks) == len(steps) and all("tests/explore/wrong" in m for m in marks)


def unpacked(page_with_trace, folder):
    packed = re.search(r'<script type="text/plain" id="trace"[^>]*>([^<]*)</script>', page_with_trace.read_text())[1]
    (folder / "trace.tar.gz").write_bytes(base64.b64decode(packed))
    return folder / "trace.tar.gz"


def test_a_schedule_of_a_kernel_that_fails_opens(kernels, page, dump, tmp_path):
    """The first failure of an exploration with a bound: its trace, with how it ended marked at its end."""
    result = run("tools/sim/fermata-sim", "explore", "tests/sim/two_adders.c", "--bound", "1", "--cpus", "2", "--save", tmp_path / "run", "--view", tmp_path / "page.html")
    assert result.returncode == 1 and f"Open {tmp_path / 'page.html'}" in result.stdout, result.stdout + result.stderr
    seen = dump(unpacked(tmp_path / "page.html", tmp_path))
    assert seen["problems"] == [] and len(seen["lines"]) > 20
    found = [f for f in seen["flags"] if f["kind"] == "found"]
    assert len(found) == 1 and "left with status" in found[0]["text"] and found[0]["time"] >= seen["tasks"][-1]["steps"][-1][0]


def test_what_holds_has_no_page(page, tmp_path):
    result = run("tools/sim/fermata-sim", "explore", "tests/explore/seqlock.c", "--max", "50", "--view", tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists() and "Open" not in result.stdout
