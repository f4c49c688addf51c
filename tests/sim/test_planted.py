"""Planted bugs of all kinds: each is found within a stated number of seeds, reported with the places that it
has, absent from the same program without it, and made small: a run that shows it has five switches at most."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools" / "sim"))
import runs  # noqa: E402

FOUND, NO_PROGRESS, NO_END, FAILED, PANIC = 105, 102, 103, 1, 101
EVENTS_MAX = 1_000_000
SWITCHES_MAX = 5  # of a small run
RIGHT_SEEDS = 20
TRIED = 3  # failing runs of which one must become small: where tasks run on other CPUs, some do not

RACE, LOCKS, MEMORY, ORDER = "planted.c races", "planted.c locks", "planted_memory.c memory", "planted_orders.c none"
# name -> what looks, seeds within which it shows, what is said first, functions of the report's back traces
BUGS = {
    "half_locked": (RACE, 20, "data race on 8 bytes", "half_locked"),
    "relaxed_store": (RACE, 20, "data race on 8 bytes", "message"),
    "relaxed_load": (RACE, 20, "data race on 8 bytes", "message"),
    "missing_fence": (RACE, 20, "data race on 8 bytes", "missing_fence"),
    "unlocked_look": (RACE, 20, "data race on 8 bytes", "unlocked_look"),
    "torn_copy": (RACE, 20, "data race on 8 bytes", "torn_copy"),
    "writes_as_reader": (RACE, 20, "data race on 8 bytes", "writes_as_reader"),
    "plain_view": (RACE, 20, "data race on 4 bytes", "plain_view"),
    "unmasked": (RACE, 20, "data race on 8 bytes", "unmasked", "on_timer"),
    "stack_twice": (RACE, 20, "a stack in use twice", "stack_twice"),
    "both_orders": (LOCKS, 20, "locks in both orders", "take_both", "both_orders"),
    "long_circle": (LOCKS, 20, "locks in both orders", "long_circle", "take_both"),
    "mixed_orders": (LOCKS, 20, "locks in both orders", "mixed_orders"),
    "embrace": (LOCKS, 20, "(deadlock: each of these CPUs waits|locks in both orders)", "embrace"),
    "twice": (LOCKS, 20, "deadlock: the CPU holds lock", "twice"),
    "reads_within": (LOCKS, 20, "deadlock: the CPU holds lock", "reads_within"),
    "upgrades": (LOCKS, 20, "deadlock: the CPU holds lock", "upgrades"),
    "handler_takes_it": (LOCKS, 20, "(lock 0x[0-9a-f]+ is taken in a handler, and with interrupts enabled|deadlock: the CPU holds lock)", "handler_takes_it", "takes_it"),
    "held_over": (LOCKS, 20, "lock 0x[0-9a-f]+ is held when a poll ends", "held_over"),
    "freed_too_early": (MEMORY, 100, "memory that was given back is used", "freed_too_early"),
    "written_after_free": (MEMORY, 1, "memory that was given back is used", "written_after_free"),
    "freed_by_a_handler": (MEMORY, 20, "memory that was given back is used", "freed_by_a_handler", "frees_it"),
    "of_the_dead": (MEMORY, 100, "memory that was given back is used", "of_the_dead"),
    "walks_unlocked": (MEMORY, 300, "memory that was given back is used", "walks_unlocked"),
    "put_too_early": (MEMORY, 100, "memory that was given back is used", "put_too_early"),
    "page_given_back": (MEMORY, 1, "memory that was given back is used", "page_given_back"),
    "never_set": (MEMORY, 1, "memory that nobody wrote is read", "never_set"),
    "half_cleared": (MEMORY, 1, "memory that nobody wrote is read", "half_cleared"),
    "published_empty": (MEMORY, 100, "memory that nobody wrote is read", "published_empty"),
    "past_the_end": (MEMORY, 1, "access beyond a block's end", "past_the_end"),
    "before_the_begin": (MEMORY, 1, "access beyond a block's end", "before_the_begin"),
    "lost_update": (ORDER, 100, FAILED), "both_claim": (ORDER, 200, FAILED), "torn_pair": (ORDER, 100, FAILED),
    "two_senders": (ORDER, 100, FAILED), "same_top_again": (ORDER, 600, FAILED), "made_twice": (ORDER, 100, FAILED),
    "freed_twice": (ORDER, 200, PANIC),
    "lost_wake_up": (ORDER, 600, NO_PROGRESS), "reset_too_late": (ORDER, 100, NO_PROGRESS),
    "crossed_mutexes": (ORDER, 20, NO_PROGRESS), "uncounted": (ORDER, 100, NO_PROGRESS),
    "nobody_is_last": (ORDER, 200, NO_PROGRESS), "empty_then_sleeps": (ORDER, 1000, NO_PROGRESS),
    "barrier_of_three": (ORDER, 1, NO_PROGRESS),
}
HANGS = {"embrace", "twice", "handler_takes_it", "reads_within", "upgrades"}  # without a checker, in some or all runs
BREAKS = {"stack_twice"}


def test_there_are_enough():
    assert len(BUGS) >= 30


def program_of(kernels, cc, bug):
    file, watch = BUGS[bug][0].split()
    return kernels.elf("sim", cc, f"tests/sim/{file}"), [] if watch == "none" else ["--watch", watch]


def options(cmdline, *more):
    return ["--cpus", 2, "--strategy", "random", "--max-events", EVENTS_MAX, "--cmdline", cmdline, *more]


def statuses(elf, words, seeds):
    batch = runs.Batch(elf, words)
    for seed in seeds:
        yield seed, batch.run([f"seed {seed}"])
    batch.close()


def failing_seeds(kernels, cc, bug):
    elf, watch = program_of(kernels, cc, bug)
    return (seed for seed, o in statuses(elf, options(f"bug={bug}", *watch), range(1, BUGS[bug][1] + 1)) if o.status)


@pytest.mark.quick
@pytest.mark.parametrize("cc", ["clang", "gcc"])
@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(kernels, bug, cc):
    elf, watch = program_of(kernels, cc, bug)
    seed = next(failing_seeds(kernels, cc, bug), None)
    assert seed, f"{bug} was not found within {BUGS[bug][1]} seeds"
    result = kernels.sim(elf, *options(f"bug={bug}", *watch), cpus=2, seed=seed)
    if not watch:
        assert result.returncode == BUGS[bug][2], result.stdout
        return
    says, *places = BUGS[bug][2:]
    assert result.returncode == FOUND and re.search(f"^sim: {says}", result.stdout, re.M), result.stdout
    assert "sim: again: " in result.stdout
    labels = set(re.findall(r"below, as (\[\d+\])", result.stdout))
    assert labels == set(re.findall(r"^  (\[\d+\]) ", result.stdout, re.M)), result.stdout
    assert labels, result.stdout
    traces = blocks(result.stdout)
    for place in places:  # inlined into its caller by some compilers
        assert any(place in trace or "side_run" in trace for trace in traces), (place, traces)
    plain = kernels.sim(elf, *options(f"bug={bug}"), cpus=2, seed=seed)
    assert plain.returncode in {0, *([NO_END] if bug in HANGS else []), *([PANIC] if bug in BREAKS else [])}, plain.stdout


@pytest.mark.quick
def test_runs_of_a_batch_know_nothing_of_each_other(kernels):
    elf, watch = program_of(kernels, "clang", "half_locked")
    words, seeds = options("bug=half_locked", *watch), range(1, 6)
    alone = [kernels.sim(elf, *words, cpus=2, seed=seed).returncode for seed in seeds]
    assert [o.status for _, o in statuses(elf, words, seeds)] == alone == [FOUND] * len(seeds)


def blocks(text):
    """The back traces of a report: function names, innermost first."""
    found, block = [], None
    for line in text.splitlines():
        if " by CPU " in line:
            block = []
            found.append(block)
        elif block is not None and (frame := re.match(r" +#\d+ (\w+)", line)):
            block.append(frame[1])
    return found


@pytest.mark.parametrize("bug", BUGS)
def test_the_right_program_is_clean(kernels, bug):
    elf, _ = program_of(kernels, "clang", bug)
    for seed, o in statuses(elf, options(f"bug={bug} right", "--watch", "all"), range(1, RIGHT_SEEDS + 1)):
        assert o.status == 0, f"seed {seed}: {o.output}"


@pytest.mark.parametrize("bug", BUGS)
def test_a_run_that_shows_it_is_made_small(kernels, root, tmp_path, bug):
    elf, watch = program_of(kernels, "clang", bug)
    said = ""
    for tried, seed in enumerate(failing_seeds(kernels, "clang", bug)):
        first = kernels.sim(elf, *options(f"bug={bug}", *watch, "--record", tmp_path / "run"), cpus=2, seed=seed)
        done = subprocess.run([sys.executable, "tools/sim/fermata-sim", "shrink", tmp_path / "run", "-o", tmp_path / "small"],
                              cwd=root, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout
        switches = [line for line in (tmp_path / "small").read_text().splitlines() if line.startswith("switch ")]
        said += f"seed {seed}: {done.stdout}"
        if len(switches) <= SWITCHES_MAX:
            small = subprocess.run([elf, "--replay", tmp_path / "small"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, cwd=root)
            assert small.returncode == first.returncode
            return
        if tried + 1 == TRIED:
            break
    pytest.fail(said)
