"""What all tests share: where the tree is, and how to build and run a kernel."""

import fcntl
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BUILD_STALL_S = 600
RUN_STALL_S = 300


def image_of(board):
    return "raspi" if board.startswith("raspi") else board


class Kernels:
    """Builds kernels, each once per test process, and runs them with tools/run."""

    def __init__(self):
        self.built = set()

    def attempt(self, *words):
        """Run make with the repository's Makefile. One at a time for each tree of objects, also
        across test processes."""
        options = dict(word.split("=", 1) for word in words if "=" in word)
        tree = ROOT / "build" / f"{image_of(options.get('BOARD', 'pc'))}-{options.get('CC', 'clang')}"
        tree.mkdir(parents=True, exist_ok=True)
        with open(tree / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return subprocess.run(["make", "--no-print-directory", *words], cwd=ROOT, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=BUILD_STALL_S)

    def make(self, *words):
        """The same, for what must succeed; its output."""
        result = self.attempt(*words)
        assert result.returncode == 0, f"make {' '.join(words)}:\n{result.stdout}"
        return result.stdout

    def elf(self, board, cc="clang", app=""):
        """The kernel for a board, with kernel/apps/ or with another program instead."""
        key = (image_of(board), cc, app)
        if key not in self.built:
            self.make("kernel", f"BOARD={board}", f"CC={cc}", f"APP={app}")
            self.built.add(key)
        tree = ROOT / "build" / f"{key[0]}-{cc}"
        return (tree / f"app-{Path(app).stem}" if app else tree) / "kernel.elf"

    def trace_tool(self):
        if "tools" not in self.built:
            self.make("tools", "BOARD=sim")
            self.built.add("tools")
        return ROOT / "build" / "tools" / "fermata-trace"

    def run(self, board, elf, *words, cpus=4, stdin=subprocess.DEVNULL):
        """Launch with tools/run; the completed process with its output as text."""
        if "--trace" in words:
            self.trace_tool()
        command = [sys.executable, "tools/run", "--board", board, "--cpus", str(cpus), "--elf",
                   str(elf), "--timeout", str(RUN_STALL_S), *map(str, words)]
        result = subprocess.run(command, cwd=ROOT, stdin=stdin, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, errors="replace")
        result.command = " ".join(command)
        return result


    def sim(self, elf, *words, cpus=4, seed=1, stdin=""):
        """Run a kernel of the simulator as it is, which is cheap enough for thousands of runs."""
        command = [str(elf), "--cpus", str(cpus), "--seed", str(seed), *map(str, words)]
        result = subprocess.run(command, cwd=ROOT, input=stdin, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, errors="replace",
                                timeout=RUN_STALL_S)
        result.command = shlex.join(command)
        return result


@pytest.fixture(scope="session")
def kernels():
    return Kernels()


@pytest.fixture(scope="session")
def root():
    return ROOT


def pytest_configure(config):
    config.addinivalue_line("markers", "quick: part of `make test QUICK=1`")
    os.environ.pop("MAKEFLAGS", None)  # of the make that started us
    os.environ.pop("MAKELEVEL", None)


@pytest.fixture(autouse=True)
def reproduce(request):
    """A failing test says how to run it alone."""
    yield
    report = getattr(request.node, "call_report", None)
    if report is not None and report.failed:
        print(f"\nTo run this test alone: make test PYTEST=\"-k '{request.node.name}'\"")
