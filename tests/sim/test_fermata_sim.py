"""fermata-sim: runs repeat to the last byte of their traces, saved ones too; sweeps resume; failing runs
shrink; mistakes are named."""

import filecmp
import json
import os
import random
import re
import subprocess
import sys

import pytest

PROGRAM = "tools/sim/fermata-sim"
STRATEGIES = ["time", "random", "every", "pct", "bounded"]
ORDERS = "tests/sim/planted_orders.c"
LOST = "tests/sim/lost_update.c"
SEEDS_MAX = 4000  # within which the planted lost update shows


def fermata_sim(root, *words, status=0):
    result = subprocess.run([sys.executable, PROGRAM, *map(str, words)], cwd=root, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert result.returncode == status, f"{' '.join(map(str, words))}: {result.returncode}\n{result.stdout}"
    return result.stdout


def same_files(a, b):
    names = sorted(p.name for p in a.iterdir())
    assert names and names == sorted(p.name for p in b.iterdir())
    told = [re.sub("\trun = .*\n", "", (folder / "metadata").read_text()) for folder in (a, b)]
    names.remove("metadata")  # says how the trace was made, which differs
    return told[0] == told[1] and filecmp.cmpfiles(a, b, names, shallow=False)[0] == names


@pytest.mark.quick
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("program, cpus", [("tests/unit/task/tasks.c", 4), ("tests/unit/task/preemption.c", 1),
                                           ("tests/unit/async/waits.c", 3)])
def test_a_saved_run_repeats(kernels, root, tmp_path, strategy, program, cpus):
    elf = kernels.elf("sim", "clang", program)
    first = kernels.sim(elf, "--strategy", strategy, "--record", tmp_path / "run", "--trace", tmp_path / "a", cpus=cpus, seed=5)
    again = subprocess.run([elf, "--replay", tmp_path / "run", "--trace", tmp_path / "b"], cwd=root, text=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert first.returncode == again.returncode == 0, again.stdout
    assert same_files(tmp_path / "a", tmp_path / "b")
    counts = re.compile(r"events=\d+ virtual_ns=\d+ switches=\d+")
    assert counts.search(first.stdout)[0] == counts.search(again.stdout)[0]


def test_input_is_part_of_a_saved_run(kernels, root, tmp_path):
    elf = kernels.elf("sim")
    first = kernels.sim(elf, "--strategy", "random", "--record", tmp_path / "run", stdin="help\ntask\nshutdown\n")
    again = subprocess.run([elf, "--replay", tmp_path / "run"], cwd=root, text=True, stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert "spawn" in first.stdout and not first.returncode  # in the answer to help
    assert re.sub("hash=.*", "", again.stdout) == re.sub("hash=.*", "", first.stdout)


@pytest.mark.quick
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_one_seed_is_one_execution(kernels, tmp_path, strategy):
    """Twice, in another environment, and at other addresses of the host's stack and heap."""
    elf = kernels.elf("sim", "clang", "tests/unit/task/preemption.c")
    large = {**os.environ, "PADDING": "x" * 100_000}
    ways = [([], None), ([], None), ([], large), (["setarch", "-R"], None), (["setarch", "-R"], large)]
    hashes = set()
    for number, (prefix, environment) in enumerate(ways):
        result = subprocess.run([*prefix, elf, "--seed", "11", "--strategy", strategy, "--trace", tmp_path / str(number)],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=environment)
        assert result.returncode == 0, result.stderr
        hashes.add(result.stderr)
        assert same_files(tmp_path / "0", tmp_path / str(number))
    assert len(hashes) == 1


@pytest.fixture(scope="module")
def failing(kernels, root, tmp_path_factory):
    """A saved run in which the planted bug shows."""
    folder = tmp_path_factory.mktemp("failing")
    kernels.elf("sim", "clang", LOST)
    said = fermata_sim(root, "sweep", "--app", LOST, "--cpus", 2, "--strategy", "random", "--seeds", f"1-{SEEDS_MAX}",
                       "--save", folder, "--stop-after", 1, status=1)
    assert "not 2 * ROUNDS" in said
    return next(folder.iterdir())


@pytest.mark.quick
def test_a_failing_run_shrinks(root, failing, tmp_path):
    small = tmp_path / "small.run"
    fermata_sim(root, "shrink", failing, "-o", small)
    switches = [line for line in small.read_text().splitlines() if line.startswith("switch ")]
    before = sum(line.startswith("switch ") for line in failing.read_text().splitlines())
    assert len(switches) < before
    assert "not 2 * ROUNDS" in fermata_sim(root, "replay", small, status=1)
    # each is needed
    for gone in switches:
        lines = [line for line in small.read_text().splitlines() if line != gone]
        (tmp_path / "less.run").write_text("\n".join(lines) + "\n")
        less = fermata_sim_status(root, "replay", tmp_path / "less.run")
        assert less != 1, gone


def fermata_sim_status(root, *words):
    return subprocess.run([sys.executable, PROGRAM, *map(str, words)], cwd=root, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT).returncode


def test_what_does_not_fail_does_not_shrink(kernels, root, tmp_path):
    kernels.elf("sim", "clang", LOST)
    fermata_sim(root, "run", "--app", LOST, "--cpus", 1, "--save", tmp_path / "good.run")
    assert "does not fail" in fermata_sim(root, "shrink", tmp_path / "good.run", status=1)


def test_who_waits_is_told_when_nothing_goes_on(kernels, root, tmp_path):
    """Two tasks, each of which has the mutex that the other wants: with the lines at which they wait, in a saved run as well."""
    elf, bug = kernels.elf("sim", "clang", ORDERS), "bug=crossed_mutexes"
    seed = next(n for n in range(1, 100) if kernels.sim(elf, "--strategy", "random", "--cmdline", bug, cpus=2, seed=n).returncode)
    words = ["--app", ORDERS, "--cpus", 2, "--seed", seed, "--strategy", "random", "--cmdline", bug]
    for said in (fermata_sim(root, "run", *words, "--save", tmp_path / "run", status=102), fermata_sim(root, "replay", tmp_path / "run", status=102)):
        assert re.search(r"^sim: no progress: (.*\n)*sim: again: ", said, re.M), said
        if os.uname().machine == "x86_64":
            places = re.findall(r"^  task \d side \(fifo 16, waiting: mutex\)\n    #0 crossed_mutexes (tests\S+):(\d+)\n    #1 side_run ", said, re.M)
            assert len(places) == 2, said
            assert all("AWAIT" in (root / file).read_text().splitlines()[int(line) - 1] for file, line in places), places
            assert "(fifo 16, waiting: join)" in said


@pytest.mark.quick
@pytest.mark.parametrize("program, cmdline, typed, status", [(ORDERS, "bug=crossed_mutexes", "", 102), (ORDERS, "bug=lost_update only=planted", "", 1),
                                                             ("tests/sim/driven.c", "only=uart_echo", "hello", 102)])
def test_a_run_that_fails_says_how_it_is_done_again(kernels, root, program, cmdline, typed, status):
    elf = kernels.elf("sim", "clang", program)
    runs = (kernels.sim(elf, "--strategy", "random", "--cmdline", cmdline, *(["--device", "pl011"] if typed else []), cpus=2, seed=seed,
                        stdin=typed) for seed in range(1, 100))
    first = next(run for run in runs if run.returncode)
    assert first.returncode == status, first.stdout
    line = re.search(r"^sim: again: (.*)$", first.stdout, re.M)[1]
    again = subprocess.run(line, shell=True, cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert (again.returncode, again.stdout) == (status, first.stdout.replace(line, re.search(r"^sim: again: (.*)$", again.stdout, re.M)[1]))
    assert not typed or f"--input {typed.encode().hex()}" in line


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_a_sweep_resumes(kernels, root, tmp_path, suffix):
    kernels.elf("sim", "clang", "tests/sim/two_adders.c")
    sweep = ["sweep", "--app", "tests/sim/two_adders.c", "--cmdline", "right", "--cpus", 2, "--seeds", "1-12"]
    whole, parts = tmp_path / f"whole.{suffix}", tmp_path / f"parts.{suffix}"
    fermata_sim(root, *sweep, "--out", whole)
    text = whole.read_text()
    assert len(text.splitlines()) == 12 + (suffix == "csv")
    for _ in range(3):
        parts.write_text(text[:random.Random(len(text)).randrange(200, len(text))])
        fermata_sim(root, *sweep, "--out", parts)
        assert parts.read_text() == text
    if suffix == "jsonl":
        assert [json.loads(line)["seed"] for line in text.splitlines()] == list(range(1, 13))
    assert "was made with cpus 2, not 3" in fermata_sim(root, *sweep[:3], "--cpus", 3, "--seeds", "1-2", "--out", whole, status=2)
    for more in (["--cmdline", "wrong"], ["--fault", "timer-late=3"], ["--mean", 5]):
        assert "was made with options " in fermata_sim(root, *sweep, *more, "--out", whole, status=2)


MISTAKES = [
    (["run", "--elf", "nowhere"], "nowhere is not there; `make kernel BOARD=sim` builds kernels"),
    (["run", "--app", "nowhere.c"], "nowhere.c is not there; --app wants a C file"),
    (["sweep", "--seeds", "9-1"], "9-1: give a number or a range"),
    (["sweep", "--seeds", "1-2", "--out", "rows.txt"], "give a name that ends in .jsonl or .csv"),
    (["sweep", "--seeds", "1", "--strategy", "luck"], "--strategy names no strategy; there are time, random, every, pct, bounded"),
    (["sweep", "--seeds", "1", "--out", "nowhere/rows.csv"], "nowhere/rows.csv: No such file or directory"),
    (["run", "--elf", "Makefile"], "Makefile: Permission denied; `make kernel BOARD=sim` builds one"),
    (["run", "--save", "nowhere/x.run"], "--save nowhere/x.run: there is no folder nowhere; make it first"),
    (["run", "--trace", "nowhere/x/y"], "--trace nowhere/x/y: there is no folder nowhere/x; make it first"),
    (["run", "--cpus", "65"], "argument --cpus: 65 is more than 64"),
    (["run", "--board", "pc"], "--board pc runs scenarios only: give --scenario FILE, and no --save"),
    (["run", "--device", "floppy"], "--device names no device; there are pl011, "),
    (["debug", "--port", "65536"], "argument --port: 65536 is more than 65535"),
    (["replay", "Makefile"], "has no line `program`, so it is no saved run"),
    (["replay", "nowhere.run"], "nowhere.run: No such file or directory; `fermata-sim run --save FILE`"),
]


@pytest.mark.parametrize("words, said", MISTAKES, ids=[" ".join(words) for words, _ in MISTAKES])
def test_mistakes_are_named(kernels, root, words, said):
    kernels.elf("sim")
    assert said in fermata_sim(root, *words, status=2)


@pytest.mark.parametrize("old, new, said", [
    ("strategy replay", "strategy luck", ":8: strategy names no strategy"),
    ("seed 1", "sed 1", ":4: sed is no option that such a file may have"),
    ("build ", "build 0", ":3: build is another one: the file was made with another build of the kernel"),
    ("cpus 2", "cpus two", ":4: cpus wants a number from 1 to 64"),
])
def test_damaged_files_are_named(kernels, root, tmp_path, old, new, said):
    kernels.elf("sim", "clang", "tests/sim/two_adders.c")
    fermata_sim(root, "run", "--app", "tests/sim/two_adders.c", "--cmdline", "right", "--cpus", 2, "--save", tmp_path / "r.run")
    (tmp_path / "r.run").write_text((tmp_path / "r.run").read_text().replace(old, new, 1))
    answer = fermata_sim(root, "replay", tmp_path / "r.run", status=2)
    assert re.sub(r":\d+:", ":", said) in re.sub(r":\d+:", ":", answer), answer


@pytest.mark.quick
def test_a_sweep_from_the_mark_shows_each_seed_that_fails(kernels, root):
    kernels.elf("sim", "clang", "tests/sim/small.c")
    words = ["sweep", "--app", "tests/sim/small.c", "--cpus", 2, "--strategy", "random", "--seed-from", "mark"]
    said = fermata_sim(root, *words, "--seeds", "1-5000", "--jobs", 2, status=1)
    seeds = [int(seed) for seed in re.findall(r"^seed (\d+): status 1", said, re.M)]
    assert f"5000 seeds, {len(seeds)} failed" in said and seeds == sorted(set(seeds))
    again = re.search("The first again: (.*)", said)[1].split()
    assert again[-1] == str(seeds[0])
    assert fermata_sim_status(root, *again[1:]) == 1
    assert "5000 seeds, 0 failed" in fermata_sim(root, *words, "--seeds", "1-5000", "--cmdline", "right")
