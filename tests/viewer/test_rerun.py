"""The command lines that the panel gives to make a simulator's trace again are carried out."""

import os
import re
import shlex
import subprocess

import pytest

from conftest import ROOT, STALL_S, files_of, must


def carried_out(command, where):
    """Runs a command as it was printed, from the repository's folder; the trace goes to a folder of the test's."""
    words = shlex.split(command.removesuffix("</dev/null"))
    words[words.index("--trace") + 1] = str(where)
    result = subprocess.run(words, cwd=ROOT, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=STALL_S)
    assert (where / "metadata").is_file(), f"{command}\n{result.stdout}"
    return where


def lines(kernels, folder):
    return must(kernels.trace_tool(), "print", folder).splitlines()


@pytest.mark.parametrize("kind", ["demo", "scenario", "strategy"])
def test_the_run_up_to_here_is_the_beginning_of_the_run(kernels, dump, demo, placed, tmp_path, kind):
    if kind == "strategy":
        folder = tmp_path / "random"
        kernels.sim(kernels.elf("sim"), "--strategy=random", "--mean", "31", "--cmdline", "demo=5 inherit=off", "--trace", folder, cpus=2, seed=7)
    else:
        folder = placed if kind == "scenario" else demo(1)
    seen = dump(*files_of(folder))
    half = (seen["t0"] + seen["t1"]) / 2
    begun = lines(kernels, carried_out(seen["again"]["here"], tmp_path / "here"))
    whole = lines(kernels, folder)
    # What two CPUs do at the end may be merged in another order when what follows is missing.
    assert len(whole) * 0.2 < len(begun) < len(whole)
    assert not set(begun) - set(whole)
    assert {line for line in whole if float(line[1:line.index("]")]) * 1e9 < half - 1} <= set(begun)


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="fermata-sim debug is for x86_64 hosts")
def test_gdb_begins_where_the_trace_was_looked_at(dump, demo):
    seen = dump(*files_of(demo(1)))
    half = (seen["t0"] + seen["t1"]) / 2
    words = [*shlex.split(seen["again"]["gdb"]), "--ex", "p sim.clock_ns", "--ex", "reverse-stepi", "--ex", "monitor event"]
    result = subprocess.run(words, cwd=ROOT, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=STALL_S)
    at = int(re.search(r"\$1 = (\d+)", result.stdout)[1])
    assert abs(at - half) < 1000 and re.search(r"^event \d+$", result.stdout, re.M), result.stdout


@pytest.mark.parametrize("kind, sched", [("demo", "fair"), ("demo", "fifo"), ("scenario", "lottery"), ("scenario", "edf")])
def test_the_seed_under_another_policy(kernels, dump, demo, placed, tmp_path, kind, sched):
    kernels.elf("sim", app="tools/sim/recast.c" if kind == "demo" else "tools/sim/scenario.c")
    folder = placed if kind == "scenario" else demo(1)
    again = dump(*files_of(folder))["again"]
    assert set(again["classes"]) == {"edf", "fifo", "rr", "fair", "mlfq", "lottery", "stride"}
    command = again["rerun"][again["classes"].index(sched)]
    other = carried_out(command, tmp_path / "other")
    must(kernels.trace_tool(), "check", other)
    spawned = re.findall(r'sched_process_fork: .* class = (\w+),.* child_comm = "([^"]*)"', "\n".join(lines(kernels, other)))
    assert {cls for cls, name in spawned if name not in ("init", "scenario")} == {sched}
    names = lambda where: sorted(re.findall(r'child_comm = "([^"]*)"', "\n".join(lines(kernels, where))))  # noqa: E731
    assert names(other) == names(folder)
    # One can go on from there: the other trace's command for the same class says the same, once.
    assert set(shlex.split(command)) <= set(shlex.split(dump(*files_of(other))["again"]["rerun"][again["classes"].index(sched)]))
    assert "sched=" not in dump(*files_of(other))["again"]["here"]


@pytest.mark.quick
def test_a_wrong_class_is_refused():
    result = subprocess.run(["tools/sim/fermata-sim", "run", "--sched", "fastest"], cwd=ROOT, text=True, capture_output=True)
    assert result.returncode == 2 and "--sched fastest: there are fifo, rr, edf" in result.stderr
