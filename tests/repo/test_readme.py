"""The README's commands work, as they are written, in a clean clone; its links lead somewhere."""

import os
import re
import shutil
import subprocess

import pytest

QUICK = [pytest.mark.quick]

# Each command of the README -> what its output must contain; None: run elsewhere, and where.
COMMANDS = {
    "apt-get update": None,  # how this clone came to be
    "apt-get install -y git make": None,
    "make test": None,  # the command that runs this test
    "make prove QUICK=1": None,  # tests/verify does it
    "make run": "The trace is in build/trace/pc",
    "make help": "make run",
    "make run BOARD=virt CPUS=2": "on virt: 2 CPUs",
    "make run BOARD=sim SEED=7": "make view BOARD=sim   (one HTML file that opens in any browser)",
    "make trace": "Open build/trace/pc.html in a browser",
    "make gdb": "fermata",
    "make docs": "Open build/docs/html/index.html",
    "make lab": "08  Scheduling policies",
    "tools/lab/lab start 8 ../lab08": "Your tree is",
    "tools/sim/fermata-sim run --scenario tools/sim/example.toml": "scenario: done",
    "tools/sim/fermata-sim sweep --scenario tools/sim/example.toml --seeds 1-20": "0 failed",
    "tools/sim/fermata-sim debug": "kernel_main",
    "tools/sim/fermata-sim explore tests/explore/mcs.c": "explore: verified: 4 threads",
}
# Commands within the text: in neither block, but run all the same.
WITHIN_TEXT = {"make picture": "docs/images/trace.svg"}


@pytest.fixture(scope="module")
def readme(root):
    return (root / "README.md").read_text()


@pytest.fixture(scope="module")
def clone(root, tmp_path_factory):
    """The tracked files as they are now, without anything built."""
    where = tmp_path_factory.mktemp("clone") / "fermata"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (root / name).is_file():
            (where / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, where / name)
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "all"]):
        subprocess.run(["git", *words], cwd=where, check=True)
    return where


@pytest.mark.quick
def test_every_command_is_run_by_a_test(readme):
    blocks = re.findall(r"^```sh\n(.*?)^```", readme, re.M | re.S)
    commands = [line for block in blocks for line in block.splitlines()]
    assert set(commands) == set(COMMANDS)
    inline = {c for c in re.findall(r"`(make [^`]+)`", readme)}
    assert inline <= {"make test QUICK=1", *COMMANDS, *WITHIN_TEXT}


@pytest.mark.xdist_group("readme")
@pytest.mark.parametrize("command, expected", [
    pytest.param(command, text, marks=QUICK if command in ("make run", "make help") else [])
    for command, text in {**COMMANDS, **WITHIN_TEXT}.items() if text])
def test_the_command_works(clone, command, expected):
    result = subprocess.run(command.split(), cwd=clone, text=True, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900)
    assert result.returncode == 0, result.stdout
    assert expected in result.stdout


@pytest.mark.quick
def test_links_lead_somewhere(root, readme):
    for target in re.findall(r"\]\(([^)]+)\)", readme):
        if not target.startswith("https://"):
            assert (root / target).exists(), f"README links to {target}, which is not there"


@pytest.mark.quick
def test_ci_runs_the_readmes_test_command(root):
    script = (root / ".ci/run").read_text()
    assert re.search(r"^set -e$", script, re.M)
    assert script.rstrip().splitlines()[-1] == "make test"
    assert os.access(root / ".ci/run", os.X_OK)
