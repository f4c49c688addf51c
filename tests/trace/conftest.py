"""Fixtures of the trace tests: the tool, also with sanitizers, and traces made by machine.py."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from machine import random_machine
from rings import BASE, DESCRIPTOR_AT, Memory

ROOT = Path(__file__).resolve().parents[2]
STALL_S = 300


class Tool:
    def __init__(self, path, lib):
        self.path, self.lib = path, lib

    def __call__(self, *words, status=None):
        result = subprocess.run([str(self.path), *map(str, words)], capture_output=True, text=True,
                                errors="replace", timeout=STALL_S)
        if status is not None:
            assert result.returncode == status, f"{words}: {result.returncode}\n{result.stdout}{result.stderr}"
        return result

    def extract(self, memory, folder, status=0):
        image = folder.parent / (folder.name + ".ram")
        image.write_bytes(memory.image())
        return self("extract", "--ram", image, "--base", hex(BASE), "--descriptor", hex(DESCRIPTOR_AT), folder,
                    status=status)


def make(*options):
    result = subprocess.run(["make", "-f", "tools/trace/trace.mk", "trace-tools", *options], cwd=ROOT,
                            capture_output=True, text=True, timeout=STALL_S)
    assert result.returncode == 0, result.stdout + result.stderr
    return result


@pytest.fixture(scope="session")
def tool(kernels):
    return Tool(kernels.trace_tool(), None)


@pytest.fixture(scope="session")
def sanitized(tmp_path_factory):
    """The tool with address and undefined-behaviour sanitizers."""
    out = tmp_path_factory.mktemp("sanitized")
    make("TRACE_SANITIZE=1", "HOSTCC=clang", f"TRACE_OUT={out}")
    return Tool(out / "fermata-trace", out / "libtrace.a")


@pytest.fixture
def trace(tool, tmp_path):
    """Makes a trace folder from a run of the Python scheduler; its events are trace.machine's."""

    def build(seed=1, name="trace", memory=None, **options):
        machine_options = {k: options.pop(k) for k in ("cpus", "tasks", "steps", "bug", "start", "shards", "overlap",
                                                               "stacks") if k in options}
        machine = random_machine(random.Random(seed), **machine_options)
        build.machine = machine
        build.memory = Memory(machine.events, len(machine.running), **options)
        folder = tmp_path / name
        tool.extract(build.memory, folder)
        return folder

    return build
