"""Building and running the programs of tests/bench, and the metrics that come out."""

import dataclasses
import json
import os
import re
import subprocess
import sys

import counts

PROGRAMS = ["sched", "remote", "irq", "sync", "chan", "task", "timer", "memory", "pick", "tasks", "boot"]
PLUGIN = "build/tools/insns.so"
# QEMU's write to an x2APIC register is not exact under -icount, and says so; a Cortex-A53's clock
# ticks once in 16 instructions, that of "max" at each.
VARIANT = {"pc": "xapic", "virt": "max"}
# Where a kernel begins, its table of vectors, and the C function that the timer's calls first.
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
MANY = {"pc": [100_000], "virt": [100_000], "sim": [100_000, 1_000_000]}
SIM_RAM_MIB = 1024


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
    cpus: int = 1
    group: int = None
    point: str = None


@dataclasses.dataclass
class Run:
    """One run of a program: how many CPUs, words for the kernel, what to add to its metrics' names;
    counted: with the plugin, which is too slow where much is made before anything is measured."""

    cpus: int = 1
    words: str = ""
    suffix: str = ""
    counted: bool = True


def runs_of(program, board):
    if program == "remote":
        return [Run(cpus=2)]
    if program == "boot":
        return [Run(cpus=n, suffix=f".smp{n}") for n in (1, 4)]
    if program == "pick":
        return [Run(), *(Run(words=f"n={n}", counted=False) for n in MANY[board])]
    if program == "tasks":
        return [Run(words=f"n={n} class={c}", counted=n <= 1000 and board != "sim")
                for c in ("edf", "fifo") for n in [10, 1000, *MANY[board]]]
    return [Run()]


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

    def image(self, program=""):
        inside = f"app-{program}/" if program else ""
        return f"build/{self.board}-{os.path.basename(self.cc)}/{inside}kernel.elf"

    def elf(self, program):
        return self.image(program)

    def build(self, program=""):
        app = f"tests/bench/{program}.c" if program else ""
        run(["make", "--no-print-directory", f"BOARD={self.board}", f"CC={self.cc}", f"APP={app}", "kernel"]
            + ([PLUGIN] if self.board in VARIANT else []))

    def plugin(self, program, output):
        nm = {}
        for line in run(["llvm-nm", self.elf(program)]).splitlines():
            words = line.split()
            if len(words) == 3:
                nm[words[2]] = words[0]
        start, vectors, dispatcher = SYMBOLS[self.board]
        points = {"dispatcher": dispatcher, **POINTS}
        return ",".join([PLUGIN, f"out={output}", f"start=0x{nm[start]}", f"vectors=0x{nm[vectors]}"]
                        + [f"at={name}:0x{nm[function]}" for name, function in points.items() if function in nm])

    def profile(self, program, cpus=1):
        return f"{self.results}/{program}-{cpus}.counts"

    def run(self, program, cpus=1, words="", seed=1, counted=True):
        """The console's text. Under QEMU the plugin's counts are in self.profile(program, cpus)."""
        if self.board == "sim":
            return run([self.elf(program), "--cpus", str(cpus), "--seed", str(seed), "--ram", str(SIM_RAM_MIB),
                        "--cmdline", words])
        command = ["/usr/bin/python3", "tools/run", "--board", self.board, "--cpus", str(cpus), "--icount",
                   "--variant", VARIANT[self.board], "--elf", self.elf(program), "--append", words]
        return run(command + (["--plugin", self.plugin(program, self.profile(program, cpus))] if counted else []))


def parse(text):
    """What a program says of itself, in order: (metric, samples, least, median, most), and values."""
    samples = [(m[0], *map(int, m[1:])) for m in re.findall(r"^sample (\S+) (\d+) (\d+) (\d+) (\d+)\s*$", text, re.M)]
    values = re.findall(r"^value (\S+) (\d+) (\S+)\s*$", text, re.M)
    return samples, values


def of_path(path, marks, program, cpus, group, point):
    return Metric(path.median - marks, "I", path.least - marks, path.most - marks, path.weighted() - marks,
                  path.atomics, path.barriers, path.loads + path.stores, program, cpus, group, point)


def counted(program, cpus, samples, profile):
    """The metrics of a program, from the plugin's counts; the guest's clock must agree."""
    if program == "boot":  # from the kernel's first instruction on, by the CPU that boots
        yield "boot.to_first_task", of_path(profile.paths[0, "end"], 0, program, cpus, 0, "end")
        return
    empty = profile.paths[1, "end"].median
    for group, (name, n, *clock) in enumerate(samples, 1):
        for point in ["end", "return", "dispatcher", *POINTS]:
            metric = AT_POINT.get((name, point), name if point == "end" else None)
            path = profile.paths.get((group, point))
            if not metric or not path or metric == "bench.empty":
                continue
            m = of_path(path, 0 if (name, point) in AT_POINT else empty, program, cpus, group, point)
            if n and metric == name and [m.least, m.value, m.most] != clock:
                raise Failure(f"{program}: {metric}: the clock counts {clock}, the plugin {[m.least, m.value, m.most]}")
            yield metric, m


def measure(board, program, how):
    """{metric: Metric} of one run."""
    samples, values = parse(board.run(program, how.cpus, how.words, counted=how.counted))
    found = {name: Metric(int(value), unit, program=program) for name, value, unit in values}
    if board.board in VARIANT and how.counted:
        profile = counts.read(board.profile(program, how.cpus))
        found.update(counted(program, how.cpus, samples, profile))
        if how.cpus == 1 and program != "boot" and profile.masked:
            found[f"irq.off_max.{program}"] = Metric(profile.masked[0][0], "I", program=program)
    else:
        unit = "I" if board.board in VARIANT else "events"
        found.update({name: Metric(median, unit, least, most, program=program)
                      for name, n, least, median, most in samples if n and name != "bench.empty"})
    return {name + how.suffix: m for name, m in found.items()}


def longest_masked(metrics):
    """One metric of those by program."""
    parts = {name: m for name, m in metrics.items() if name.startswith("irq.off_max.")}
    if parts:
        metrics["irq.off_max"] = max(parts.values(), key=lambda m: m.value)


def sections(elf):
    """Bytes of the loaded image by kind."""
    sizes = {"text": 0, "data": 0, "bss": 0}
    for line in run(["llvm-size", "-A", elf]).splitlines():
        words = line.split()
        if len(words) == 3 and words[0].startswith(".") and words[2].isdigit() and int(words[2]):
            kind = "bss" if "bss" in words[0] else "text" if "text" in words[0] else "data"
            sizes[kind] += int(words[1])
    return sizes


def image_size(board):
    """Of the kernel as `make kernel` builds it, demo and shell included."""
    board.build()
    sizes = sections(board.image())
    return {"mem.image": Metric(sizes["text"] + sizes["data"], "B"), "mem.text": Metric(sizes["text"], "B"),
            "mem.bss": Metric(sizes["bss"], "B")}


def measure_programs(board, programs):
    metrics = {}
    for program in programs:
        print(f"bench: {board.board}: {program}", file=sys.stderr)
        board.build(program)
        for how in runs_of(program, board.board):
            metrics.update(measure(board, program, how))
        save(board, metrics)
    return metrics


def save(board, metrics):
    """Metrics of programs that did not run this time stay. Returns all."""
    if os.path.exists(f"{board.results}/metrics.json"):
        metrics = {**load(board), **metrics}
    longest_masked(metrics)
    with open(f"{board.results}/metrics.json", "w") as f:
        json.dump({name: dataclasses.asdict(m) for name, m in metrics.items()}, f, indent=1)
    return metrics


def load(board):
    try:
        with open(f"{board.results}/metrics.json") as f:
            return {name: Metric(**m) for name, m in json.load(f).items()}
    except FileNotFoundError:
        raise Failure(f"nothing was counted on {board.board} with {board.cc} yet; "
                      f"`make bench BOARD={board.board} CC={board.cc}` does") from None
