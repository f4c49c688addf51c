"""Scenario files: carried out on the simulator and on QEMU's boards; mistakes have a file and a line."""

import json
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools/sim"))
import scenario  # noqa: E402
from test_fermata_sim import fermata_sim  # noqa: E402

EXAMPLE = "tools/sim/example.toml"
ONE_CPU = """
cpus = 1
duration_ms = 12
seed = 3
[[task]]
name = "fast"
policy = "edf"
period_us = 2000
work_us = [300, 500]
[[task]]
name = "slow"
policy = "edf"
period_us = 6000
work_us = 2000
[[task]]
name = "rest"
policy = "rr"
level = 2
work_us = 1000
"""


@pytest.fixture(scope="module", autouse=True)
def built(kernels):
    kernels.elf("sim", "clang", scenario.APP)


def tasks_of(output):
    return {task["name"]: task for task in scenario.results(output)}


@pytest.mark.quick
def test_the_example(root):
    tasks = tasks_of(fermata_sim(root, "run", "--scenario", EXAMPLE))
    assert {name: task["jobs"] for name, task in tasks.items()} == {"control-1": 20, "control-2": 20, "vision": 4, "logger": 1}
    assert not any(task["late"] for task in tasks.values())
    for task in (tasks["control-1"], tasks["control-2"]):
        assert 200_000 <= task["response_min_ns"] <= task["response_mean_ns"] <= task["response_max_ns"] < 1_000_000
    assert tasks["logger"]["preemptions"] > 0 and tasks["logger"]["cpu_ns"] >= 10_000_000


@pytest.mark.quick
def test_too_much_work_is_late(root, tmp_path):
    (tmp_path / "s.toml").write_text(ONE_CPU.replace("[300, 500]", "1900"))
    tasks = tasks_of(fermata_sim(root, "run", "--scenario", tmp_path / "s.toml"))
    assert tasks["fast"]["late"] + tasks["slow"]["late"] > 0


def test_rows_have_what_became_of_each_task(root, tmp_path):
    fermata_sim(root, "sweep", "--scenario", EXAMPLE, "--seeds", "1-3", "--out", tmp_path / "rows.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert [row["seed"] for row in rows] == [1, 2, 3]
    assert all(row["late"] == 0 and len(row["tasks"]) == 4 for row in rows)
    assert len({row["tasks"][0]["cpu_ns"] for row in rows}) == 3  # execution times are the seed's


@pytest.mark.parametrize("board", ["pc", "virt"])
def test_boards_agree(root, tmp_path, board):
    """Jobs, and how long they computed, which the seed says; nothing is late anywhere."""
    (tmp_path / "s.toml").write_text(ONE_CPU)
    here = tasks_of(fermata_sim(root, "run", "--scenario", tmp_path / "s.toml"))
    there = tasks_of(fermata_sim(root, "run", "--scenario", tmp_path / "s.toml", "--board", board))
    assert set(here) == set(there) == {"fast", "slow", "rest"}
    for name, task in here.items():
        assert (task["jobs"], task["late"]) == (there[name]["jobs"], there[name]["late"]) == (task["jobs"], 0)
        assert abs(task["cpu_ns"] - there[name]["cpu_ns"]) < 0.05 * task["cpu_ns"] + 100_000 * task["jobs"]


MISTAKES = [
    ("cpus = 1", "cpus = 0", 2, "cpus is 0, not a number from 1 to 64"),
    ("seed = 3", "sed = 3", 4, "a scenario has no sed; it may have cpus"),
    ('policy = "rr"', 'policy = "best"', 17, "policy is 'best', not one of fifo, rr"),
    ("level = 2", "level = 32", 18, "level is 32, not a number from 0 to 31"),
    ("level = 2", "share = 5", 15, "the kernel refuses it: rest: rr takes no share"),
    ("[300, 500]", "[500, 300]", 9, "work_us is [500, 300], not a number, or two"),
    ("work_us = 1000", "work_us = 1000\non = [1]", 20, "on is [1], not a list of CPUs from 0 to 0"),
    ('name = "slow"', 'name = "fast"', 11, "there are two tasks fast"),
    ("level = 2", "level = = 2", 18, "Invalid value"),
    ("work_us = 2000", "work_us = 2000\nserver = { budget_us = 1 }", 15, "the server has no period_us"),
    ("duration_ms = 12\n", "", 1, "there is no duration_ms"),
    ("seed = 3", 'strategy = "luck"', 4, "strategy is 'luck', not one of time, random"),
    ("seed = 3", "faults = { luck = 3 }", 4, "faults have no luck; there are hint-lost, "),
    ("seed = 3", "[faults]\ncpu-stall = 0", 5, "cpu-stall is 0, not a number from 1 on"),
    ("seed = 3", "faults = 3", 4, "faults is not { KIND = N, ... }"),
]


@pytest.mark.quick
@pytest.mark.parametrize("old, new, line, said", MISTAKES, ids=[m[3][:30] for m in MISTAKES])
def test_mistakes_have_a_place(root, tmp_path, old, new, line, said):
    assert ONE_CPU.count(old) == 1
    path = tmp_path / "s.toml"
    path.write_text(ONE_CPU.replace(old, new))
    answer = fermata_sim(root, "run", "--scenario", path, status=2)
    assert re.search(rf"^fermata-sim run: {re.escape(str(path))}:{line}: {re.escape(said)}", answer, re.M), answer


def test_the_faults_of_a_scenario(root, kernels, tmp_path):
    """They are those of --fault, and an allocation that fails is the kernel's; --fault goes before."""
    path = tmp_path / "s.toml"
    path.write_text(ONE_CPU.replace("seed = 3", "seed = 3\nfaults = { cpu-stall = 1000000, timer-late = 1 }"))
    (tmp_path / "plain.toml").write_text(ONE_CPU)
    plain, stalled, said, none = (fermata_sim(root, "run", "--scenario", *words) for words in (
        [tmp_path / "plain.toml"], [path], [tmp_path / "plain.toml", "--fault", "cpu-stall=1000000", "--fault", "timer-late=1"],
        [path, "--fault", "timer-late=1000000000", "--fault", "cpu-stall=100000000000"]))
    summaries = [out.splitlines()[-1] for out in (plain, stalled, said, none)]
    assert summaries[1] == summaries[2] != summaries[0]
    late = [tasks_of(out)["fast"]["response_max_ns"] for out in (plain, stalled, none)]
    assert late[1] > late[0] + 50_000 and late[2] == late[0]
    path.write_text(ONE_CPU.replace("seed = 3", "[faults]\nfail_alloc = 1"))
    assert "cannot make the first task: out of memory" in fermata_sim(root, "run", "--scenario", path, status=101)
    path.write_text(ONE_CPU.replace("seed = 3", "[faults]\nhint-lost = 5"))
    assert "faults are the simulator's" in fermata_sim(root, "run", "--scenario", path, "--board", "pc", status=2)


def test_names_are_those_of_the_simulator(kernels):
    help_text = kernels.sim(kernels.elf("sim", "clang", scenario.APP), "--help").stdout
    strategies, kinds = help_text.split("--strategy")[1], help_text.split("--fault")[1]
    assert all(name in strategies for name in scenario.STRATEGIES)
    listed = re.findall(r"^ +([a-z]+-[a-z-]+): ", kinds, re.M)
    assert set(scenario.FAULTS) == {kind for kind in listed if not kind.startswith(("device-", "irq-"))} - {"bcm2835-gpio", "virtio-blk", "virtio-net"}
