"""The tools that prove: how each is called over a tree of sources, and what its words mean.

An overlay is a folder that holds the files of the kernel which differ from the tree's: a scaled
constant, a mutant. It stands first on the path of includes, so the proof sees it instead.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import explain

PROVED, REFUTED, ERROR, NOT_RUN = "proved", "refuted", "error", "not run"
STALL_S = 900  # of CPU time
IDLE_MOST = 20  # times as long may it take by the clock, for who waits for what never comes
CBMC = "build/prove/cbmc/cbmc"


@dataclass
class Result:
    verdict: str
    text: str = ""  # what is wrong, or all that the tool said
    size: str = ""  # how much was looked at, in the tool's own unit
    seconds: float = 0
    megabytes: float = 0


def call(command, cwd, stall_s):
    """Run a command, with at most so many seconds of CPU, so that a busy machine changes no verdict; (status or
    None when it stalled, output, seconds of CPU, megabytes)."""
    process = subprocess.Popen(["sh", "-c", f'ulimit -t {stall_s}; exec "$@"', "sh", *map(str, command)], cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace")
    stalled = []
    alarm = threading.Timer(stall_s * IDLE_MOST, lambda: (stalled.append(True), process.kill()))
    alarm.start()
    with process.stdout:
        output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    alarm.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = usage.ru_utime + usage.ru_stime
    if seconds >= stall_s - 1 and process.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        stalled.append(True)
    return (None if stalled else process.returncode), output, seconds, usage.ru_maxrss / 1024


class Engine:
    """A tool. Subclasses say what it needs, what it is called with and how it answers."""

    needs = ()

    def missing(self):
        """Why it cannot be had, or an empty text."""
        absent = [word for word in self.needs if not (shutil.which(word) or Path(word).exists())]
        return f"{' and '.join(absent)} not found; `make setup` installs what Debian has" if absent else ""

    def commands(self, _prop, _run, _overlay, _out):
        raise NotImplementedError

    def judge(self, _status, _output):
        raise NotImplementedError

    def again(self, prop, run, _out):
        """The command that shows it again."""
        return f"tools/prove/prove {prop['name']} --run {run['name']} --no-mutants"

    def compiled(self, _prop, _overlay):
        """Commands that print what a compiler makes of the code under proof."""
        raise NotImplementedError

    def run(self, prop, run, overlay, out, stall_s=STALL_S):
        out.mkdir(parents=True, exist_ok=True)
        total, most, output, status = 0.0, 0.0, "", 0
        for command in self.commands(prop, run, overlay, out):
            status, output, seconds, megabytes = call(command, self.folder(out), stall_s)
            total, most = total + seconds, max(most, megabytes)
            if status:
                break
        (out / f"{run['name']}.log").write_text(output)
        if status is None:
            return Result(ERROR, f"no verdict in {stall_s} s of CPU time", "", total, most)
        verdict, text, size = self.judge(status, output)
        return Result(verdict, text, size, total, most)

    def folder(self, _out):
        return "."

    def counterexample(self, _prop, _run, _overlay, _out):
        """What was refuted, in the form that explain.py writes; None: there is no execution to show."""
        return None

    def code_of(self, prop, overlay):
        """What the code under proof compiles to; None when it does not."""
        answer = []
        for command in self.compiled(prop, overlay):
            done = subprocess.run(command, capture_output=True, check=False)
            if done.returncode:
                return None
            answer.append(done.stdout)
        return answer


def includes(overlay):
    return [f"-I{overlay}/kernel", "-Ikernel", f"-I{overlay}/verify/arch", "-Iverify/arch"]


class Cbmc(Engine):
    """CBMC, the C bounded model checker, on the sources as they are."""

    def missing(self):
        done = subprocess.run(["tools/setup/cbmc", str(Path(CBMC).parent)], capture_output=True, text=True, check=False)
        return "" if done.returncode == 0 else done.stderr.strip() or "tools/setup/cbmc failed"

    def commands(self, prop, run, overlay, _out):
        words = [os.path.abspath(CBMC), prop["proof"], "-Iverify/cbmc", *includes(overlay), "--c11",
                 *(["--unwind", str(prop.get("unwind", 8))] if "--unwind " not in run.get("options", "") else []), "--object-bits", "8", "--compact-trace",
                 "--no-standard-checks", "--bounds-check", "--pointer-check", "--div-by-zero-check",
                 "--signed-overflow-check", "--undefined-shift-check", "--unwinding-assertions",
                 *prop.get("options", "").split(), *run.get("options", "").split()]
        return [words + (["--stop-on-fail"] if not run.get("reach") else ["-DREACH"])]

    def judge(self, status, output):
        found = re.search(r"\*\* (\d+) of (\d+) failed", output)
        size = f"{found[2]} checks" if found else ""
        if "REACH: " in output and "--stop" not in output and re.search(r"\] line \d+ REACH: ", output):
            vain = re.findall(r"\] line \d+ REACH: (.*): SUCCESS", output)
            return (REFUTED, f"nothing reaches: {'; '.join(vain)}", size) if vain else (PROVED, "", size)
        if status == 0 and "VERIFICATION SUCCESSFUL" in output:
            return PROVED, "", size
        if status == 10:
            why = re.search(r"Violated property:\n(.*\n.*)", output)
            return REFUTED, " ".join(why[1].split()) if why else "failed", size
        return ERROR, "\n".join(output.splitlines()[-5:]), size

    def counterexample(self, prop, run, _overlay, out):
        return explain.from_cbmc((out / f"{run['name']}.log").read_text()) if not run.get("reach") else None

    def compiled(self, prop, overlay):
        run = prop["runs"][0]
        defines = [word for r in (prop, run) for word in r.get("options", "").split() if word.startswith("-D")]
        yield ["gcc", "-O2", "-S", "-w", "-std=gnu17", "-Iverify/cbmc", *includes(overlay), *defines, "-o", "-",
               prop["proof"]]


class Spin(Engine):
    """SPIN, with the kernel's C as transitions where the model asks for it."""

    needs = ("spin", "gcc")

    def flags(self, prop, overlay):
        here = os.getcwd()
        return ["-w", "-std=gnu17", f"-I{here}/verify/spin",
                *(flag.replace("-I", f"-I{here}/", 1) if not os.path.isabs(flag[2:]) else flag
                  for flag in includes(overlay)), *prop.get("options", "").split()]

    def commands(self, prop, run, overlay, out):
        here = os.getcwd()
        spin = ["spin", *(w for w in run.get("model", "").split()), "-a", f"{here}/{prop['proof']}"]
        sources = [self.find(overlay, s) for s in prop.get("sources", [])]
        compile_ = ["gcc", "-O2", *self.flags(prop, overlay), *run.get("options", "").split(), "-DNOREDUCE",
                    f"-DVECTORSZ={prop.get('vector', 4096)}", "-o", "pan", "pan.c", *sources]
        search = ["./pan", "-n", f"-m{run.get('depth', prop.get('depth', 1000000))}",
                  *run.get("search", prop.get("search", "")).split()]
        return [spin, compile_, search]

    def find(self, overlay, source):
        for top in (overlay, Path(".")):
            if (Path(top) / source).exists():
                return os.path.abspath(Path(top) / source)
        raise FileNotFoundError(source)

    def folder(self, out):
        return out

    def judge(self, status, output):
        states = re.search(r"(\d+) states, stored", output)
        errors = re.search(r"errors: (\d+)", output)
        size = f"{int(states[1]):,} states" if states else ""
        if status == -signal.SIGALRM:
            return REFUTED, "an event goes on for ever", size
        if status or not errors or "max search depth too small" in output or "out of memory" in output:
            if re.search(r"pan:\d+: ", output) and errors and errors[1] != "0":
                return REFUTED, re.search(r"pan:\d+: (.*)", output)[1], size
            return ERROR, "\n".join(output.splitlines()[-8:]), size
        if errors[1] != "0":
            return REFUTED, (re.search(r"pan:\d+: (.*)", output) or ["", "error"])[1], size
        return PROVED, "", size

    def counterexample(self, prop, run, overlay, out):
        spin, compile_, _ = self.commands(prop, run, overlay, out)
        for command in (spin, [*compile_, "-DTELLS"]):
            subprocess.run(command, cwd=out, check=True, capture_output=True)
        done = subprocess.run(["./pan", "-r", "sched.pml.trail", "-n"], cwd=out, stdout=subprocess.PIPE, text=True, check=False)
        return explain.from_spin(done.stdout)

    def compiled(self, prop, overlay):
        for source in prop.get("compared", prop.get("sources", [])):
            yield ["gcc", "-O1", "-S", *self.flags(prop, overlay), "-o", "-", self.find(overlay, source)]


class Machine(Engine):
    """verify/asm/prove.py: symbolic execution of assembled machine code."""

    needs = ("as", "aarch64-linux-gnu-as", "/usr/lib/python3/dist-packages/capstone",
             "/usr/lib/python3/dist-packages/unicorn")

    def commands(self, prop, run, overlay, out):
        return [[sys.executable, prop["proof"], run["arch"], run["routine"], "--overlay", str(overlay), "--out",
                 str(out)]]

    def judge(self, status, output):
        size = re.search(r"(\d+ kinds of instructions.*emulator|\d+ instructions.*)", output)
        lines = output.strip().splitlines()
        if status not in (0, 1) or (status and not (lines and lines[-1].startswith("refuted: "))):
            return ERROR, "\n".join(lines[-5:]), ""
        return (REFUTED if status else PROVED), "" if not status else lines[-1], size[1] if size else ""

    def counterexample(self, _prop, run, _overlay, out):
        return explain.from_machine((out / f"{run['name']}.log").read_text())

    def compiled(self, prop, overlay):
        for arch, cc in (("x86_64", "gcc"), ("aarch64", "aarch64-linux-gnu-gcc")):
            for source in prop["code"]:
                if f"/{arch}/" in source:
                    path = Path(overlay) / source
                    yield ["sh", "-c", f"{cc} -c -I{Path(source).parent} -o $0 $1 && objcopy -O binary $0 $0.bin "
                           "--set-section-flags .text=alloc; cat $0; rm -f $0", f"{overlay}/code.o",
                           str(path if path.exists() else source)]


class Traces(Spin):
    """The simulator's traces, given to SPIN's model as an acceptor: tools/prove/accept.py. A mutant is of the
    kernel that runs, in a tree of its own, and not of the model's share of that code."""

    needs = ("gcc", "clang", "make")
    parts = ("Makefile", "kernel", "tools", "sim", "tests/verify", "tests/unit/test.h", "build/sim-clang")
    reader = ["reader.c", "merge.c", "events.c", "buffer.c", "metadata.c"]

    def counterexample(self, _prop, _run, _overlay, _out):
        return None  # the rejected trace is kept, and is one

    def commands(self, prop, run, overlay, out):
        words = run["run"].split()
        cpus = words[words.index("--cpus") + 1]
        sources = [*prop["sources"], *(f"tools/trace/{name}" for name in self.reader)]
        tree, overlay = self.tree(overlay, out), out / "none"
        yield ["gcc", "-O2", *self.flags(prop, overlay), "-DACCEPT", "-DTASKS=24", f"-DCPUS={cpus}", f"-I{os.getcwd()}/tools/trace",
               "-o", "accept", *(self.find(overlay, source) for source in sources)]
        yield [sys.executable, f"{tree}/tools/prove/accept.py", "./accept", "--out", str(out), *words]

    def tree(self, overlay, out):
        """Where the kernel is built: here, or a copy with what the overlay has."""
        changed = [p for p in Path(overlay).rglob("*") if p.is_file()]
        if not changed:
            return os.getcwd()
        tree = out / "tree"
        if not tree.exists():
            for part in self.parts:
                (tree / part).parent.mkdir(parents=True, exist_ok=True)
                if Path(part).exists():
                    subprocess.run(["cp", "-a", part, tree / part], check=True)
            for path in changed:
                shutil.copyfile(path, tree / path.relative_to(overlay))
        return tree

    def compiled(self, prop, overlay):
        words = ["clang", f"-I{overlay}/kernel", *ENGINES["explorer"].flags()]
        for source in prop["compared"]:
            yield [*words, f"-I{Path(source).parent}", "-S", "-o", "-", self.find(overlay, source)]

    def judge(self, status, output):
        lines = output.strip().splitlines()
        found = re.search(r"(\d+) traces with (\d+) operations accepted, (\d+) of (\d+) changed ones rejected", output)
        if status not in (0, 1) or not found:
            return ERROR, "\n".join(lines[-5:]), ""
        traces, operations, caught, doctored = map(int, found.groups())
        size = f"{traces:,} traces, {operations:,} operations"
        return (REFUTED if status else PROVED), lines[0] if status else "", f"{size}; {caught} of {doctored} changed ones rejected"


ENGINES = {"cbmc": Cbmc(), "spin": Spin(), "machine code": Machine(), "traces": Traces()}


class Clock:
    """Seconds since it was made."""

    def __init__(self):
        self.begin = time.monotonic()

    def __str__(self):
        return f"{time.monotonic() - self.begin:5.0f} s"
