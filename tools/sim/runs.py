"""Runs of kernel.elf: building it, starting it, what it says, and files that repeat it."""

import fcntl
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import scenario
from wrong import Wrong

ROOT = Path(__file__).resolve().parent.parent.parent
RECAST = "tools/sim/recast.c"
STALL_S = 600
STATUS_NO_PROGRESS = 102


@dataclass
class Outcome:
    """What a run came to. Two runs with equal fields but for `hash` did the same."""
    status: int
    events: int = 0
    virtual_ns: int = 0
    switches: int = 0
    hash: str = ""
    what: str = ""
    output: str = field(default="", repr=False)
    seed: int = 0  # of a sweep


@dataclass
class Swept:
    """What a sweep came to; runs: those that failed, in order."""
    seeds: int
    failed: int
    events: int
    hash: str
    runs: list = field(repr=False)


SEED = re.compile(r"sim: seed=(\d+) ")
SWEPT = re.compile(r"sim: swept seeds=(\d+) failed=(\d+) events=(\d+) hash=([0-9a-f]{16})$")
SUMMARY = re.compile(r"sim: seed=\d+ events=(\d+) virtual_ns=(\d+) switches=(\d+) hash=([0-9a-f]{16})")
COMPLAINT = re.compile(r"^(?:(?:kernel )?panic[: ].*|not ok .*|sim: (?!seed=|again:).*|  \S+:\d+: .*)$", re.M)


def complaint(output):
    """The first line in which the kernel or the simulator says what is wrong; "" for none."""
    found = COMPLAINT.search(output)
    return found[0].strip() if found else ""


def outcome(status, output):
    found = SUMMARY.search(output)
    counts = [int(n) for n in found.groups()[:3]] + [found[4]] if found else []
    what = complaint(output) if status else ""
    return Outcome(status, *counts, **({"what": what} if counts else {"events": 0, "what": what}), output=output)


def start(elf, words, stdin=""):
    """Runs to the end; the Outcome."""
    try:
        done = subprocess.run([str(elf), *map(str, words)], input=stdin, text=True, errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=STALL_S)
    except OSError as error:
        raise Wrong(f"{elf}: {error.strerror}; `make kernel BOARD=sim` builds one") from None
    if done.returncode == 2 and not SUMMARY.search(done.stdout):
        raise Wrong(done.stdout.strip())
    return outcome(done.returncode, done.stdout)


VALGRIND_STATUS = 107
# A change of stacks is no frame of 9,000 bytes: stacks are 32 KiB, and little of them is used; buffered output has one of 8 KiB. And
# who takes a lock looks at the byte SPIN_STACK_BYTES below its stack pointer, where nothing is yet.
VALGRIND = ["valgrind", "-q", "--max-stackframe=9000", "--ignore-range-below-sp=2048-1",
            f"--suppressions={ROOT / 'tools/sim/valgrind.supp'}", f"--error-exitcode={VALGRIND_STATUS}"]
VALGRIND_RAM = ["--ram", "112"]  # MiB: valgrind itself lies behind that


def under_valgrind(elf):
    """The program as valgrind can read it: without what clang writes for debuggers; and what runs it."""
    stripped = f"{elf}.valgrind"
    subprocess.run(["objcopy", "--strip-debug", elf, stripped], check=True)
    return [*VALGRIND, stripped, *VALGRIND_RAM]


def become(elf, words, valgrind=False):
    """This process runs it, to the end. Who waits when nothing goes on any more is told behind it."""
    command = [os.path.abspath(elf), *map(str, words)]
    if valgrind:
        command[:1] = under_valgrind(command[0])
    try:
        status = subprocess.call(command)
    except OSError as error:
        if valgrind:
            raise Wrong(f"valgrind: {error.strerror}; tools/setup installs it") from None
        raise Wrong(f"{elf}: {error.strerror}; `make kernel BOARD=sim` builds one") from None
    if status == STATUS_NO_PROGRESS and not valgrind:
        import stuck  # which needs this module
        stuck.show(command)
    return status if status >= 0 else 128 - status


def has_place(option, path):
    """Said before a long run, not behind it."""
    folder = Path(path).parent if path else None
    if folder and not folder.is_dir():
        raise Wrong(f"{option} {path}: there is no folder {folder}; make it first")


class Batch:
    """One process that does run after run, each as a process of its own would."""

    def __init__(self, elf, words):
        self.elf = elf
        try:
            self.process = subprocess.Popen([str(elf), "--batch", *map(str, words)], stdin=subprocess.PIPE, text=True, errors="replace",
                                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        except OSError as error:
            raise Wrong(f"{elf}: {error.strerror}; `make kernel BOARD=sim` builds one") from None

    def run(self, lines):
        """One run with the options in @p lines besides those of the process; the Outcome."""
        try:
            self.process.stdin.write("\n".join([*lines, "run", ""]))
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        output = []
        for line in self.process.stdout:
            if line.startswith("sim: end "):
                return outcome(int(line.split()[2]), "".join(output))
            output.append(line)
        status = self.process.wait()
        if status == 2:
            raise Wrong("".join(output).strip())
        return outcome(status, "".join(output))

    def sweep(self, seeds, lines=()):
        """A run for each of @p seeds, a range; a Swept."""
        try:
            self.process.stdin.write("\n".join([*lines, f"sweep {seeds[0]} {seeds[-1]}", ""]))
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        found, output = [], []
        for line in self.process.stdout:
            if line.startswith("sim: status "):
                o = outcome(int(line.split()[2]), "".join(output))
                o.seed = int(SEED.search(o.output)[1])
                found.append(o)
                output = []
            elif swept := SWEPT.match(line):
                self.process.stdout.readline()  # sim: end
                return Swept(*map(int, swept.groups()[:3]), swept[4], found)
            else:
                output.append(line)
        self.process.wait()
        raise Wrong("".join(output).strip() or f"{self.elf}: ended amid a sweep")

    def alive(self):
        return self.process.poll() is None

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def kernel(args):
    """The program to run, built if need be."""
    if args.elf:
        if args.app:
            raise Wrong("--app and --elf both say what to run; give one of them")
        if not Path(args.elf).is_file():
            raise Wrong(f"{args.elf} is not there; `make kernel BOARD=sim` builds kernels")
        return str(args.elf)
    return build(args.cc, scenario.APP if args.plan else args.app or (RECAST if args.sched else ""))


def settle(args):
    """Reads the scenario; CPUs and strategy are the command line's, the scenario's or usual."""
    args.plan = scenario.Scenario(args.scenario) if args.scenario else None
    said = args.plan.data if args.plan else {}
    if args.plan and (args.app or args.elf or args.cmdline):
        raise Wrong("--scenario goes without --app, --elf and --cmdline")
    if args.sched and args.sched not in scenario.POLICIES:
        raise Wrong(f"--sched {args.sched}: there are {', '.join(scenario.POLICIES)}")
    if args.sched and (args.elf or args.app not in (None, scenario.APP)):
        raise Wrong(f"--sched goes with a scenario and with kernel/apps/, not with {args.elf or args.app}")
    args.strategy = args.strategy or said.get("strategy", "time")
    args.fault = [*(args.plan.faults if args.plan else []), *(args.fault or [])]
    if args.plan and args.cpus and args.cpus < said["cpus"] and any("on" in task for task in said["task"]):
        raise Wrong(f"--cpus {args.cpus}: the scenario places tasks on {said['cpus']}")
    args.cpus = args.cpus or said.get("cpus", 4)


def cmdline(args, seed):
    line = args.plan.cmdline(args.plan.data.get("seed", seed)) if args.plan else args.cmdline
    return f"{line} sched={args.sched}".strip() if args.sched else line


def objects(board, cc):
    return ROOT / "build" / f"{'raspi' if board.startswith('raspi') else board}-{cc}"


def make(target, board, cc, *words):
    """What make came to. One at a time for each folder of objects, whoever else builds there."""
    folder = objects(board, cc)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return subprocess.run(["make", "--no-print-directory", target, f"BOARD={board}", f"CC={cc}", *words], cwd=ROOT,
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def build(cc, app, board="sim"):
    if app:
        inside = (ROOT / app if app == scenario.APP else Path(app)).resolve()
        if not inside.is_file():
            raise Wrong(f"{app} is not there; --app wants a C file")
        app = str(inside.relative_to(ROOT)) if inside.is_relative_to(ROOT) else str(inside)
    done = make("kernel", board, cc, f"APP={app}")
    if done.returncode:
        raise Wrong(f"the kernel does not build:\n{done.stdout}")
    folder = objects(board, cc)
    return str((folder / f"app-{Path(app).stem}" if app else folder) / "kernel.elf")


def words(args, seed):
    """The options for one seed."""
    line = cmdline(args, seed)
    return [*common_words(args), "--seed", str(seed), *(["--cmdline", line] if line else [])]


def seed_lines(args, seed):
    """The same for Batch.run, without those of all seeds."""
    line = cmdline(args, seed)
    return [f"seed {seed}", *([f"cmdline {line}"] if line else [])]


def common_words(args):
    """The options of all seeds."""
    result = ["--cpus", args.cpus, "--strategy", args.strategy, "--max-events", args.max_events]
    for name in ("mean", "depth", "length", "until", "input"):
        if getattr(args, name):
            result += [f"--{name}", getattr(args, name)]
    if args.seed_from != "boot":
        result += ["--seed-from", args.seed_from]
    if args.watch:
        result += ["--watch", args.watch]
    for fault in args.fault or []:
        result += ["--fault", fault]
    for device in args.device or []:
        result += ["--device", device]
    return [str(word) for word in result]


@dataclass
class RunFile:
    """A file that repeats a run: options, one a line, and of these the choices apart."""
    program: str
    lines: list  # all but the choices
    choices: list  # "switch CPU RAN TO", "struck KIND NUMBER AMOUNT"

    def text(self):
        return "\n".join([*self.lines, *self.choices]) + "\n"


def read_file(path):
    try:
        text = Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Wrong(f"{path}: {getattr(error, 'strerror', None) or 'is no text'}; `fermata-sim run --save FILE` "
                    "writes such files") from None
    lines = text.splitlines()
    program = next((line.split(" ", 1)[1] for line in lines if line.startswith("program ")), None)
    if not program:
        raise Wrong(f"{path}: has no line `program`, so it is no saved run")
    if not Path(program).is_file():
        raise Wrong(f"{path}: its program, {program}, is not there; build it, or start this where it is")
    chosen = ("switch ", "struck ")
    return RunFile(program, [x for x in lines if not x.startswith(chosen)], [x for x in lines if x.startswith(chosen)])


def start_text(elf, *words):
    """What a run of @p words prints, for options that only print."""
    return subprocess.run([str(elf), *words], text=True, stdout=subprocess.PIPE, check=True).stdout.strip()
