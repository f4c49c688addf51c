"""The explorer as a tool that proves: every execution of a small program on the kernel's code.

A run names a program of tests/explore/. It is linked like `fermata-sim explore` does it, with what its
first comment asks for, but from an overlay where that has a file of its own. What no overlay changes is
compiled once in a call.
"""

import atexit
import os
import re
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

import explain  # knows where the simulator's tools are
import explore
from engines import ENGINES, ERROR, PROVED, REFUTED, Engine, Result, call

FLAGS = """
ARCH := sim
CC := clang
CC_NAME := clang
include tools/make/toolchain.mk
all: ; @echo $(filter-out -g,$(CFLAGS)) -I.
"""
HOST = "clang -std=gnu17 -O2 -fno-pie -fno-omit-frame-pointer -fno-strict-aliasing -I.".split()
SUFFIX = {".c": [], ".S": ["-D__ASSEMBLER__"]}


class Explorer(Engine):
    """sim/explore on the sources as they are."""

    needs = ("clang", "make")

    def __init__(self):
        self.lock = threading.Lock()
        self.objects, self.code = {}, {}
        self.scratch = self.words = None

    def flags(self):
        with self.lock:
            if not self.words:
                Path("build/prove").mkdir(parents=True, exist_ok=True)
                self.scratch = Path(tempfile.mkdtemp(prefix="explorer-", dir="build/prove")).absolute()
                atexit.register(shutil.rmtree, self.scratch, ignore_errors=True)
                self.words = subprocess.run(["make", "-s", "-f", "-"], input=FLAGS, capture_output=True, text=True,
                                            check=True).stdout.split()
        return self.words

    def once(self, source, words):
        """The object of a source that no overlay has; compiled by whoever asks first."""
        with self.lock:
            mine = self.objects.setdefault(source, threading.Lock())
        made = self.scratch / (source.replace("/", "-") + ".o")
        with mine:
            if not made.exists():
                subprocess.run([*words, "-c", source, "-o", made], check=True, capture_output=True, text=True)
        return made

    def sources(self, run):
        program = f"tests/explore/{run['program']}.c"
        links = " ".join(re.findall(r"^ \* links: (.*)$", Path(program).read_text(), re.M)).split()
        return [program, "kernel/base/string.c", *(f"kernel/{name}" for name in links)]

    def object_of(self, source, overlay, out):
        words = ["clang", *self.flags()]
        changed = {str(p.relative_to(overlay)) for p in Path(overlay).rglob("*") if p.is_file()}
        if source not in changed and not any(name.endswith(".h") for name in changed):
            return self.once(source, words)
        made = out / (source.replace("/", "-") + ".o")
        path = Path(overlay) / source
        subprocess.run([*words[:1], f"-I{overlay}/kernel", *words[1:], f"-I{Path(source).parent}", "-c",
                        path if path.exists() else source, "-o", made], check=True, capture_output=True, text=True)
        return made

    def build(self, run, overlay, out):
        objects = [self.object_of(source, overlay, out) for source in self.sources(run)]
        whole, elf = out / f"{run['name']}.o", out / f"{run['name']}.elf"
        subprocess.run(["ld", "-r", "-T", "sim/kernel.ld", "-o", whole, *objects], check=True, capture_output=True, text=True)
        subprocess.run(["objcopy", "--keep-global-symbols=sim/explore.list", whole], check=True, capture_output=True, text=True)
        engine = [self.once(str(source), [*HOST, *SUFFIX[source.suffix]])
                  for source in [*sorted(Path("sim/explore").glob("*.c")), Path("sim/fiber.c"), Path(f"sim/fiber_{os.uname().machine}.S")]]
        subprocess.run(["clang", "-static", "-Wl,--warn-unresolved-symbols", "-o", elf, whole, *engine], check=True, capture_output=True, text=True)
        return elf

    def run(self, prop, run, overlay, out, stall_s=900):
        out.mkdir(parents=True, exist_ok=True)
        try:
            elf = self.build(run, overlay, out)
        except subprocess.CalledProcessError as why:
            return Result(ERROR, (why.stderr or str(why)).strip()[-2000:])
        status, output, seconds, megabytes = call([elf], ".", stall_s)
        (out / f"{run['name']}.log").write_text(output)
        if status is None:
            return Result(ERROR, f"no verdict in {stall_s} s of CPU time", "", seconds, megabytes)
        return Result(*self.judge(status, output), seconds, megabytes)

    def counterexample(self, _prop, run, _overlay, out):
        return explain.from_explorer(explore.named(out / f"{run['name']}.elf", (out / f"{run['name']}.log").read_text()))

    def again(self, prop, run, out):
        """The execution itself, by the simulator's explorer."""
        choices = re.search(r"^explore: again: (--replay .*)$", (out / f"{run['name']}.log").read_text(), re.M)
        return f"tools/sim/fermata-sim explore tests/explore/{run['program']}.c {choices[1]}" if choices else super().again(prop, run, out)

    def judge(self, status, output):
        found = re.search(r"explore: (verified|FAILED): .*?(\d+) executions", output)
        size = f"{int(found[2]):,} executions" if found else ""
        if status == 0 and found and found[1] == "verified":
            return PROVED, "", size
        why = re.search(r"^explore: (?!again|FAILED)(.*)$", output, re.M)
        if status == 1 and why:
            return REFUTED, why[1], size
        if status and status < 0:
            return REFUTED, f"died of signal {-status}", size
        return ERROR, "\n".join(output.splitlines()[-5:]), size

    def compiled(self, prop, overlay):
        """The changed files themselves; where one is a header, the programs and the files that are mutated, too."""
        words = ["clang", f"-I{overlay}/kernel", *self.flags()]
        programs = {self.sources(run)[0] for run in prop["runs"]} if any(f.endswith(".h") for f in prop["code"]) else set()
        for source in sorted(programs | {file for file in prop["code"] if file.endswith(".c")}):
            path = Path(overlay) / source
            yield [*words, f"-I{Path(source).parent}", "-S", "-o", "-", str(path if path.exists() else source)]

    def code_of(self, prop, overlay):
        """As others do, but what the overlay leaves as it is is compiled once."""
        changed = {str(p.relative_to(overlay)) for p in Path(overlay).rglob("*") if p.is_file()}
        headers = any(name.endswith(".h") for name in changed)
        answer = []
        for command in self.compiled(prop, overlay):
            same = not headers and not command[-1].startswith(str(overlay))
            code = self.code.get(command[-1]) if same else None
            if code is None:
                done = subprocess.run(command, capture_output=True, check=False)
                if done.returncode:
                    return None
                code = done.stdout
            if same:
                self.code[command[-1]] = code
            answer.append(code)
        return answer


ENGINES["explorer"] = Explorer()
