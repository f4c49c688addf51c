#!/usr/bin/env python3
"""Planted bugs, and who must find each of them.

A mutant is a small wrong edit of the kernel. It is built in a copy of the tree under
build/mutants/, with the objects of the right kernel, so that only what it touches is compiled
again, and run with one seed after another until something notices: a scheduling rule
(fermata-trace check), a test of the program that runs, the simulator (nothing can happen any
more) or the kernel itself (a panic). The right kernel must come clean out of the same runs.

    mutants.py list              the table
    mutants.py run NAME...       build and run these; without names, all
    mutants.py clean NAME...     the right kernel under the runs of these
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
WORK = ROOT / "build" / "mutants"
CHECK = ROOT / "build" / "tools" / "fermata-trace"
STALL_S = 120
EVENTS_MAX = 50_000_000

# What the kernel's exit status says.
STATUS = {1: "test", 101: "panic", 102: "no-progress", 103: "no-end", 104: "simulator", 105: "watch"}

RANDOM = "tests/unit/runs/random_tasks.c"
TASKS = "tests/unit/task/tasks.c"
PREEMPTION = "tests/unit/task/preemption.c"
COSTS = "tests/unit/task/costs.c"
SHORT = "tests/unit/task/short_ways.c"
SERVICE = "tests/unit/sched/service.c"
CHANNELS = "tests/unit/async/channels.c"
MESSAGES = "tests/unit/async/messages.c"
SELECTS = "tests/unit/async/selects.c"
TOPICS = "tests/unit/async/topics.c"
WAITS = "tests/unit/async/waits.c"


@dataclass(frozen=True)
class Runs:
    """Which executions of which program."""
    program: str = RANDOM
    board: str = "sim"
    cc: str = "gcc"
    cpus: int = 4
    strategy: str = "random"
    seeds: int = 40
    only: str = ""  # of the program's tests
    words: str = ""  # more for the kernel's command line, on the simulator
    events: int = EVENTS_MAX
    watch: bool = False  # with the simulator's checkers
    judged: bool = True  # by its trace, too: not where the recorder is off now and then

    target = "kernel"
    in_its_tree = False

    @property
    def app(self):
        return self.program

    @property
    def image(self):
        return "raspi" if self.board.startswith("raspi") else self.board

    @property
    def tree(self):
        return f"build/{self.image}-{self.cc}"

    @property
    def elf(self):
        return f"{self.tree}/app-{Path(self.program).stem}/kernel.elf"

    def command(self, elf, seed, trace):
        # As many shards as CPUs, unless it says otherwise: there is most to get wrong.
        shards = "" if "shards=" in self.words else f"shards={self.cpus}"
        line = " ".join(word for word in (f"only={self.only}" if self.only else "", self.words, shards) if word)
        if self.board == "sim":
            return [f"./{elf}", "--cpus", self.cpus, "--seed", seed, "--strategy", self.strategy,
                    "--max-events", self.events, "--trace", trace, "--cmdline", line] + (
                        ["--watch", "all"] if self.watch else [])
        # By the count of instructions: where the host takes a second of its own, a hard budget pays for it for minutes.
        return [sys.executable, "tools/run", "--board", self.board, "--cpus", self.cpus, "--icount", "--elf",
                elf, "--append", f"set={seed} {shards}", "--trace", trace, "--timeout", 10]


@dataclass(frozen=True)
class Explores(Runs):
    """All executions of a program of tests/explore/: `test` when one is wrong."""
    cc: str = "clang"
    seeds: int = 1
    judged: bool = False

    @property
    def elf(self):
        return f"{self.tree}/app-{Path(self.program).stem}/explore.elf"

    target = elf

    def command(self, elf, seed, trace):
        return [f"./{elf}"]


@dataclass(frozen=True)
class Models(Explores):
    """The tests of the models of devices, which need no kernel and run as those programs do."""
    program: str = "tests/sim/models.c"
    elf = "build/sim-clang/app-models/models.elf"
    target = elf


@dataclass(frozen=True)
class Races(Explores):
    """The race detector beside a simple one, over random histories."""
    program: str = "tests/sim/races.c"
    elf = "build/sim-clang/app-races/races.elf"
    target = elf

    def command(self, elf, seed, trace):
        return [f"./{elf}", 20_000]


@dataclass(frozen=True)
class Driven(Runs):
    """Drivers against the models, on the simulator."""
    program: str = "tests/sim/driven.c"
    cc: str = "clang"
    cpus: int = 2
    seeds: int = 5
    events: int = 5_000_000
    watch: bool = True
    judged: bool = False
    faults: tuple = ()  # as --fault takes them

    def command(self, elf, seed, trace):
        return [*super().command(elf, seed, trace), "--device", "all", *(word for fault in self.faults for word in ("--fault", fault))]


@dataclass(frozen=True)
class Tested(Runs):
    """One of the tests that pytest runs, in a tree of its own: `test` when it fails."""
    cc: str = "clang"
    seeds: int = 1
    judged: bool = False

    app = ""
    in_its_tree = True

    @property
    def elf(self):
        return f"{self.tree}/kernel.elf"

    def command(self, elf, seed, trace):
        return [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"{Path(elf).parents[2]}/{self.program}",
                "-k", self.only]


@dataclass(frozen=True)
class Mutant:
    name: str
    why: str
    edits: tuple  # of (file, old text, new text)
    caught_by: str  # rules, names of STATUS, "stall", "leave": any of these words
    runs: Runs = Runs()


class Problem(Exception):
    """The mutant could not be made, built or run."""


def make(tree, runs, *words):
    result = subprocess.run(["make", "--no-print-directory", f"BOARD={runs.board}", f"CC={runs.cc}",
                             f"APP={runs.app}", *words], cwd=tree, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if result.returncode:
        raise Problem(f"make in {tree}:\n{result.stdout}")


def apply(edits, tree):
    for file, old, new in edits:
        text = (tree / file).read_text()
        if text.count(old) != 1:
            raise Problem(f"{file} has the text to be changed {text.count(old)} times, not once:\n{old}")
        (tree / file).write_text(text.replace(old, new))


def copy_tree(runs, to):
    """The sources that a kernel is made of, and its objects; newer stays newer."""
    if to.exists():
        shutil.rmtree(to)
    (to / "tests").mkdir(parents=True)
    shutil.copy2(ROOT / "Makefile", to)
    shutil.copy2(ROOT / "tests" / "conftest.py", to / "tests")
    for folder in ("kernel", "sim", "tools"):
        shutil.copytree(ROOT / folder, to / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("unit", "explore", "sim", "system", "bench"):
        shutil.copytree(ROOT / "tests" / folder, to / "tests" / folder, ignore=shutil.ignore_patterns("__pycache__"))
    others = shutil.ignore_patterns("app-*", "*.elf", "*.img", "stage1*", "lock", "base", "iso*")
    for folder in ("kernel", "engine"):
        if (ROOT / runs.tree / folder).exists():
            shutil.copytree(ROOT / runs.tree / folder, to / runs.tree / folder)
    for file in (ROOT / runs.tree).iterdir():
        if file.is_file() and not others(str(ROOT), [file.name]):
            shutil.copy2(file, to / runs.tree)


def build(mutant):
    tree = WORK / mutant.name
    copy_tree(mutant.runs, tree)
    apply(mutant.edits, tree)
    make(tree, mutant.runs, mutant.runs.target)
    if mutant.runs.in_its_tree:
        return (tree / mutant.runs.elf).relative_to(ROOT)
    kept = WORK / f"{mutant.name}-kernel"
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree((tree / mutant.runs.elf).parent, kept)
    shutil.rmtree(tree)
    return (kept / Path(mutant.runs.elf).name).relative_to(ROOT)


def quoted(command):
    return " ".join(str(word) for word in command)


def seen_in(runs, elf, seed, trace):
    """What one run shows: (set of words, text). No words: nothing was wrong."""
    shutil.rmtree(ROOT / trace, ignore_errors=True)
    command = [str(word) for word in runs.command(elf, seed, trace)]
    try:
        run = subprocess.run(command, cwd=ROOT, text=True, errors="replace", stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=STALL_S)
        status, said = run.returncode, run.stdout
    except subprocess.TimeoutExpired as late:
        status, said = 124, (late.stdout or b"").decode(errors="replace")
    words = set()
    if status:
        words.add("stall" if status in (124, 125) else STATUS.get(status, f"status-{status}"))
    if "not ok " in said:
        words.add("test")
    if not runs.judged or not (ROOT / trace).exists():
        return words, said
    check = subprocess.run([CHECK, "check", "--max", "20", trace], cwd=ROOT, text=True, errors="replace",
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if check.returncode:
        words |= set(re.findall(r"^([A-Z]\d*[a-z]?) at ", check.stdout, re.M)) or {"trace"}
        said += check.stdout
    return words, said


def first_fault(said):
    for line in said.splitlines():
        if re.match(r"[A-Z]\d*[a-z]? at |not ok |kernel panic|sim: no progress|sim: stopped|explore: ", line):
            return line
    return (said.splitlines() or ["nothing was said"])[-1]


def hunt(mutant, elf):
    """Runs until the mutant is caught; one line that says how and repeats it."""
    trace = (WORK / f"{mutant.name}.trace").relative_to(ROOT)
    expected = set(mutant.caught_by.split())
    try:
        for seed in range(1, mutant.runs.seeds + 1):
            words, said = seen_in(mutant.runs, elf, seed, trace)
            if words & expected:
                found = " ".join(sorted(words & expected))
                return (f"{mutant.name}: caught by {found} at seed {seed}: {first_fault(said)} -- "
                        f"{quoted(mutant.runs.command(elf, seed, trace))}")
            if words:
                raise Problem(f"{mutant.name}: seed {seed} shows {sorted(words)}, not one of "
                              f"{sorted(expected)}:\n{said[-3000:]}")
        raise Problem(f"{mutant.name}: survived {mutant.runs.seeds} seeds: "
                      f"{quoted(mutant.runs.command(elf, '1...', trace))}")
    finally:
        shutil.rmtree(ROOT / trace, ignore_errors=True)
        shutil.rmtree(WORK / mutant.name, ignore_errors=True)


def prepare(runs):
    """The right kernel and the tool that checks, up to date."""
    make(ROOT, runs, runs.target, "tools")


def catch(mutant):
    return hunt(mutant, build(mutant))


def come_clean(runs):
    """The right kernel shows nothing in any of these runs."""
    WORK.mkdir(parents=True, exist_ok=True)
    trace = WORK.relative_to(ROOT) / f"clean-{os.getpid()}-{runs.board}-{Path(runs.program).stem}.trace"
    for seed in range(1, runs.seeds + 1):
        words, said = seen_in(runs, runs.elf, seed, trace)
        if words:
            raise Problem(f"the right kernel shows {sorted(words)}: "
                          f"{quoted(runs.command(runs.elf, seed, trace))}\n{said[-3000:]}")
    shutil.rmtree(ROOT / trace, ignore_errors=True)


def main():
    from table import MUTANTS
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("list", "run", "clean"))
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    known = {m.name: m for m in MUTANTS}
    for name in args.names:
        if name not in known:
            parser.error(f"there is no mutant {name}; `mutants.py list` shows them")
    chosen = [known[name] for name in args.names] or MUTANTS
    failed = 0
    for mutant in chosen:
        try:
            if args.what == "list":
                print(f"{mutant.name:28} {mutant.caught_by:16} {mutant.why}")
                continue
            prepare(mutant.runs)
            if args.what == "run":
                print(catch(mutant), flush=True)
            else:
                come_clean(mutant.runs)
                print(f"{mutant.name}: the right kernel is clean", flush=True)
        except Problem as problem:
            print(problem, flush=True)
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
