"""The viewer as the tests see it: bundled for node, as a page, and with traces in it."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/trace"))

from machine import random_machine  # noqa: E402
from rings import BASE, DESCRIPTOR_AT, Memory  # noqa: E402

STALL_S = 900


def run(*words, **options):
    return subprocess.run(list(map(str, words)), cwd=ROOT, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=STALL_S, **options)


def must(*words, **options):
    result = run(*words, **options)
    assert result.returncode == 0, f"{words}\n{result.stdout}{result.stderr}"
    return result.stdout


@pytest.fixture(scope="session")
def page(kernels):
    """The viewer without a trace."""
    kernels.make("build/viewer/viewer.html", "BOARD=sim")
    return ROOT / "build/viewer/viewer.html"


@pytest.fixture(scope="session")
def bundle(page, tmp_path_factory):
    """Bundles one of tests/viewer's TypeScript files for node."""
    folder = tmp_path_factory.mktemp("bundle")

    def make(name):
        out = folder / f"{name}.mjs"
        if not out.exists():
            must("esbuild", "--bundle", "--platform=node", "--format=esm", "--target=es2022", "--log-level=warning",
                 "--supported:node-colon-prefix-import=true",
                 "--alias:events=./build/viewer/events.ts", "--alias:sources=./build/viewer/sources.ts", f"tests/viewer/{name}.ts", f"--outfile={out}")
        return out

    return make


@pytest.fixture(scope="session")
def dump(bundle):
    """What the viewer makes of files, as a dictionary."""

    def read(*files):
        return json.loads(must("node", bundle("dump"), *files))

    return read


@pytest.fixture(scope="session")
def demo(kernels, tmp_path_factory):
    """A trace of the simulator's demo, by seed."""
    kernels.trace_tool()
    folder = tmp_path_factory.mktemp("demo")

    def make(seed=1, cpus=4, cmdline="demo=30"):
        where = folder / f"{cmdline.replace(' ', '_').replace('=', '')}-{cpus}-{seed}"
        if not where.exists():
            result = kernels.sim(kernels.elf("sim"), "--cmdline", cmdline, "--trace", where, cpus=cpus, seed=seed)
            assert result.returncode == 0, result.stdout
        return where

    return make


@pytest.fixture(scope="session")
def invented(kernels, tmp_path_factory):
    """A trace of the Python machine, also with a planted bug or with lost packets."""
    tool = kernels.trace_tool()
    folder = tmp_path_factory.mktemp("machine")

    def make(seed, **options):
        words = {k: options.pop(k) for k in ("cpus", "tasks", "steps", "bug", "start") if k in options}
        name = "-".join(map(str, [seed, *sorted(words.items()), *sorted(options.items())]))
        where = folder / "".join(c if c.isalnum() else "_" for c in name)
        if not where.exists():
            machine = random_machine(random.Random(seed), **words)
            memory = Memory(machine.events, len(machine.running), **options)
            image = folder / (where.name + ".ram")
            image.write_bytes(memory.image())
            result = run(tool, "extract", "--ram", image, "--base", hex(BASE), "--descriptor", hex(DESCRIPTOR_AT), where)
            assert (where / "metadata").exists(), result.stdout + result.stderr
            image.unlink()
        return where

    return make


@pytest.fixture(scope="session")
def placed(kernels, tmp_path_factory):
    """A trace of tasks that may run on some CPUs only."""
    kernels.trace_tool()
    kernels.elf("sim", app="tools/sim/scenario.c")
    folder = tmp_path_factory.mktemp("placed") / "trace"
    must("tools/sim/fermata-sim", "run", "--scenario", "tests/viewer/placed.toml", "--trace", folder)
    return folder


def files_of(folder):
    return sorted(p for p in Path(folder).iterdir() if p.is_file())
