"""A thousand generated scenarios on one CPU come to the same order of decisions on the simulator and on QEMU's boards; a
difference that is planted in one of them is seen."""

import re

import pytest

PROGRAM = "tests/sim/differ.c"
SCENES = 1000
PLANTED = 617


def orders(said):
    """Scene -> a hash over what its tasks did, in order, and how many things these are."""
    found = {int(scene): rest for scene, rest in re.findall(r"^scene (\d+) ([0-9a-f]{16} \d+)\r?$", said, re.M)}
    assert sorted(found) == list(range(1, SCENES + 1)), said[-2000:]
    return found


@pytest.fixture(scope="module")
def here(kernels):
    """By two seeds, whose hints and timers are late by other amounts."""
    elf = kernels.elf("sim", "clang", PROGRAM)
    first, second = (orders(kernels.sim(elf, "--cmdline", "trace=off", cpus=1, seed=seed).stdout) for seed in (1, 2))
    assert first == second
    return first


def test_the_scenarios_are_not_all_alike(here):
    assert len(set(here.values())) > SCENES * 9 // 10


@pytest.mark.parametrize("board", ["pc", "virt"])
def test_boards_decide_in_the_same_order(kernels, here, board):
    result = kernels.run(board, kernels.elf(board, "clang", PROGRAM), "--icount", "--append", "trace=off", cpus=1)
    assert result.returncode == 0, result.stdout[-2000:]
    there = orders(result.stdout)
    different = [scene for scene in here if here[scene] != there[scene]]
    assert not different, f"scenes {different[:10]}; `show=N` on the command line lists what is done in one"


def test_a_planted_difference_is_seen(kernels, here):
    elf = kernels.elf("sim", "clang", PROGRAM)
    there = orders(kernels.sim(elf, "--cmdline", f"trace=off planted={PLANTED}", cpus=1).stdout)
    assert [scene for scene in here if here[scene] != there[scene]] == [PLANTED]
