#!/usr/bin/env python3
"""Guest-instruction counts of the kernel's short paths, as lines of `metric value unit`.

Runs tests/bench/bench.c on one CPU under QEMU's -icount shift=0, where the guest's clock counts
executed instructions exactly: 1 tick is 1 instruction. On the simulator a tick is one hook event,
and the unit says so. These are measurements, not tests: there is no pass or fail.

  bench.py --board pc|virt|sim [--cc clang|gcc]
"""

import argparse
import re
import subprocess
import sys

LINE = re.compile(r"^([a-z_.0-9]+) (\d+) (\w+)\s*$")
APP = "tests/bench/bench.c"
UNIT = {"sim": "events"}
# QEMU's write to an x2APIC register is not exact under -icount, and says so; a Cortex-A53's clock
# ticks once in 16 instructions, that of "max" at each.
VARIANT = {"pc": "xapic", "virt": "max"}


def build(board, cc):
    command = ["make", "--no-print-directory", f"BOARD={board}", f"CC={cc}", f"APP={APP}", "kernel"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"bench: {' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return f"build/{board}-{cc}/app-bench/kernel.elf"


def measure(board, elf, cpus):
    command = ["tools/run", "--board", board, "--cpus", str(cpus), "--elf", elf]
    command += [] if board == "sim" else ["--icount", "--variant", VARIANT[board]]
    done = subprocess.run(
        ["/usr/bin/python3", *command], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        sys.exit(f"bench: {' '.join(command)} left with {done.returncode}:\n{done.stdout}{done.stderr}")
    return [m.groups() for m in map(LINE.match, done.stdout.splitlines()) if m]


def sections(elf):
    """Bytes of the loaded image, and of what it needs zeroed on top."""
    out = subprocess.run(["llvm-size", "-A", elf], capture_output=True, text=True, check=True).stdout
    sizes = {}
    for line in out.splitlines():
        words = line.split()
        if len(words) == 3 and words[0].startswith(".") and words[2].isdigit() and int(words[2]):
            sizes[words[0]] = int(words[1])
    zeroed = sum(n for name, n in sizes.items() if "bss" in name)
    return sum(sizes.values()) - zeroed, zeroed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--board", default="pc", choices=["pc", "virt", "sim"])
    parser.add_argument("--cc", default="clang", choices=["clang", "gcc"])
    args = parser.parse_args()
    elf = build(args.board, args.cc)
    unit = UNIT.get(args.board, "instructions")
    for metric, value, given in measure(args.board, elf, 1):
        print(metric, value, unit if given == "ticks" else given)
    for metric, value, given in measure(args.board, elf, 4):
        if metric.startswith(("boot.", "mem.in_use")):
            print(f"{metric}.smp4", value, unit if given == "ticks" else given)
    loaded, zeroed = sections(elf)
    print("mem.image", loaded, "bytes")
    print("mem.bss", zeroed, "bytes")


if __name__ == "__main__":
    main()
