"""Builds what a check runs, runs it, and judges. No verdict depends on the time that passes: a run is
stopped by the events it may take, and a stall limit is only ever reported as a stall."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import cutter
from spec import ROOT, Wrong

sys.path.append(str(ROOT / "tools/sim"))
import bounded  # noqa: E402

NOT_STARTED, NOT_BUILT, FAILED, PASSED = "not started", "not built", "failed", "passed"
TODO_STATUS = 99
NO_TRACE_STATUS = 125  # of tools/run: the kernel ended before it had one
EVENTS_MAX = 300_000_000
EXPLORED_EVENTS_MAX = 3_000_000  # in one schedule of many
BUILD_STALL_S, RUN_STALL_S = 600, 300
PART = {"--from": "explored_from_here", "--to": "explored_to_here"}  # of schedules that are gone through: labs/common/program.h
WHOLE = "tests_held"  # what such a program sets in its end: tests/unit/test.h
TRACE_TOOL = "build/tools/fermata-trace"
HOST_FLAGS = ["-std=gnu17", "-g", "-O1", "-Wall", "-Wextra", "-Ikernel", "-Ikernel/arch/sim", "-I."]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
ENDS = {
    2: "it never came to the part whose schedules are to be gone through",
    101: "the kernel panicked",
    102: "no CPU has anything to do any more, but the program has not ended: somebody waits for what never comes, "
         "or a queue has lost a task",
    103: "there was no end to it within millions of events: something goes round in a circle",
    104: "the simulator itself failed",
    105: "the simulator found a race or a wrong use of a lock or a stack",
    124: "the machine fell silent and did not end",
    159: "code of the kernel made a system call of the host's, and was stopped",
}


@dataclass
class Run:
    """One execution: what it was made with, and what came of it."""
    command: list
    status: int
    said: str
    trace: Path | None = None
    schedules: int = 0  # that were gone through before
    found: str = ""  # one of them is wrong, and this run is it: what makes it one


@dataclass
class Result:
    check: object
    state: str
    runs: int = 0
    schedules: int = 0
    function: str = ""  # not started: which one is missing
    wrong: list = field(default_factory=list)  # lines in plain words
    how: str = ""  # what repeats it, behind the check's name
    at: str = ""  # the time in the trace
    digests: list = field(default_factory=list)


class Bench:
    """Where checks are built and run. @execute runs a command; a grader hands in a sandbox's."""

    def __init__(self, root, lab, execute=None, cc="clang", sanitize=True, tools_in=None, out=None, confine=False):
        self.root, self.lab, self.cc = Path(root), lab, cc
        self.execute = execute or (lambda command, stall_s, writes: self.plain(command, stall_s))
        self.sanitize = sanitize
        self.confine = ["--confine"] if confine else []
        self.tools_in = Path(tools_in or root)  # whose fermata-trace judges
        self.built = {}
        self.folder = self.root / "build" / "lab" / lab.id
        self.out = Path(out) if out else self.folder  # where runs may write

    def plain(self, command, stall_s):
        env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL")}
        env["UBSAN_OPTIONS"] = "print_stacktrace=1"
        try:
            done = subprocess.run([str(w) for w in command], cwd=self.root, stdin=subprocess.DEVNULL, env=env,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=stall_s)
            return done.returncode, done.stdout.decode(errors="replace")
        except subprocess.TimeoutExpired as late:
            return 124, (late.stdout or b"").decode(errors="replace")
        except FileNotFoundError:
            raise Wrong(f"{command[0]} is not installed; make setup installs it") from None

    # ---- building

    def build(self, check, board="sim"):
        """(path, "") or (None, what the compiler said)."""
        key = (check.program, board)
        if key not in self.built:
            self.built[key] = self.host(check) if check.tier == 1 and check.sources else self.kernel(check, board)
        return self.built[key]

    def host(self, check):
        out = self.folder / Path(check.program).stem
        out.parent.mkdir(parents=True, exist_ok=True)
        status, said = self.execute([self.cc, *HOST_FLAGS, f"-I{Path(check.program).parent}/host",
                                     *(SANITIZE if self.sanitize else []), check.program,
                                     *check.sources, "-o", out.relative_to(self.root)], BUILD_STALL_S, True)
        return (None, said) if status else (out, "")

    def kernel(self, check, board):
        image = "raspi" if board.startswith("raspi") else board
        status, said = self.execute(["make", "--no-print-directory", "-j2", f"BOARD={board}", f"CC={self.cc}",
                                     f"APP={check.program}", "kernel"], BUILD_STALL_S, True)
        elf = self.root / f"build/{image}-{self.cc}/app-{Path(check.program).stem}/kernel.elf"
        return (None, said) if status else (elf, "")

    def tools(self):
        if not (self.tools_in / TRACE_TOOL).exists():
            status, said = self.plain(["make", "--no-print-directory", "BOARD=sim", f"CC={self.cc}", "tools"],
                                      BUILD_STALL_S)
            if status:
                raise Wrong(f"fermata-trace does not build:\n{said}")

    # ---- running

    def command(self, check, path, cpus=1, seed=1, board="sim", trace=None):
        """The words that execute a built check once."""
        path = os.path.relpath(path, self.root)
        if check.tier == 1 and check.sources:
            return [f"./{path}", str(seed)]
        if board == "sim":
            return [f"./{path}", *self.confine, "--cpus", str(cpus), "--seed", str(seed), "--strategy", check.strategy,
                    "--max-events", str(EVENTS_MAX), *check.options,
                    *(["--cmdline", check.words] if check.words else []), *(["--trace", str(trace)] if trace else [])]
        return [sys.executable, "tools/run", "--board", board, "--cpus", str(cpus), "--elf", path, "--icount",
                "--timeout", "120", "--append", f"{check.words} set={seed}".strip(),
                *(["--trace", str(trace)] if trace else [])]

    def once(self, check, path, cpus=1, seed=1, board="sim", trace=True):
        run = self.explored(check, path, cpus, seed) if check.bound else None
        if run and run.status:  # it did not come to the scene: the run that shows what it says may tell why
            command = self.command(check, path, cpus, seed, board)
            status, said = self.execute(command, RUN_STALL_S, False)
            return run if status in check.status else Run(command, status, said)
        where = None
        if trace and not (check.tier == 1 and check.sources):
            self.tools()
            where = self.out / "trace"
            where.parent.mkdir(parents=True, exist_ok=True)
        relative = where.relative_to(self.root) if where else None
        if where:
            plain_files(where)
            for file in where.iterdir() if where.exists() else ():
                file.unlink()
        command = self.command(check, path, cpus, seed, board, relative)
        if run and run.found:
            command = [command[0], *self.confine, "--replay", str(self.schedule()), "--max-events", str(EXPLORED_EVENTS_MAX),
                       "--trace", str(relative)]
        status, said = self.execute(command, RUN_STALL_S, False)
        if where:
            plain_files(where)
        return Run(command, status, said.replace("\r\n", "\n"), where, run.schedules if run else 0, run.found if run else "")

    def schedule(self):
        """Where the first wrong schedule is written."""
        return (self.out / "schedule").relative_to(self.root)

    def explored(self, check, path, cpus, seed):
        """Goes through every schedule with few switches. The Run has a status only if that came to no end."""
        file = self.root / self.schedule()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        try:
            part = {option: bounded.part(path, Path(check.program), name) for option, name in PART.items()}
            part["--whole"] = f"{bounded.address(path, WHOLE, 'bBdD')[0]:x}"
        except bounded.Wrong as wrong:
            return Run([], 1, "", None, 0, f"its schedules cannot be gone through: {str(wrong).replace(f'{self.root}/', '')}")
        count = 0
        for bound in range(1, check.bound + 1):  # a schedule with fewer switches is easier to understand
            command = [f"./{os.path.relpath(path, self.root)}", *self.confine, "--cpus", str(cpus), "--seed", str(seed),
                       "--explore", str(bound), *(word for pair in part.items() for word in pair),
                       "--record", str(self.schedule()), "--stop-after", "1", "--max-events", str(EXPLORED_EVENTS_MAX), *(["--cmdline", check.words] if check.words else [])]
            status, said = self.execute(command, RUN_STALL_S, False)
            told = bounded.TOLD.search(said)
            wrong = bool(told) and told[3] != "0"
            # What it says counts only together with how it left, and with what it left.
            if not told or told[7] or status != wrong or (file.is_file() and not file.is_symlink()) != wrong:
                return Run(command, status or 1, said)
            count += int(told[1])
            if wrong:
                switches = self.switches(check, path, file)
                times = {1: "once", 2: "twice"}.get(bound, f"{bound} times")
                return Run(command, 0, said, None, count, f"of the schedules in which a CPU is held up at most {times}, number "
                           f"{int(told[1]):,} is wrong: {switches}")
        return Run(command, 0, said, None, count)

    def switches(self, check, path, file):
        """What makes the schedule in @file a special one, in words."""
        found = []
        for cpu, to, pc in re.findall(r"^switch (\d+) \d+ (\d+) ([0-9a-f]+)$", file.read_text(), re.M):
            _, said = self.execute(["addr2line", "-ifse", os.path.relpath(path, self.root), f"0x{pc}"], RUN_STALL_S, False)
            frames = re.findall(r"^(\w+)\n(\S+:\d+)\b.*$", said, re.M)  # the innermost first, as far as it is inlined
            place = ", called by ".join(f"{name} ({line})" for name, line in frames[:4]) or f"0x{pc}"
            found.append(f"CPU {cpu} is held up in {place}, and CPU {to} goes on")
        return "; then ".join(found) or "no CPU is held up anywhere"

    # ---- judging

    def judge(self, check, run):
        """(state, function or lines that tell what is wrong, time in the trace)."""
        if todo := re.search(r"lab (\d\d): (\w+) is yours", run.said):
            if run.status in (TODO_STATUS, NO_TRACE_STATUS):
                return NOT_STARTED, todo[2], ""
        if run.status in (TODO_STATUS, NO_TRACE_STATUS) and (name := self.missing(check)):
            return NOT_STARTED, name, ""  # a board whose console is not written either says nothing
        lines = []
        for name, text in re.findall(r"^not ok (\w+)(?:: (.*))?$", run.said, re.M):
            reasons = told(run.said, name)
            lines += [text] if text else reasons or [f"the test {name} fails"]
        total = re.search(r"^tests: (\d+) ran, (\d+) failed", run.said, re.M)
        if run.status not in check.status and not (run.status == 1 and lines):
            lines += [*told(run.said, None), self.ending(run)]
        elif not total or int(total[1]) == 0:
            lines.append("the program ended before its tests had run")
        elif int(total[2]) and not lines:
            lines.append(f"{total[2]} of its {total[1]} tests failed")
        at = ""
        if run.trace and check.judged and (run.trace / "metadata").exists():
            more, at = self.rules(check, run.trace)
            lines = more + lines if more else lines
        elif run.trace and check.judged and not lines:
            lines.append("it left no trace by which it could be judged")
        if run.found:
            lines = [run.found, *(lines or ["when it was done again by itself, it left as if all were well"])]
        return (FAILED if lines else PASSED), lines, at

    def missing(self, check):
        """The first function that @check needs and that is not written; "" when all are."""
        for cut in sorted(self.lab.cuts, key=lambda c: c.step):
            if cut.step > (check.until or check.step):
                break
            text = (self.root / cut.file).read_text()
            for name in cut.functions:
                if cutter.is_todo(text, name, self.lab.id, cut.instead, cut.file):
                    return name
        return ""

    def ending(self, run):
        said = ENDS.get(run.status, f"it left with status {run.status}")
        panic = re.search(r"kernel panic on CPU \d+: (.*)", run.said)
        sanitizer = re.search(r"(?:ERROR: \w+Sanitizer: ([^\n]*)|runtime error: ([^\n]*))", run.said)
        signal = f"it was ended by signal {-run.status}" if run.status < 0 else ""
        if run.status == -24:
            signal = "it computed for 20 s, where a right one needs a moment: there is a loop without end"
        if panic:
            frames = re.findall(r"^\s+(?:#\d+ )?(?:0x)?[0-9a-f]+ (\w+)\+0x", run.said, re.M)
            return f"{said}: {panic[1]}" + (f" (in {', called by '.join(frames[:3])})" if frames else "")
        if sanitizer:
            frames = re.findall(r"#\d+ 0x[0-9a-f]+ in (\w+) ((?:kernel|labs)/[^\s:]+:\d+)", run.said.replace(f"{self.root}/", ""))
            return (sanitizer[1] or sanitizer[2]) + (
                f", in {', called by '.join(f'{name} ({line})' for name, line in frames[:3])}" if frames else "")
        return signal or said

    def rules(self, check, trace):
        """What fermata-trace says of the trace: lines, and the time of the first fault."""
        done = subprocess.run([str(self.tools_in / TRACE_TOOL), "check", "--max", "200", str(trace)], text=True,
                              errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if not done.returncode:
            return [], ""
        found = re.findall(r"^([A-Z]\d*[a-z]?) at ([\d.]+) (.*)$", done.stdout, re.M)
        if check.rules:
            found = [f for f in found if f[0] in check.rules]
            if not found and done.returncode == 1:
                return [], ""
        if not found:
            return [f"the trace cannot be judged: {(done.stdout.strip() or 'nothing was said').splitlines()[-1]}"], ""
        texts = self.rule_texts()
        rule, at, what = found[0]
        title, text = texts.get(rule, ("", ""))
        return [f"rule {rule}, {title}: {text}", f"seen at {at} s on {what}"], at

    def rule_texts(self):
        if not hasattr(self, "texts"):
            said = subprocess.run([str(self.tools_in / TRACE_TOOL), "check", "--rules"], text=True, stdout=subprocess.PIPE,
                                  check=True).stdout
            self.texts = {m[1]: (m[2], m[3]) for m in re.finditer(r"^(\w+) +(\S.*?)(?:  +| (?=[A-Z]))(.*)$", said, re.M)}
        return self.texts

    def plans(self, check, seeds=None):
        """(board, cpus, seed) of each execution of @check."""
        first, last = seeds or (1, check.seeds)
        for board in check.boards or ("sim",):
            for cpus in check.cpus:
                for seed in range(first, last + 1) if board == "sim" else [first]:
                    yield board, cpus, seed

    def run(self, check, seeds=None, plans=None, progress=None, compare=None):
        """Runs @check until it fails, or through. @compare looks at each run that passes: lines, if it is
        not what it seems."""
        result = Result(check, PASSED)
        plans = list(plans or self.plans(check, seeds))
        for number, (board, cpus, seed) in enumerate(plans):
            path, said = self.build(check, board)
            if not path:
                result.state, result.wrong = NOT_BUILT, compiler_errors(said)
                return result
            if progress:
                progress(number, len(plans))
            run = self.once(check, path, cpus, seed, board)
            result.runs += 1
            result.schedules += run.schedules
            state, what, result.at = self.judge(check, run)
            if state == PASSED and compare and (odd := compare((board, cpus, seed), run)):
                state, what = FAILED, odd
            result.digests.append(digest(run.said))
            result.how = f"--seed {seed}" + (f" --cpus {cpus}" if len(check.cpus) > 1 or cpus > 1 else "") + (
                f" --board {board}" if board != "sim" else "")
            if state == PASSED:
                continue
            result.state = state
            if state == NOT_STARTED:
                result.function = what
            else:
                result.wrong = what
            return result
        return result


def plain_files(folder):
    """Removes all else from @folder, which what was judged may write: links would lead the judge elsewhere,
    a pipe would keep it waiting."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        folder.unlink()
    for path in folder.iterdir() if folder.exists() else ():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.is_symlink() or not path.is_file():
            path.unlink()


def told(said, name):
    """What a unit program said of test @name before its verdict; None: of the one that it did not end."""
    before = re.split(rf"^not ok {name}\b", said, flags=re.M)[0] if name else said
    lines = re.split(r"^(?:ok|not ok) .*$", before, flags=re.M)[-1].splitlines()
    found = [m for line in lines if (m := re.match(r"\s+(\S+):(\d+): (.*)", line))]
    return list(dict.fromkeys(f"{m[3]}  ({m[1]}:{m[2]})" for m in found))[:2]


def digest(said):
    found = re.search(r"^digest ([0-9a-f]+)$", said, re.M)
    return found[1] if found else ""


def compiler_errors(said):
    lines = [line for line in said.splitlines() if re.search(r"(error|undefined reference|undefined symbol|multiple def)", line)]
    return lines[:4] or said.splitlines()[-4:]


def quoted(command):
    return shlex.join(str(w) for w in command)
