"""A policy cannot write what it does not own: the compilers, as the build calls them, refuse it."""

import re
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
SAYS = {
    "writes_parameters": "incompatible",
    "writes_through_const": "read-only|cannot assign|const-qualified",
    "casts_const_away": "cast-qual|discards|drops const",
    "peek_changes_the_queue": "discards",
}
COMPILERS = {"gcc": ["aarch64-linux-gnu-gcc"], "clang": ["clang", "--target=aarch64-none-elf"]}


def flags(root, who):
    """Those that the build uses for kernel/sched/."""
    listed = subprocess.run(["make", "-Bn", "kernel", "BOARD=virt", f"CC={who}"], cwd=root, text=True, check=True,
                            capture_output=True).stdout
    line = next(line for line in listed.splitlines() if "kernel/sched/fair.c" in line and " -c " in line)
    return [word for word in line.split() if re.match(r"-W(?!conditional|thread)|-std|-f|-I|-mgeneral", word)]


@pytest.mark.quick
@pytest.mark.parametrize("who", COMPILERS)
def test_policy_that_oversteps(root, who):
    words = flags(root, who)
    assert "-Wcast-qual" in words
    assert sorted(SAYS) == sorted(f.stem for f in HERE.glob("wrong/*.c"))
    for name, says in SAYS.items():
        result = subprocess.run([*COMPILERS[who], *words, "-c", str(HERE / "wrong" / f"{name}.c"), "-o", "/dev/null"],
                                cwd=root, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert result.returncode and re.search(says, result.stdout), f"{who} accepts {name}:\n{result.stdout}"


@pytest.mark.quick
@pytest.mark.parametrize("who", COMPILERS)
def test_policies_do_not(root, who):
    for file in sorted((root / "kernel/sched").glob("*.c")):
        result = subprocess.run([*COMPILERS[who], *flags(root, who), "-c", str(file), "-o", "/dev/null"], cwd=root,
                                text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert result.returncode == 0, result.stdout
