"""fermata-sim explore --bound: all schedules with few switches, each of which repeats by itself."""

import platform
import re
import signal
import subprocess
import sys

import pytest

ADDERS = "tests/sim/two_adders.c"


def bounded(root, *words, status=0):
    result = subprocess.run([sys.executable, "tools/sim/fermata-sim", "explore", *map(str, words)], cwd=root,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert result.returncode == status, f"{' '.join(map(str, words))}: {result.returncode}\n{result.stdout}"
    return result.stdout


def counts(said):
    found = re.search(r"explore: ([\d,]+) schedules .*; ([\d,]+) places for the first one; ([\d,]+) fail", said)
    return [int(n.replace(",", "")) for n in found.groups()]


@pytest.mark.quick
def test_one_switch_finds_the_lost_update(root, tmp_path):
    said = bounded(root, ADDERS, "--bound", 1, "--cpus", 2, "--save", tmp_path / "run", status=1)
    schedules, places, failed = counts(said)
    assert schedules == places + 1 and places > 1000 and 0 < failed < 20
    again = subprocess.run([sys.executable, "tools/sim/fermata-sim", "replay", tmp_path / "run"], cwd=root, text=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert again.returncode == 1 and "not ok adds_are_kept" in again.stdout
    assert re.search(r"explore: the first that fails: .*two_adders.c:\d+: .* is 1, not 2", said)
    assert len(re.findall(r"^switch ", (tmp_path / "run").read_text(), re.M)) == 1


@pytest.mark.quick
def test_no_switch_finds_nothing_and_the_right_program_is_clean(root):
    assert counts(bounded(root, ADDERS, "--bound", 0, "--cpus", 2)) == [1, 0, 0]
    assert counts(bounded(root, ADDERS, "--bound", 1, "--cpus", 2, "--cmdline", "right"))[2] == 0


@pytest.mark.quick
def test_two_switches_and_an_end(root, tmp_path):
    """Ended by the third failure, long before the million schedules are through."""
    words = (ADDERS, "--bound", 2, "--cpus", 2, "--from", "adder", "--stop-after", 3, "--save", tmp_path / "run")
    said = bounded(root, *words, status=1)
    assert counts(said)[2] == 3 and "so far" in said and "covered: a part of" in said
    assert counts(said) == counts(bounded(root, *words, status=1))
    assert len(re.findall(r"^switch ", (tmp_path / "run").read_text(), re.M)) in (1, 2)


@pytest.mark.quick
def test_more_cpus_are_more_ways(root):
    two, three = (counts(bounded(root, ADDERS, "--bound", 1, "--cpus", n, "--from", "adder", status=1)) for n in (2, 3))
    assert three[0] - 1 > three[1]
    assert two[0] - 1 == two[1]


@pytest.mark.quick
def test_the_machine_is_put_back(kernels, root, tmp_path):
    """The plain schedule comes last, after thousands of others: it is what it is when it is alone."""
    elf = kernels.elf("sim", "clang", ADDERS)
    alone = kernels.sim(elf, "--explore", 0, "--from", "0-ffffffff", cpus=2)
    table = subprocess.run(["nm", "-S", elf], stdout=subprocess.PIPE, text=True).stdout
    at, size = next((int(r[0], 16), int(r[1], 16)) for r in map(str.split, table.splitlines()) if r[-1] == "adder")
    after = kernels.sim(elf, "--explore", 1, "--from", f"{at:x}-{at + size:x}", cpus=2)
    plain = tmp_path / "plain"
    kernels.sim(elf, "--strategy", "bounded", "--depth", 1, "--length", 1 << 40, "--record", plain, cpus=2)
    assert "switch" not in plain.read_text()
    hashes = {re.search(r"hash=(\w+)", run.stdout)[1] for run in (alone, after)}
    assert len(hashes) == 1 and "explored 1 schedules" in alone.stdout and "explored 1 schedules" not in after.stdout


@pytest.mark.quick
@pytest.mark.parametrize("words, says", [
    ([ADDERS, "--bound", 1, "--from", "nobody"], "there is no function nobody"),
    ([ADDERS, "--bound", 1, "--cpus", 2, "--from", "panic"], "is never reached"),
    ([ADDERS, "--bound", 9], "8 switches are the most"),
    ([ADDERS, "--bound", 1, "--max", 5], "--bound for kernels"),
    (["tests/sim/none.c", "--bound", 1], "is not there"),
])
def test_mistakes_are_named(root, words, says):
    assert says in bounded(root, *words, status=2)


CHEATS = "tests/sim/cheats.c"


@pytest.mark.quick
def test_who_leaves_early_is_not_believed(kernels):
    """With status 0 in each schedule in which the tasks meet: only --whole tells that nobody had looked by then."""
    elf = kernels.elf("sim", "clang", CHEATS)
    table = [r.split() for r in subprocess.run(["nm", "-S", elf], stdout=subprocess.PIPE, text=True).stdout.splitlines()]
    at, size = next((int(r[0], 16), int(r[1], 16)) for r in table if r[-1] == "alone")
    held = next(r[0] for r in table if r[-1] == "tests_held")
    words = ("--explore", 1, "--from", f"{at:x}-{at + size:x}")
    seen, believed, caught = (kernels.sim(elf, *words, *more, cpus=2) for more in (
        (), ("--cmdline", "leaves"), ("--cmdline", "leaves", "--whole", held)))
    assert seen.returncode == 1 and "; 0 fail" not in seen.stdout
    assert believed.returncode == 0 and "; 0 fail" in believed.stdout
    assert caught.returncode == 1 and re.search(r"status 0: [1-9]\d* schedules", caught.stdout)


@pytest.mark.quick
@pytest.mark.skipif(platform.machine() != "x86_64", reason="the program's instruction is one of x86_64")
def test_a_kernel_makes_no_system_calls(kernels):
    elf = kernels.elf("sim", "clang", CHEATS)
    free, confined = (kernels.sim(elf, "--cmdline", "asks", *more) for more in ((), ("--confine",)))
    assert free.returncode == 0 and "tests:" not in free.stdout
    assert confined.returncode == -signal.SIGSYS
    honest = kernels.sim(elf, "--confine")
    assert honest.returncode == 0 and "tests: 1 ran, 0 failed" in honest.stdout
