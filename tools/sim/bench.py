"""fermata-sim bench: how fast the simulator is on this machine, in CPU time of one core."""

import os
import resource

import runs

# (name, program, options, unit, figure of an outcome and its CPU seconds)
MEASURES = [
    ("hook events, one CPU", "", ["--cpus", "1", "--cmdline", "demo=100"], lambda o, s: o.events / s),
    ("hook events, 4 CPUs side by side", "", ["--cmdline", "demo=100"], lambda o, s: o.events / s),
    ("hook events, 4 CPUs at random", "", ["--strategy", "random", "--cmdline", "demo=30"], lambda o, s: o.events / s),
    ("CPU switches, 4 CPUs at random", "", ["--strategy", "random", "--cmdline", "demo=30"], lambda o, s: o.switches / s),
    ("whole runs of tests/unit/task/tasks.c", "tests/unit/task/tasks.c", [], lambda o, s: 1 / s),
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


def main(args):
    os.chdir(runs.ROOT)
    for name, app, words, figure in MEASURES:
        print(f"{measure(runs.build(args.cc, app), words, figure, args.seconds):14,.0f} /s  {name}", flush=True)
    return 0
