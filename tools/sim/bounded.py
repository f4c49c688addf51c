"""fermata-sim explore --bound: every schedule of a whole kernel with few switches (sim/bound.c)."""

import argparse
import re
import signal
import subprocess
import sys
from pathlib import Path

import counterexample
import runs
import scenario
from wrong import Wrong

SLACK_EVENTS = 1_000_000  # that a schedule may take more than three plain runs
TOLD = re.compile(r"sim: explored (\d+) schedules .* from (\d+) places; (\d+) fail; (\d+) pages; ([\d.]+) s, (\d+) schedules/s(.*)")


def symbols(path, kinds):
    """(name, address, bytes) of a program's or object's symbols of these kinds of nm's."""
    done = subprocess.run(["nm", "-S", path], text=True, stdout=subprocess.PIPE, check=True)
    rows = [line.split() for line in done.stdout.splitlines()]
    return [(row[3], int(row[0], 16), int(row[1], 16)) for row in rows if len(row) == 4 and row[2] in kinds]


def functions(path):
    return {name: (at, size) for name, at, size in symbols(path, "tT")}


def address(elf, name, kinds):
    """(address, bytes) of the one symbol of that name."""
    found = [(at, size) for n, at, size in symbols(elf, kinds) if n == name]
    if not found:
        raise Wrong(f"there is no {'function' if 't' in kinds else 'variable'} {name} in {elf}; it may be inlined")
    if len(found) > 1:
        raise Wrong(f"{elf} has {len(found)} of {name}: which one is meant?")
    return found[0]


def part(elf, app, name):
    """The addresses of function @p name; without one, of all functions of the program's own file."""
    if name:
        found = [address(elf, name, "tT")]
    else:
        known = functions(elf)
        found = [known[n] for n in functions(Path(elf).parent.parent / f"{app.with_suffix('')}.o") if n in known]
    if not found:
        raise Wrong(f"{app} has no functions")
    return f"{min(at for at, _ in found):x}-{max(at + size for at, size in found):x}"


class Words(argparse.Namespace):
    """Arguments of which those that were not given are None."""

    def __getattr__(self, name):
        return None


def settle(args):
    """What the shared code of runs.py wants to know."""
    what = {"scenario": args.program} if args.program.endswith(".toml") else {"app": args.program}
    merged = Words(**vars(args), **what)
    runs.settle(merged)
    return merged


def main(args):
    args = settle(args)
    elf = runs.kernel(args)
    app = Path(scenario.APP if args.plan else args.app)
    app = app.resolve().relative_to(runs.ROOT) if app.resolve().is_relative_to(runs.ROOT) else app
    out = args.save or str(runs.ROOT / "build" / f"{Path(args.program).stem}.run")
    words = ["--cpus", args.cpus, "--seed", args.seed]
    line = runs.cmdline(args, args.seed)
    words += ["--cmdline", line] if line else []
    plain = runs.start(elf, [*words, "--strategy", "bounded", "--length", 1 << 40, "--depth", 1])
    words += ["--explore", args.bound, "--from", part(elf, app, args.begin), "--record", out,
              "--max-events", 3 * plain.events + SLACK_EVENTS]
    words += ["--to", part(elf, app, args.end)] if args.end else []
    words += ["--stop-after", args.stop_after] if args.stop_after else []
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the simulator takes it, and says how far it came
    done = subprocess.run([str(elf), *map(str, words)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace")
    told = TOLD.search(done.stdout)
    if not told:
        raise Wrong(f"{elf} left with {done.returncode}:\n{done.stdout}")
    return tell(args, elf, out, told, done.stdout)


def tell(args, elf, out, told, said):
    schedules, places, failed, _, seconds, rate, more = told.groups()
    if "never reached" in more:
        raise Wrong(f"the part to explore, {args.begin or args.program}, is never reached")
    stopped = args.stop_after and int(failed) >= args.stop_after or "interrupted" in more
    print(f"explore: {int(schedules):,} schedules {'so far, ' if stopped else ''}with at most {args.bound} switches that are "
          f"not plain; {int(places):,} places for the first one; {int(failed):,} fail; {seconds} s, {int(rate):,} schedules/s")
    for status, n in re.findall(r"sim: status (\d+): (\d+) schedules", said):
        print(f"explore: {int(n):,} leave with status {status}")
    print("explore: covered: " + ("a part of " if stopped else "") + "all choices of CPU before memory accesses, at halts and in spin "
          "loops; not covered: more switches, other times of interrupts than this seed's, weak memory")
    if int(failed):
        again = runs.start(elf, ["--replay", out])
        print(f"explore: the first that fails: {runs.complaint(again.output) or f'status {again.status}'}")
        print(f"explore: again: tools/sim/fermata-sim replay {out}")
        if args.view:
            counterexample.write_run(elf, out, f"{Path(args.program).stem}, first failure", args.view)
            print(f"Open {args.view} in a browser: the trace of that schedule")
    sys.stdout.flush()
    return 1 if int(failed) else 3 if stopped else 0
