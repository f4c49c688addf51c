"""Every board boots in every form, runs the demo, leaves with its status and a clean trace."""

import subprocess

import pytest

CPU_COUNTS = [1, 2, 4, 16, 64]

# (board, variant, compiler, CPUs)
MACHINES = [
    *(("pc", "", cc, cpus) for cc in ("clang", "gcc") for cpus in CPU_COUNTS),
    *(("pc", "xapic", "clang", cpus) for cpus in (1, 4, 64)),
    *(("virt", "", cc, cpus) for cc in ("clang", "gcc") for cpus in CPU_COUNTS),
    *(("virt", "gicv2", "clang", cpus) for cpus in (1, 4, 8)),
    *(("virt", variant, "clang", 4) for variant in ("el2", "max")),
    *((board, "", cc, 4) for board in ("raspi3", "raspi4") for cc in ("clang", "gcc")),
    ("raspi3", "raspi3ap", "clang", 4),
    *(("sim", "", cc, cpus) for cc in ("clang", "gcc") for cpus in CPU_COUNTS),
]
QUICK = {("pc", "", "clang", 1), ("pc", "", "clang", 4), ("pc", "", "gcc", 4), ("pc", "", "clang", 64),
         ("virt", "", "clang", 1), ("virt", "", "clang", 4), ("virt", "gicv2", "clang", 4),
         ("raspi3", "", "clang", 4), ("raspi4", "", "clang", 4), ("sim", "", "clang", 1),
         ("sim", "", "clang", 4)}


def machines():
    for machine in MACHINES:
        name = "-".join(str(part) for part in machine if part)
        yield pytest.param(*machine, id=name, marks=[pytest.mark.quick] if machine in QUICK else [])


def check_trace(kernels, trace):
    result = subprocess.run([kernels.trace_tool(), "check", trace], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert result.returncode == 0, f"the trace breaks an invariant:\n{result.stdout}"


def demo_for(board, cpus):
    """The simulator's virtual CPUs share one of the host's: a shorter demo for many of them."""
    return f"demo={max(10, 300 // cpus)}" if board == "sim" else "demo"


@pytest.mark.parametrize("board, variant, cc, cpus", machines())
def test_the_demo_runs_and_leaves_a_clean_trace(kernels, tmp_path, board, variant, cc, cpus):
    trace = tmp_path / "trace"
    elf = kernels.elf(board, cc)
    result = kernels.run(board, elf, "--variant", variant, "--append", demo_for(board, cpus),
                         "--trace", trace, cpus=cpus)
    assert result.returncode == 0, f"{result.command}\n{result.stdout}"
    assert f" on {board}: {cpus} CPU" in result.stdout, result.stdout
    assert "demo: ok" in result.stdout
    check_trace(kernels, trace)


@pytest.mark.parametrize("board, cpus", [(board, cpus) for board in ("pc", "virt") for cpus in (3, 4)])
def test_cpus_on_threads_of_their_own(kernels, tmp_path, board, cpus):
    """More CPUs than a small host has, yet truly side by side."""
    trace = tmp_path / "trace"
    result = kernels.run(board, kernels.elf(board), "--threads", "multi", "--append", "demo=100",
                         "--trace", trace, cpus=cpus)
    assert result.returncode == 0, f"{result.command}\n{result.stdout}"
    check_trace(kernels, trace)


@pytest.mark.parametrize("variant", ["bios-iso", "uefi-iso"])
def test_the_image_for_real_pcs_boots(kernels, tmp_path, variant):
    trace = tmp_path / "trace"
    kernels.make("iso", "BOARD=pc", "CMDLINE=demo")
    result = kernels.run("pc", kernels.elf("pc"), "--variant", variant, "--trace", trace)
    assert result.returncode == 0, f"{result.command}\n{result.stdout}"
    assert "demo: ok" in result.stdout
    check_trace(kernels, trace)
