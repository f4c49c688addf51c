#!/usr/bin/env python3
"""again.py ELF LAST OPTION...: seeds 1 to LAST from the mark on (--seed-from mark), each in a process of its own and then all in
one, there and back. Status 1 when one of them is not the same run, 0 else."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools" / "sim"))
import runs  # noqa: E402


def same(a, b):
    return (a.status, a.events, a.virtual_ns, a.hash) == (b.status, b.events, b.virtual_ns, b.hash) and a.hash


def main(elf, last, *words):
    words = [*words, "--seed-from", "mark"]
    seeds = range(1, int(last) + 1)
    alone = {seed: runs.start(elf, [*words, "--seed", seed]) for seed in seeds}
    batch = runs.Batch(elf, words)
    wrong = 0
    for seed in [*seeds, *reversed(seeds)]:
        among = batch.run([f"seed {seed}"])
        if not same(alone[seed], among):
            print(f"seed {seed}: alone {alone[seed]}, among others {among}")
            wrong = 1
    batch.close()
    if len({run.hash for run in alone.values()}) == 1:
        print("all seeds are the same run")
        wrong = 1
    return wrong


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
