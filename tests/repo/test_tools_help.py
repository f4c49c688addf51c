"""Each program in the tree says what it is for when asked, and refuses a word it does not know in one breath."""

import os
import subprocess

import pytest
from conftest import ROOT

PROGRAMS = ["tools/run", "viewer/pack", "tools/bench/bench", "tools/bench/scale", "tools/lab/lab", "tools/lint/await",
            "tools/lint/static-checks", "tools/lint/structure", "tools/prove/prove", "tools/prove/accept.py", "tools/rdgen/rdgen",
            "tools/session/session", "tools/setup/setup", "tools/sim/coverage", "tools/sim/fermata-sim", "tools/soak", "tools/trace/picture"]


def ask(program, *words):
    return subprocess.run([ROOT / program, *words], cwd=ROOT, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)


def test_no_program_is_left_out():
    listed = subprocess.run(["git", "ls-files", "tools", "viewer"], cwd=ROOT, text=True, stdout=subprocess.PIPE, check=True)
    programs = [f for f in listed.stdout.split() if os.access(ROOT / f, os.X_OK)]
    assert sorted(programs) == sorted([*PROGRAMS, "tools/ksyms", "tools/setup/cbmc"])  # parts of the build and of setup


@pytest.mark.quick
@pytest.mark.parametrize("program", PROGRAMS)
def test_help_and_a_wrong_word(program):
    helped = ask(program, "--help")
    assert helped.returncode == 0, helped.stdout
    assert len(helped.stdout.splitlines()) > 1
    refused = ask(program, "--no-such-word")
    assert refused.returncode not in (0, -6, -11), refused.stdout
    assert "Traceback" not in refused.stdout
    assert refused.stdout.strip()
