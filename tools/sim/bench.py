"""fermata-sim bench: how fast the simulator is on this machine, in CPU time of one core; and QEMU, where it can do
the same."""

import os
import resource
import subprocess
import sys

import runs

RATES = "tests/sim/rates.c"
SWITCHES, SWITCHES_QEMU = 100_000, 1_000_000  # of each of two tasks
BATCH = 500  # runs of one process
MEASURES = [  # (name, program, options, figure of an outcome and its CPU seconds)
    ("hook events, one CPU", "", ["--cpus", "1", "--cmdline", "demo=100"], lambda o, s: o.events / s),
    ("hook events, 4 CPUs side by side", "", ["--cmdline", "demo=100"], lambda o, s: o.events / s),
    ("hook events, 4 CPUs at random", "", ["--strategy", "random", "--cmdline", "demo=30"], lambda o, s: o.events / s),
    ("hook events, one CPU, --watch races", "", ["--cpus", "1", "--cmdline", "demo=10", "--watch", "races"], lambda o, s: o.events / s),
    ("hook events, one CPU, --watch memory", "", ["--cpus", "1", "--cmdline", "demo=10", "--watch", "memory"], lambda o, s: o.events / s),
    ("CPU switches, 4 CPUs at random", "", ["--strategy", "random", "--cmdline", "demo=30"], lambda o, s: o.switches / s),
    ("context switches, traced", RATES, ["--cpus", "1", "--cmdline", f"switches={SWITCHES}"], lambda o, s: 2 * SWITCHES / s),
    ("context switches, trace=off", RATES, ["--cpus", "1", "--cmdline", f"trace=off switches={SWITCHES}"], lambda o, s: 2 * SWITCHES / s),
    ("context switches, traced, --watch races", RATES, ["--cpus", "1", "--watch", "races", "--cmdline", f"switches={SWITCHES // 10}"],
     lambda o, s: SWITCHES / 5 / s),
    ("simulated seconds, one task that wakes each 10 ms", RATES, ["--cpus", "4", "--cmdline", "trace=off idle=500"], lambda o, s: o.virtual_ns / 1e9 / s),
    ("whole runs of tests/unit/task/tasks.c, a process each", "tests/unit/task/tasks.c", [], lambda o, s: 1 / s),
]
BATCHES = [
    ("boots with 100 tasks that end, in one process", ["--cpus", "1", "--cmdline", "tasks=100"]),
    ("boots with 2 CPUs and 2 tasks, in one process", ["--cpus", "2", "--strategy", "random", "--cmdline", "switches=1"]),
]


def children_s():
    use = resource.getrusage(resource.RUSAGE_CHILDREN)
    return use.ru_utime + use.ru_stime


def measure(elf, words, figure, seconds):
    best, spent = 0.0, 0.0
    while spent < seconds or not best:
        before = children_s()
        o = runs.start(elf, words)
        took = max(children_s() - before, 1e-6)
        best, spent = max(best, figure(o, took)), spent + took
    return best


def measure_batch(elf, words):
    """Runs a second, beginning and all."""
    before = children_s()
    batch = runs.Batch(elf, words)
    for seed in range(1, BATCH + 1):
        batch.run([f"seed {seed}"])
    batch.close()
    return BATCH / max(children_s() - before, 1e-6)


def measure_qemu(board, cc):
    """Context switches a second of QEMU's CPU time, less its start."""
    elf = runs.build(cc, RATES, board)

    def took(switches):
        before = children_s()
        subprocess.run([sys.executable, "tools/run", "--board", board, "--cpus", "1", "--elf", elf, "--append", f"switches={switches}"],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
        return children_s() - before

    return 2 * SWITCHES_QEMU / max(took(SWITCHES_QEMU) - took(1), 1e-6)


def main(args):
    os.chdir(runs.ROOT)
    for name, app, words, figure in MEASURES:
        show(measure(runs.build(args.cc, app), words, figure, args.seconds), name)
    for name, words in BATCHES:
        show(measure_batch(runs.build(args.cc, RATES), words), name)
    for board in args.boards or []:
        show(measure_qemu(board, args.cc), f"context switches, traced, of QEMU's {board}")
    return 0


def show(figure, name):
    print(f"{figure:14,.0f} /s  {name}", flush=True)
