#!/usr/bin/env python3
"""Give the simulator's traces to the scheduler's model: each must be one of its runs, and each that was
changed in a way that no machine could must not.

Usage: accept.py ACCEPTOR --out FOLDER --cpus N [--seeds N] [--strategy NAME] [--words TEXT]
                 [--fault KIND=N]...

The program that runs is tests/verify/scheduled.c. Of every tenth trace changed copies are made: two
dispatches swapped, a wake-up left out, a stack with two owners, and so on (verify/spin/accept_trace.c).
The status is 0 when all is as it should be, 1 when the model and the kernel differ, 2 when that could
not be found out.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "sim"))
import runs  # noqa: E402
from wrong import Wrong  # noqa: E402

PROGRAM = "tests/verify/scheduled.c"
KINDS = ("swapped-dispatches", "dropped-wake", "two-owners", "wrong-pick", "dropped-hint", "wrong-target", "wrong-end",
         "unknown-hint")
DOCTORED_EVERY = 10
ACCEPTED, REJECTED, NO_PLACE = 0, 1, 2
STALL_S = 60


def ask(acceptor, trace, *words):
    done = subprocess.run([acceptor, trace, *words], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=STALL_S)
    return done.returncode, done.stdout


class Campaign:
    def __init__(self, args):
        self.args = args
        self.trace = Path(args.out) / "trace"
        self.machine = ["--cpus", str(args.cpus), "--strategy", args.strategy, *(w for fault in args.fault for w in ("--fault", fault))]
        self.operations = self.accepted = self.doctored = self.caught = 0
        self.told = []

    def again(self, seed):
        return f"{self.args.elf} {' '.join(self.machine)} --seed {seed} --cmdline '{self.args.words}' --trace trace"

    def judge(self, seed):
        status, text = ask(self.args.acceptor, self.trace)
        if status != ACCEPTED:
            kept = Path(self.args.out) / f"rejected-{seed}"
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(self.trace, kept)
            self.told.append(f"seed {seed}: {text}  kept in {kept}; again: {self.again(seed)}")
            return
        self.accepted += 1
        self.operations += int(text.split()[1])

    def doctor(self, seed):
        """One kind of change, in a place that depends on the seed."""
        for number, kind in enumerate(KINDS):
            status, text = ask(self.args.acceptor, self.trace, "--doctor", kind, str((seed * 7 + number * 13) % 90))
            if status == NO_PLACE:
                continue
            self.doctored += 1
            self.caught += status == REJECTED
            if status != REJECTED:
                self.told.append(f"seed {seed}: a trace with {kind} is accepted: {text}")

    def run(self):
        batch = runs.Batch(self.args.elf, self.machine)
        for seed in range(1, self.args.seeds + 1):
            shutil.rmtree(self.trace, ignore_errors=True)
            done = batch.run([f"seed {seed}", f"trace {self.trace}", *([f"cmdline {self.args.words}"] if self.args.words else [])])
            if done.status:
                self.told.append(f"seed {seed}: the kernel left with {done.status}: {done.what}\n  again: {self.again(seed)}")
                break
            self.judge(seed)
            if seed % DOCTORED_EVERY == 0:
                self.doctor(seed)
            if len(self.told) >= 3:
                break
        batch.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("acceptor")
    parser.add_argument("--out", required=True)
    parser.add_argument("--cpus", type=int, required=True)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--strategy", default="random")
    parser.add_argument("--words", default="")
    parser.add_argument("--fault", action="append", default=[])
    args = parser.parse_args()
    try:
        args.elf = runs.build("clang", str(runs.ROOT / PROGRAM))
        campaign = Campaign(args)
        campaign.run()
    except (Wrong, subprocess.TimeoutExpired) as error:
        print(error)
        return 2
    print("\n".join(campaign.told), end="\n" if campaign.told else "")
    print(f"{campaign.accepted} traces with {campaign.operations} operations accepted, "
          f"{campaign.caught} of {campaign.doctored} changed ones rejected")
    return 1 if campaign.told or not campaign.doctored else 0


if __name__ == "__main__":
    sys.exit(main())
