"""Building and running the programs of tests/bench, and the metrics that come out."""

import dataclasses
import json
import os
import re
import subprocess
import sys

import counts

PROGRAMS = ["sched", "remote", "irq", "sync", "chan", "task", "timer", "pick", "memory", "boot"]
CPUS = {"remote": [2], "boot": [1, 4]}
PLUGIN = "build/tools/insns.so"
# QEMU's write to an x2APIC register is not exact under -icount, and says so; a Cortex-A53's clock
# ticks once in 16 instructions, that of "max" at each.
VARIANT = {"pc": "xapic", "virt": "max"}
# Where a kernel begins, its table of vectors, and the C function that each vector calls first.
SYMBOLS = {"pc": ("pvh_start", "x86_vectors", "x86_timer"), "virt": ("primary", "vectors", "gicv3_dispatch")}
# Other points on the way of an interrupt, by function.
POINTS = {"handler": "irq_timer", "callback": "on_timer", "device": "on_device"}
# What is counted at such a point of the path that a program calls so, and its name.
AT_POINT = {
    ("irq.timer_stolen", "dispatcher"): "irq.to_dispatcher",
    ("irq.timer_stolen", "handler"): "irq.to_handler",
    ("irq.timer_stolen", "callback"): "irq.to_callback",
    ("irq.timer_stolen", "return"): "irq.timer_stolen",
    ("irq.to_task_and_back", "end"): "irq.to_task",
    ("irq.hint_stolen", "return"): "irq.hint_stolen",
    ("irq.device_stolen", "return"): "irq.total_stolen",
    ("irq.device_stolen", "device"): "irq.device_to_handler",
    ("irq.quantum_to_task", "return"): "irq.quantum_to_task",
    ("sched.wake_remote.receiver", "end"): "sched.wake_remote.receiver",
    ("timer.fire.n1", "return"): "timer.fire.n1",
    ("timer.fire.n1000", "return"): "timer.fire.n1000",
}


class Failure(Exception):
    """A program did not build or run, or the two counts differ; the text says so."""


@dataclasses.dataclass
class Metric:
    value: float
    unit: str
    least: int = None
    most: int = None
    weighted: int = None
    atomics: float = None
    barriers: float = None
    accesses: float = None
    program: str = None
    group: int = None
    point: str = None


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)
    if done.returncode:
        raise Failure(f"{' '.join(command)} left with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


class Board:
    """A board and a compiler, and where their files are."""

    def __init__(self, board, cc):
        self.board, self.cc = board, cc
        self.results = f"build/bench/{board}-{os.path.basename(cc)}"
        os.makedirs(self.results, exist_ok=True)

    def elf(self, program):
        return f"build/{self.board}-{os.path.basename(self.cc)}/app-{program}/kernel.elf"

    def build(self, program):
        app = f"tests/bench/{program}.c"
        run(["make", "--no-print-directory", f"BOARD={self.board}", f"CC={self.cc}", f"APP={app}", "kernel"]
            + ([PLUGIN] if self.board in VARIANT else []))

    def plugin(self, program, output):
        nm = dict(reversed(line.split()[::2]) for line in run(["llvm-nm", self.elf(program)]).splitlines()
                  if len(line.split()) == 3)
        start, vectors, dispatcher = SYMBOLS[self.board]
        points = {"dispatcher": dispatcher, **POINTS}
        return ",".join([PLUGIN, f"out={output}", f"start=0x{nm[start]}", f"vectors=0x{nm[vectors]}"]
                        + [f"at={name}:0x{nm[function]}" for name, function in points.items() if function in nm])

    def profile(self, program, cpus=1):
        return f"{self.results}/{program}-{cpus}.counts"

    def run(self, program, cpus=1, append="", seed=1):
        """The console's text. Under QEMU the plugin's counts are in self.profile(program, cpus)."""
        command = ["/usr/bin/python3", "tools/run", "--board", self.board, "--cpus", str(cpus),
                   "--elf", self.elf(program), "--append", append, "--seed", str(seed)]
        if self.board in VARIANT:
            command += ["--icount", "--variant", VARIANT[self.board],
                        "--plugin", self.plugin(program, self.profile(program, cpus))]
        return run(command)


def parse(text):
    """What a program says of itself, in order: (metric, samples, least, median, most), and values."""
    samples = [(m[0], *map(int, m[1:])) for m in re.findall(r"^sample (\S+) (\d+) (\d+) (\d+) (\d+)\s*$", text, re.M)]
    values = re.findall(r"^value (\S+) (\d+) (\S+)\s*$", text, re.M)
    return samples, values


def counted(program, samples, profile):
    """The metrics of a program, from the plugin's counts; the guest's clock must agree."""
    if program == "boot":  # from the kernel's first instruction on, by the CPU that boots
        path = profile.paths[0, "end"]
        yield "boot.to_first_task", Metric(path.median, "I", path.median, path.median, path.weighted(), path.atomics,
                                           path.barriers, path.loads + path.stores, program, 0, "end")
        return
    empty = profile.paths[1, "end"].median
    for group, (name, n, *clock) in enumerate(samples, 1):
        for point in ["end", "return", "dispatcher", *POINTS]:
            metric = AT_POINT.get((name, point), name if point == "end" else None)
            path = profile.paths.get((group, point))
            if not metric or not path or metric == "bench.empty":
                continue
            marks = empty if point == "end" and (name, point) not in AT_POINT else 0
            if n and metric == name and [path.least - marks, path.median - marks, path.most - marks] != clock:
                raise Failure(f"{program}: {metric}: the clock counts {clock}, the plugin "
                              f"{[path.least - marks, path.median - marks, path.most - marks]}")
            yield metric, Metric(path.median - marks, "I", path.least - marks, path.most - marks,
                                 path.weighted() - marks, path.atomics, path.barriers,
                                 path.loads + path.stores, program, group, point)


def measure(board, program, cpus):
    """{metric: Metric} of one program."""
    samples, values = parse(board.run(program, cpus))
    found = {name: Metric(int(value), unit, program=program) for name, value, unit in values}
    if board.board in VARIANT:
        profile = counts.read(board.profile(program, cpus))
        found.update(counted(program, samples, profile))
        if cpus == 1 and program != "boot" and profile.masked:
            found[f"irq.off_max.{program}"] = Metric(profile.masked[0][0], "I", program=program)
    else:
        for name, _, least, median, most in samples:
            if name != "bench.empty":
                found[name] = Metric(median, "events", least, most, program=program)
    return found


def longest_masked(metrics):
    parts = {name: m for name, m in metrics.items() if name.startswith("irq.off_max.")}
    for name in parts:
        del metrics[name]
    if parts:
        metrics["irq.off_max"] = max(parts.values(), key=lambda m: m.value)


def sections(board, elf):
    """Bytes of the loaded image by kind, for an image without a program of the bench's."""
    sizes = {"text": 0, "data": 0, "bss": 0}
    for line in run(["llvm-size", "-A", elf]).splitlines():
        words = line.split()
        if len(words) == 3 and words[0].startswith(".") and words[2].isdigit() and int(words[2]):
            kind = "bss" if "bss" in words[0] else "text" if "text" in words[0] else "data"
            sizes[kind] += int(words[1])
    return sizes


def measure_all(board, programs):
    metrics = {}
    for program in programs:
        if not os.path.exists(f"tests/bench/{program}.c"):
            continue
        print(f"bench: {board.board}: {program}", file=sys.stderr)
        board.build(program)
        for cpus in CPUS.get(program, [1]):
            suffix = f".smp{cpus}" if program == "boot" else ""
            metrics.update({name + suffix: m for name, m in measure(board, program, cpus).items()})
    longest_masked(metrics)
    return metrics


def save(board, metrics):
    """Metrics of programs that did not run this time stay."""
    try:
        metrics = {**load(board), **metrics}
    except FileNotFoundError:
        pass
    with open(f"{board.results}/metrics.json", "w") as f:
        json.dump({name: dataclasses.asdict(m) for name, m in metrics.items()}, f, indent=1)


def load(board):
    with open(f"{board.results}/metrics.json") as f:
        return {name: Metric(**m) for name, m in json.load(f).items()}
