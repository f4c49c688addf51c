"""The builds with SANITIZE: each sees what it is for, in a program with a planted bug, and nothing in the same one without."""

import os
import subprocess
import sys

import pytest

ASAN = 106
BOUNDS, HEAP = "tests/sim/planted_bounds.c", "tests/sim/planted_memory.c"
SEEN = [  # program, bug, status, what is said
    (BOUNDS, "global_overrun", ASAN, "global-buffer-overflow"),
    (BOUNDS, "stack_overrun", 101, "illegal instruction"),
    (BOUNDS, "signed_overflow", 101, "illegal instruction"),
    (HEAP, "written_after_free", ASAN, "use-after-poison"),
    (HEAP, "past_the_end", ASAN, "use-after-poison"),
]


def sanitized(kernels, how, program):
    kernels.make("kernel", "BOARD=sim", "CC=clang", f"SANITIZE={how}", f"APP={program}")
    return f"build/sim-clang-{how}/app-{os.path.basename(program)[:-2]}/kernel.elf"


@pytest.mark.parametrize("program, bug, status, says", SEEN, ids=[row[1] for row in SEEN])
def test_addresses(kernels, program, bug, status, says):
    elf = sanitized(kernels, "address", program)
    found = kernels.sim(elf, "--cmdline", f"bug={bug}", cpus=2)
    assert found.returncode == status and says in found.stdout, found.stdout
    assert bug in found.stdout or "side_run" in found.stdout, found.stdout  # in the back trace
    clean = kernels.sim(elf, "--cmdline", f"bug={bug} right", cpus=2)
    assert clean.returncode == 0, clean.stdout
    if program == BOUNDS:  # what the usual build does not see
        assert kernels.sim(kernels.elf("sim", "clang", program), "--watch", "memory", "--cmdline", f"bug={bug}", cpus=2).returncode != 105


@pytest.mark.parametrize("program", ["tests/unit/task/whose_fault.c", "tests/unit/task/preemption.c", "tests/unit/mm/kernel_heap.c"])
def test_abandoned_stacks_and_freed_memory_are_no_findings(kernels, program):
    """Also of many runs in one process, which are the same runs."""
    elf = sanitized(kernels, "address", program)
    alone = [kernels.sim(elf, "--strategy", "random", seed=seed) for seed in (1, 2)]
    for run in alone:
        assert run.returncode == 0, run.stdout
    batch = subprocess.run([elf, "--batch", "--cpus", "4", "--strategy", "random"], input="seed 1\nrun\nseed 2\nrun\n", text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for run in alone:
        summary = next(line for line in run.stdout.splitlines() if line.startswith("sim: seed="))
        assert summary in batch.stdout, batch.stdout


def test_valgrind_sees_what_nobody_set(kernels, root):
    """On a stack, where no other checker looks; the execution is the one without valgrind. The right program is clean."""
    elf = kernels.elf("sim", "clang", BOUNDS)
    for right, status in (("", 107), (" right", 0)):
        words = ["--elf", elf, "--cpus", "2", "--strategy", "random", "--cmdline", f"bug=local_unset{right}"]
        found = subprocess.run([sys.executable, "tools/sim/fermata-sim", "run", *words, "--valgrind"], cwd=root, text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert found.returncode == status, found.stdout
        assert ("depends on uninitialised value" in found.stdout and "local_unset" in found.stdout) == bool(status), found.stdout
        plain = kernels.sim(elf, "--strategy", "random", "--watch", "memory", "--cmdline", f"bug=local_unset{right}", "--ram", "112", cpus=2)
        assert plain.returncode == 0, plain.stdout
        assert next(line for line in plain.stdout.splitlines() if line.startswith("sim: seed=")) in found.stdout


def test_coverage(root):
    def lines(program):
        done = subprocess.run([sys.executable, "tools/sim/coverage", "--lines", "--seeds", "1", program], cwd=root, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout
        return done.stdout.split()

    without, by = (lines(program) for program in ("tests/unit/task/tasks.c", "tests/unit/task/hotplugs.c"))
    of_hotplug = [sum(line.startswith("kernel/task/hotplug.c:") for line in all) for all in (without, by)]
    assert of_hotplug[1] < of_hotplug[0] / 2


@pytest.mark.parametrize("words, says", [
    (["SANITIZE=memory"], "SANITIZE=memory: choose 1, address or coverage"),
    (["SANITIZE=coverage", "CC=gcc"], "SANITIZE=coverage is for CC=clang"),
    (["SANITIZE=address", "BOARD=pc"], "SANITIZE=address is for BOARD=sim"),
])
def test_mistakes(root, words, says):
    done = subprocess.run(["make", "kernel", "BOARD=sim", *words], cwd=root, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode and says in done.stdout
