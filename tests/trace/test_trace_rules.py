"""Every rule of `check`: runs that keep it pass, and each planted bug is seen for what it is."""

import random
import re
import subprocess

import pytest

from events import ROOT
from machine import random_machine

RULES = ["S1", "S2", "S4", "S5", "R1", "R1b", "R2", "R3", "R5", "R6", "R7", "R8", "R11", "A", "H", "J", "D",
         *(f"P{i}" for i in range(1, 12))]

# Bug planted in the Python scheduler -> the rules of which one is reported, and reported first.
BUGS = {
    "ties_by_id": "R1",
    "wrong_class": "R1",
    "no_hint_to_idle": "R7",
    "no_hint_to_busy": "R1b",
    "deadline_recomputed": "R2",
    "tail_on_preempt": "R2",
    "release_running": "R2",
    "double_enqueue": "R3",
    "not_requeued": "R3",
    "two_cpus": "R3",
    "two_ipis": "R5",
    "wake_lost": "R6",
    "sleeps_with_work": "R7",
    "open_window": "R7",
    "own_hint_slept_over": "R7",
    "blind_to_a_shard": "R1",
    "order_by_shard": "R1",
    "order_per_shard": "R2",
    "no_hint_step": "H",
    "hint_dropped": "H",
    "no_recheck": "R1 R1b R7",
    "limbo_open": "R3",
    "publish_early": "R8",
    "stack_shared": "R8",
    "decision_lies": "R11",
    "runs_elsewhere": "A",
    "hint_elsewhere": "A",
    "job_twice": "J",
    "poll_twice": "J",
    "seq_back": "S5",
}


def violations(output):
    return re.findall(r"^([A-Z]\d*b?) at ", output, re.M)


def judged(output):
    """How often each rule was put to the test."""
    line = re.search(r"^judged:(.*)$", output, re.M)[1].split()
    return dict(zip(line[::2], map(int, line[1::2])))


OVERLAPS = [0.0, 0.1, 0.5, 1.0]  # how often the next step is another CPU's


@pytest.mark.quick
@pytest.mark.parametrize("shards", [1, None], ids=["one-shard", "shards"])
@pytest.mark.parametrize("overlap", OVERLAPS)
def test_correct_runs_keep_all_rules(tool, trace, overlap, shards):
    sums = dict.fromkeys(RULES, 0)
    for seed in range(12):
        folder = trace(seed=seed, name=f"t{seed}", cpus=1 + seed % 6, steps=400, packets=32, overlap=overlap,
                       shards=shards, stacks=64 if seed % 2 else 9)
        out = tool("check", "--complete", folder, status=0).stdout
        assert "0 violations" in out
        for rule, times in judged(out).items():
            sums[rule] += times
    assert all(times > 50 for rule, times in sums.items() if rule[0] not in "DP"), sums


@pytest.mark.quick
@pytest.mark.parametrize("bug", BUGS)
def test_planted_bug_is_seen(tool, trace, bug):
    """
    A bug may strike where another CPU happens to make it good. It must be seen in one of some runs, and
    in none anything else must be seen first.
    """
    fired, caught = 0, 0
    for seed in range(40):
        folder = trace(seed=seed, name=f"t{seed}", bug=bug, overlap=OVERLAPS[seed % 4],
                       shards=1 if seed % 3 == 2 else None)
        if not trace.machine.fired:
            continue
        fired += 1
        out = tool("check", "--max", "1000", folder).stdout
        seen = violations(out)
        # Wrong numbers mislead the merge itself, so other rules may seem broken before.
        first = seen if bug == "seq_back" else seen[:1]
        assert not first or set(first) & set(BUGS[bug].split()), out
        caught += bool(first)
        if caught == 3:
            return
    assert caught, f"{bug} struck in {fired} runs and was never seen"


def test_a_rule_that_was_never_judged_says_so(tool, trace):
    out = tool("check", trace(tasks=1, steps=1), status=0).stdout
    never = re.search(r"^never judged:(.*)$", out, re.M)[1].split()
    assert sorted([*never, *judged(out)]) == sorted(RULES) and "R1b" in never


def test_each_rule_has_a_bug():
    """Those of the structure are in test_trace_damage.py, of D in test_trace_dags.py, of the policies in
    tests/mutants/oracles.py."""
    assert {rule for rules in BUGS.values() for rule in rules.split()} == {
        rule for rule in RULES if rule not in ("S1", "S2", "S4", "D") and rule[0] != "P"}


@pytest.mark.quick
def test_violation_names_tasks_time_cpu_and_seq(tool, trace):
    folder = trace(seed=3, bug="tail_on_preempt", steps=400)
    line = tool("check", folder, status=1).stdout.splitlines()[0]
    assert re.fullmatch(r"R2 at \d+\.\d{9} CPU \d seq \d+: task \d+ \(\w+\) was preempted, but is queued "
                        r"behind its equals", line), line


@pytest.mark.quick
def test_rules_are_listed(tool):
    out = tool("check", "--rules", status=0).stdout
    assert [line.split()[0] for line in out.splitlines()] == RULES


@pytest.mark.parametrize("seed", range(6))
def test_a_ring_that_lost_its_beginning_raises_nothing(tool, trace, seed):
    folder = trace(seed=seed, steps=900, packets=2)
    out = tool("check", folder, status=0).stdout
    assert "were overwritten" in out and "0 violations" in out
    assert "S6" in tool("check", "--complete", folder, status=1).stdout


@pytest.mark.parametrize("seed", range(4))
def test_seq_wraps(tool, trace, seed):
    machine = random_machine(random.Random(seed), steps=300)
    shift = 2**32 - 200
    events = [(cpu, ticks, name, {**v, "seq": (v["seq"] + shift) & 0xFFFFFFFF} if "seq" in v else v)
              for cpu, ticks, name, v in machine.events]
    from rings import Memory
    folder = trace(name="unused").parent / "wrap"
    tool.extract(Memory(events, len(machine.running), packets=32), folder)
    out = tool("check", folder, status=0).stdout
    assert "missing in" not in out, out


@pytest.mark.parametrize("cut", ["stopped", "lost"])
def test_a_machine_stops_in_the_middle_of_operations(tool, tmp_path, cut):
    """A CPU that had its number and recorded nothing any more is no loss; an operation in between is."""
    from rings import Memory
    events = random_machine(random.Random(3), steps=300, overlap=0.5).events
    last = [i for i, e in enumerate(events) if e[0] == 1 and "seq" in e[3]][-40]
    seq = events[last][3]["seq"]
    gone = [e for i, e in enumerate(events) if e[0] == 1 and i >= last and (
        cut == "stopped" or e[3].get("seq") == seq)]
    tool.extract(Memory([e for e in events if e not in gone], 3, packets=32), tmp_path / "t")
    out = tool("check", "--complete", tmp_path / "t", status=cut == "lost").stdout
    assert ("stopped in the middle of 1 operation" in out) == (cut == "stopped"), out
    assert ("S6" in out) == (cut == "lost"), out


def test_clocks_that_disagree_do_not_disturb_the_order(tool, trace, tmp_path):
    """CPU 1's clock is behind by more than most operations are apart; seq still orders them."""
    from rings import Memory
    machine = random_machine(random.Random(5), cpus=2, steps=300, start=100_000)
    events = [(cpu, ticks - 3000 * cpu, name, v) for cpu, ticks, name, v in machine.events]
    tool.extract(Memory(events, 2, packets=32), tmp_path / "skew")
    tool("check", "--complete", tmp_path / "skew", status=0)


@pytest.mark.parametrize("seed", range(5))
def test_any_cut_of_a_good_trace_is_good(tool, trace, tmp_path, seed):
    folder = trace(seed=seed, steps=300, packets=32)
    times = [ticks for _, ticks, _, _ in trace.machine.events]
    rng = random.Random(seed)
    for i in range(6):
        first, last = sorted(rng.sample(times, 2))
        out = tmp_path / f"cut{i}"
        tool("cut", "--from", f"{first}ns", "--to", f"{last}ns", folder, out, status=0)
        tool("check", out, status=0)


@pytest.mark.quick
def test_the_judge_needs_no_c_library(tmp_path):
    """The same file goes into the simulator's checker and into the viewer."""
    objects = []
    for name in ["events", *(p.stem for p in (ROOT / "tools/trace").glob("inv*.c"))]:
        objects.append(str(tmp_path / f"{name}.o"))
        subprocess.run(["clang", "--target=wasm32", "-std=gnu17", "-O2", "-ffreestanding", "-Wall", "-Wextra",
                        "-Werror", "-Itools/trace/host", "-Itools/trace", "-Ikernel", "-c",
                        f"tools/trace/{name}.c", "-o", objects[-1]], cwd=ROOT, check=True)
    symbols = subprocess.run(["llvm-nm", *objects], capture_output=True, text=True, check=True).stdout
    undefined = set(re.findall(r"\bU (\w+)", symbols))
    defined = set(re.findall(r"\b[TDBR] (\w+)", symbols))
    assert undefined - defined <= {"memcpy", "memset", "__linear_memory", "__stack_pointer",
                                   "__indirect_function_table"}
