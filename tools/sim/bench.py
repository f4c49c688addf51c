"""fermata-sim bench: how fast the simulator is on this machine, in CPU time of one core; and QEMU, where it can do
the same. `make bench BOARD=sim` prints the same figures as metrics."""

import os
import re
import resource
import subprocess
import sys
import time
from dataclasses import dataclass

import explore
import runs

RATES, SMALL, MCS, STEPS = "tests/sim/rates.c", "tests/sim/small.c", "tests/explore/mcs.c", "tests/sim/threads.c"
SWITCHES, SWITCHES_QEMU = 100_000, 1_000_000  # of each of two tasks
BATCH, SEEDS = 500, 200_000  # runs of one process


@dataclass
class Rate:
    name: str  # as a metric
    what: str
    measure: object  # (compiler, seconds to spend) -> the figure
    goal: float = 0
    unit: str = "1/s"

    def beside(self, value):
        if not self.goal:
            return self.what
        met = value <= self.goal if self.unit == "s" else value >= self.goal
        return f"{self.what}; goal {self.goal:,g}: {'met' if met else 'missed'}"


def children_s():
    use = resource.getrusage(resource.RUSAGE_CHILDREN)
    return use.ru_utime + use.ru_stime


def of_a_run(figure, app, *words):
    """The best of a few runs; @p figure: of an outcome and its CPU seconds."""
    def measure(cc, seconds):
        elf, best, spent = runs.build(cc, app), 0.0, 0.0
        while spent < seconds or not best:
            before = children_s()
            o = runs.start(elf, words)
            took = max(children_s() - before, 1e-6)
            if o.status:
                raise runs.Wrong(f"{elf} {' '.join(words)}: {o.status}\n{o.output}")
            best, spent = max(best, figure(o, took)), spent + took
        return best
    return measure


def of_a_batch(app, n, *words):
    """Runs a second of a process that does a range of seeds, beginning and all."""
    def measure(cc, seconds):
        elf, best, spent = runs.build(cc, app), 0.0, 0.0
        while spent < seconds or not best:
            before = children_s()
            batch = runs.Batch(elf, words)
            swept = batch.sweep(range(1, n + 1))
            batch.close()
            took = max(children_s() - before, 1e-6)
            if swept.failed:
                raise runs.Wrong(f"{elf} {' '.join(words)}: seed {swept.runs[0].seed} failed")
            best, spent = max(best, n / took), spent + took
        return best
    return measure


def explored(figure):
    """What the explorer tells of MCS; @p figure: of executions and CPU seconds."""
    def measure(cc, seconds):
        elf, best, spent = explore.build(cc, MCS), None, 0.0
        while spent < seconds or best is None:
            before = children_s()
            done = subprocess.run([elf], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)
            took = max(children_s() - before, 1e-6)
            value = figure(int(re.search(r"(\d+) executions", done.stdout)[1]), took)
            best = value if best is None else (max if value > 1 else min)(best, value)
            spent += took
        return best
    return measure


def bounded(cc, seconds):
    """Schedules of a whole kernel a second, as it tells itself."""
    import bounded as schedules
    elf = runs.build(cc, SMALL)
    words = ["--cpus", "2", "--explore", "1", "--from", schedules.part(elf, runs.Path(SMALL), "adder"), "--to", "0-0", "--max-events", "100000"]
    return max(int(re.search(r"(\d+) schedules/s", runs.start(elf, [*words, "--cmdline", "right"]).output)[1]) for _ in range(3))


def step_back(cc, _):
    """Seconds by the wall's clock of a step backwards, as GDB asks for it: half of the steps, at places all over a run, take less."""
    if os.uname().machine != "x86_64":
        return 0.0
    import debug
    command = [runs.build(cc, STEPS), "--cpus", "2", "--strategy", "random"]
    names, _ = debug.symbols_of(command[0])
    machine, took = debug.Machine(command, names, quiet=True), []
    try:
        for event in range(100_000, 1_000_000, 90_000):
            machine.land(event)
            for _ in range(6):
                begun = time.monotonic()
                machine.step_back()
                took.append(time.monotonic() - begun)
    finally:
        machine.close()
    return sorted(took)[len(took) // 2]


def of_qemu(board):
    """Context switches a second of QEMU's CPU time, less its start."""
    def measure(cc, _):
        elf = runs.build(cc, RATES, board)

        def took(switches):
            before = children_s()
            subprocess.run([sys.executable, "tools/run", "--board", board, "--cpus", "1", "--elf", elf, "--append", f"switches={switches}"],
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True, cwd=runs.ROOT)
            return children_s() - before

        return 2 * SWITCHES_QEMU / max(took(SWITCHES_QEMU) - took(1), 1e-6)
    return measure


def events(o, s):
    return o.events / s


def switches(n):
    return lambda o, s: 2 * n / s


RATES_HERE = [
    Rate("sim.hooks", "hook events, one CPU", of_a_run(events, "", "--cpus", "1", "--cmdline", "demo=100"), 400e6),
    Rate("sim.hooks.cpus4", "hook events, 4 CPUs side by side", of_a_run(events, "", "--cmdline", "demo=100")),
    Rate("sim.hooks.random4", "hook events, 4 CPUs at random", of_a_run(events, "", "--strategy", "random", "--cmdline", "demo=30")),
    Rate("sim.hooks.races", "hook events, one CPU, --watch races",
         of_a_run(events, "", "--cpus", "1", "--cmdline", "demo=10", "--watch", "races")),
    Rate("sim.hooks.memory", "hook events, one CPU, --watch memory",
         of_a_run(events, "", "--cpus", "1", "--cmdline", "demo=10", "--watch", "memory")),
    Rate("sim.cpu_switches", "CPU switches, 4 CPUs at random",
         of_a_run(lambda o, s: o.switches / s, "", "--strategy", "random", "--cmdline", "demo=30")),
    Rate("sim.switches", "context switches, traced with decisions",
         of_a_run(switches(SWITCHES), RATES, "--cpus", "1", "--cmdline", f"switches={SWITCHES}"), 5e6),
    Rate("sim.switches.brief", "context switches, traced without the candidates of decisions",
         of_a_run(switches(SWITCHES), RATES, "--cpus", "1", "--cmdline", f"trace=brief switches={SWITCHES}"), 5e6),
    Rate("sim.switches.untraced", "context switches, trace=off",
         of_a_run(switches(SWITCHES), RATES, "--cpus", "1", "--cmdline", f"trace=off switches={SWITCHES}")),
    Rate("sim.switches.races", "context switches, traced, --watch races",
         of_a_run(switches(SWITCHES), RATES, "--cpus", "1", "--watch", "races", "--cmdline", f"switches={SWITCHES}"), 2e6),
    Rate("sim.switches.races.cpus4", "context switches of two tasks on 4 CPUs, traced, --watch races",
         of_a_run(switches(SWITCHES), RATES, "--cpus", "4", "--watch", "races", "--cmdline", f"switches={SWITCHES}")),
    Rate("sim.seeds", "runs of 200 events from the mark on, in one process",
         of_a_batch(SMALL, SEEDS, "--cpus", "2", "--strategy", "random", "--seed-from", "mark", "--cmdline", "right"), 500e3),
    Rate("sim.boots.tasks100", "boots with 100 tasks that end, in one process", of_a_batch(RATES, BATCH, "--cpus", "1", "--cmdline", "tasks=100"), 2000),
    Rate("sim.boots.cpus2", "boots with 2 CPUs and 2 tasks, in one process",
         of_a_batch(RATES, BATCH, "--cpus", "2", "--strategy", "random", "--cmdline", "switches=1")),
    Rate("sim.processes", "whole runs of tests/unit/task/tasks.c, a process each", of_a_run(lambda o, s: 1 / s, "tests/unit/task/tasks.c")),
    Rate("sim.idle", "simulated seconds, one task that wakes each 10 ms",
         of_a_run(lambda o, s: o.virtual_ns / 1e9 / s, RATES, "--cpus", "4", "--cmdline", "trace=off idle=500"), 100),
    Rate("sim.schedules", "schedules of a whole kernel, explore --bound 1", bounded, 300e3),
    Rate("sim.executions", "executions of the explorer, MCS lock, 4 threads", explored(lambda n, s: n / s), 300e3),
    Rate("sim.step_back", "seconds of a step backwards with GDB, by the clock on the wall", step_back, 0.05, "s"),
    Rate("sim.mcs4", "seconds until the MCS lock is verified for 4 threads", explored(lambda n, s: s), 0.1, "s"),
]
RATES_QEMU = {board: Rate(f"qemu.{board}.switches", f"context switches, traced, of QEMU's {board}: the same program", of_qemu(board)) for board in ("pc", "virt")}


def figures(cc, seconds, boards):
    """(Rate, its value) one after another."""
    for rate in [*RATES_HERE, *(RATES_QEMU[board] for board in boards)]:
        yield rate, rate.measure(cc, seconds)


def main(args):
    os.chdir(runs.ROOT)
    for rate, value in figures(args.cc, args.seconds, args.boards or []):
        text = f"{value:14,.4f} s  " if rate.unit == "s" else f"{value:14,.0f} /s"
        print(f"{text}  {rate.beside(value)}", flush=True)
    return 0
