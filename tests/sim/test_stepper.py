"""fermata-sim debug --terminal: a run event by event without GDB, both ways over the same places."""

import os
import re
import subprocess
import sys

import pytest

ADDERS = "tests/sim/two_adders.c"
pytestmark = pytest.mark.skipif(os.uname().machine != "x86_64", reason="debug is for x86_64 hosts")


@pytest.fixture(scope="module", autouse=True)
def built(kernels):
    kernels.elf("sim", "clang", ADDERS)
    kernels.trace_tool()


def steps(root, *commands, status=0, what=("--app", ADDERS, "--cpus", "2", "--strategy", "random")):
    done = subprocess.run([sys.executable, "tools/sim/fermata-sim", "debug", "--terminal", *what], cwd=root, text=True,
                          input="\n".join([*commands, "quit", ""]), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
    assert done.returncode == status, done.stdout
    return done.stdout


def events(said):
    return [int(n) for n in re.findall(r"^event (\d+),", said, re.M)]


@pytest.mark.quick
def test_steps_forwards_and_backwards(root):
    said = steps(root, "step", "step 10", "", "back 7", "to 20000", "back", "step", "to 5")
    assert events(said) == [0, 1, 11, 21, 14, 20000, 19999, 20000, 5]
    places = [line for line in said.splitlines() if line.startswith("event 20000,")]
    assert len(places) == 2 and places[0] == places[1]


@pytest.mark.quick
def test_switches_are_those_of_the_trace(root, kernels, tmp_path):
    elf = kernels.elf("sim", "clang", ADDERS)
    kernels.sim(elf, "--strategy", "random", "--max-events", "2000000000", "--trace", tmp_path / "trace", cpus=2)
    printed = subprocess.run([kernels.trace_tool(), "print", tmp_path / "trace"], text=True, stdout=subprocess.PIPE, check=True).stdout
    times = [float(t) for t in re.findall(r"^\[([\d.]+)\] CPU \d+ sched_switch", printed, re.M)]
    assert len(times) >= 4
    said = steps(root, *["next"] * len(times), "next", *["previous"] * len(times))
    told = [float(t) for t in re.findall(r"^event [1-9]\d*, ([\d.]+) s", said, re.M)]
    forth, end, back = told[:len(times)], told[len(times)], told[len(times) + 1:]
    assert "the run ends here" in said and end >= forth[-1]
    # the clock is read a few events behind the call's begin
    assert all(0 <= t - f < 50e-9 for t, f in zip(times, forth)), (times, forth)
    assert back == forth[::-1]


@pytest.mark.quick
def test_a_variable_is_watched_both_ways(root):
    said = steps(root, "watch counter", "continue", "print counter", "continue", "print counter", "where", "continue",
                 "reverse", "reverse", "print counter", "reverse")
    assert said.count("was written") == 2 and said.count("is about to be written") == 2
    assert re.findall(r"^counter at 0x\w+, 4 bytes: (0x\d)$", said, re.M) in (["0x1", "0x2", "0x0"], ["0x1", "0x1", "0x0"])
    there = events(said)
    assert there[3] == there[2]  # where
    assert 0 <= there[2] - there[5] <= 2 and 0 <= there[1] - there[6] <= 2 and there[-1] == 0, said
    assert re.search(r"#0 adder tests/sim/two_adders.c:\d+\n  #1 work kernel/task/executor.c", said)
    assert "the run ends here" in said and "the run begins here" in said


@pytest.mark.quick
def test_tasks_and_cpus(root):
    said = steps(root, "watch counter", "continue", "tasks", "cpus")
    assert re.search(r"^ +\d+ adder +runs on CPU [01] ", said, re.M) and re.search(r"^ +\d+ tests ", said, re.M)
    cpus = re.findall(r"^CPU (\d)( \*|  ) (\w+) ", said, re.M)
    assert [cpu for cpu, _, _ in cpus] == ["0", "1"] and [mark.strip() for _, mark, _ in cpus].count("*") == 1
    assert next(task for _, mark, task in cpus if mark == " *") == "adder"


@pytest.mark.quick
@pytest.mark.parametrize("command, says", [
    ("bogus", "is no command"), ("next nothing", "there is no event nothing in the trace"), ("print nothing", "neither a variable"),
    ("to nowhere", "invalid literal"), ("p counter", "stands for several")])
def test_mistakes(root, command, says):
    assert says in steps(root, command, "step", status=1)


def test_a_saved_run(root, kernels, tmp_path):
    kernels.sim(kernels.elf("sim", "clang", ADDERS), "--strategy", "random", "--record", tmp_path / "run", cpus=2, seed=3)
    assert events(steps(root, "to 20000", what=(str(tmp_path / "run"),))) == [0, 20000]
