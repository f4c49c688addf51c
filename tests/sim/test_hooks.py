"""The hooks that stand in their callers' code (sim/hooks.awk) count as those that are called: in a program of all kinds of code, and in the
kernel, of which with either a seed is the same execution."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools" / "sim"))
import runs  # noqa: E402

PROGRAM = "tests/unit/runs/random_tasks.c"
CODE = "tests/sim/hooks.c"
HOOKS = {"clang": ["-fsanitize=thread", "-mllvm", "-tsan-instrument-func-entry-exit=0", "-fsanitize-coverage=edge,trace-pc"],
         "gcc": ["-fsanitize=thread", "--param", "tsan-instrument-func-entry-exit=0", "-fsanitize-coverage=trace-pc"]}
STALL_S = 60  # a run takes a tenth of a second; where the hooks count wrong none ends
# As tools/make/toolchain.mk has it for other processors.
CALLED = "COMPILE=$(TARGET_CC) $(CFLAGS) -MMD -MP -c $< -o $@"
RUNS = [(cpus, strategy, seed) for cpus, strategy in ((1, "time"), (4, "time"), (4, "random"), (3, "pct")) for seed in (1, 2, 3)]


def execution(elf, cpus, strategy, seed, *words):
    command = [elf, "--cpus", str(cpus), "--seed", str(seed), "--strategy", strategy, *words]
    done = subprocess.run(command, cwd=runs.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=STALL_S)
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    # The hash is of places in the code, too.
    return re.search(r"^sim: seed=\d+ events=\d+ virtual_ns=\d+ switches=\d+", done.stdout, re.M)[0]


@pytest.mark.parametrize("cc", ["clang", "gcc"])
def test_called_or_in_place(kernels, cc):
    here, called = kernels.elf("sim", cc, PROGRAM), f"build/sim-{cc}-calls/app-random_tasks/kernel.elf"
    kernels.make("kernel", "BOARD=sim", f"CC={cc}", f"APP={PROGRAM}", f"OUT=build/sim-{cc}-calls", CALLED)
    for run in RUNS:
        assert execution(here, *run) == execution(called, *run), run
    races = execution(here, 4, "random", 1, "--watch", "races")
    assert races == execution(called, 4, "random", 1, "--watch", "races")


def counted(tmp_path, cc, words, name, called):
    """What tests/sim/hooks.c says, with hooks of either kind."""
    for command in ([cc, "-O2", "-DHOOKS", "-fno-pie", "-c", CODE, "-o", tmp_path / "hooks.o"],
                    [cc, "-O2", "-g", "-fno-pie", *words, "-S", CODE, "-o", tmp_path / "code.in.s"]):
        subprocess.run(command, cwd=runs.ROOT, check=True)
    code = tmp_path / "code.in.s"
    if not called:
        code = tmp_path / "code.s"
        code.write_text(subprocess.run(["awk", "-f", "sim/hooks.awk", tmp_path / "code.in.s"], cwd=runs.ROOT, check=True, stdout=subprocess.PIPE,
                                       text=True).stdout)
    subprocess.run([cc, "-no-pie", "-Wa,--no-warn", "-Wl,-z,noexecstack", code, tmp_path / "hooks.o", "-o", tmp_path / name], check=True)
    return subprocess.run([tmp_path / name], check=True, stdout=subprocess.PIPE, text=True, timeout=STALL_S).stdout.splitlines()


@pytest.mark.quick
@pytest.mark.parametrize("cc, words", HOOKS.items(), ids=HOOKS)
def test_each_kind_of_code(tmp_path, cc, words):
    called, here = (counted(tmp_path, cc, words, name, name == "called") for name in ("called", "here"))
    assert len(called) == 40 and here == called
    assert "jmp\t8f" in (tmp_path / "code.s").read_text() and "%r11\n\tsubq" in (tmp_path / "code.s").read_text()
