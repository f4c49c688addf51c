"""Every unit program below this folder, on the simulator, with both compilers.

A unit program is a C file with TESTS_MAIN (test.h). Its first comment may say what it wants:
"cpus: 1 4" and "seeds: 20"; without, it runs on 1 and 4 CPUs with one seed.
"""

import re
from pathlib import Path

import pytest

EVENTS_MAX = 5_000_000_000  # a program that goes on for ever ends with status 103

HERE = Path(__file__).resolve().parent
PROGRAMS = sorted(p for p in HERE.rglob("*.c") if "TESTS_MAIN" in p.read_text())


def wanted(text, word, otherwise):
    found = re.search(rf"^ \* {word}: ([0-9 ]+)$", text.split("*/")[0], re.M)
    return [int(n) for n in found[1].split()] if found else otherwise


def cases():
    for program in PROGRAMS:
        text = program.read_text()
        for cc in ("clang", "gcc"):
            for cpus in wanted(text, "cpus", [1, 4]):
                name = f"{program.stem}-{cc}-{cpus}"
                marks = [pytest.mark.quick] if cc == "clang" else []
                yield pytest.param(program, cc, cpus, wanted(text, "seeds", [1])[0], id=name,
                                   marks=marks)


@pytest.mark.parametrize("program, cc, cpus, seeds", cases())
def test_unit(kernels, root, program, cc, cpus, seeds):
    elf = kernels.elf("sim", cc, str(program.relative_to(root)))
    for seed in range(1, seeds + 1):
        result = kernels.sim(elf, "--max-events", EVENTS_MAX, cpus=cpus, seed=seed)
        said = re.search(r"^tests: (\d+) ran, (\d+) failed", result.stdout, re.M)
        assert result.returncode == 0 and said and int(said[1]), \
            f"{result.command}\nleft with {result.returncode}:\n{result.stdout}"


def untraced_cases():
    for program in PROGRAMS:
        if program.parent.name in ("task", "sched", "async"):
            for cpus in wanted(program.read_text(), "cpus", [1, 4]):
                for strategy, shards in (("time", 1), ("random", 1), *([("random", cpus)] if cpus > 1 else [])):
                    yield pytest.param(program, cpus, strategy, shards, marks=[pytest.mark.quick],
                                       id=f"{program.stem}-{cpus}-{strategy}{'-shards' if shards > 1 else ''}")


@pytest.mark.parametrize("program, cpus, strategy, shards", untraced_cases())
def test_unit_without_a_trace(kernels, root, program, cpus, strategy, shards):
    """The executor has ways that it takes only while nothing is recorded, and some only with one shard."""
    elf = kernels.elf("sim", "clang", str(program.relative_to(root)))
    result = kernels.sim(elf, "--strategy", strategy, "--cmdline", f"trace=off shards={shards}", "--max-events", EVENTS_MAX, cpus=cpus)
    assert result.returncode == 0, f"{result.command}\nleft with {result.returncode}:\n{result.stdout}"


def test_names_of_programs_are_unique():
    """A program's objects lie in a folder named after the file alone."""
    names = [p.stem for p in HERE.parent.rglob("*.c") if "app_main" in p.read_text()
             or "TESTS_MAIN" in p.read_text()]
    assert len(names) == len(set(names)), sorted(n for n in names if names.count(n) > 1)
