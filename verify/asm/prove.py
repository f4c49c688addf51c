#!/usr/bin/env python3
"""Prove that a routine of kernel/arch/ keeps what it must keep, on its assembled machine code.

Usage: prove.py ARCH ROUTINE [--overlay FOLDER] [--out FOLDER]

The code is executed with symbols for the registers and for what memory holds, so one execution
stands for every state that it may begin in. An instruction that the machines below do not know
fails the proof. The status is 0 when it is proved, 1 when it is refuted.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import aarch64
import x86_64
from machine import Refuted, executed

EXECUTED_MAX = 100  # are told when it is refuted
MACHINES = {"x86_64": x86_64, "aarch64": aarch64}


def assemble(arch, source, overlay, out):
    """The routines of a file: {symbol: (section bytes, offset)}, and what the linker would fill in."""
    cc = {"x86_64": "gcc", "aarch64": "aarch64-linux-gnu-gcc"}[arch]
    path = Path(overlay) / source if overlay else None
    path = path if path and path.exists() else Path(source)
    target = Path(out) / "code.o"
    subprocess.run([cc, "-c", f"-Ikernel/arch/{arch}", "-o", target, path], check=True)
    return target


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arch", choices=sorted(MACHINES))
    parser.add_argument("routine")
    parser.add_argument("--overlay")
    parser.add_argument("--out", default="build/prove")
    args = parser.parse_args()
    module = MACHINES[args.arch]
    if args.routine not in module.PROOFS:
        parser.error(f"no such routine: {args.routine}; there are {', '.join(module.PROOFS)}")
    proof, source = module.PROOFS[args.routine]
    if args.routine.startswith("emulated-"):
        import emulate  # pylint: disable=import-outside-toplevel  # only these need Unicorn
        proof = (emulate.prove_switch if args.routine == "emulated-switch" else emulate.prove_instructions)(args.arch, module)
    try:
        target = assemble(args.arch, source, args.overlay, args.out)
        counted = proof(module.Code(target))
    except (Refuted, subprocess.CalledProcessError) as why:
        for place, instruction in executed[-EXECUTED_MAX:]:
            print(f"executed: {place} {instruction}")
        print(f"refuted: {args.arch} {args.routine}: {why}")
        return 1
    print(f"proved: {args.arch} {args.routine}: {counted}" + (" instructions executed on symbols" if isinstance(counted, int) else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
