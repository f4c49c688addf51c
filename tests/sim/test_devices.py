"""The simulated machine's devices, driven by the kernel's drivers and by small ones of the tests."""

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools" / "sim"))
import runs  # noqa: E402

PROGRAM = "tests/sim/driven.c"
TESTS = ["uart_loopback", "hpet_counts", "hpet_fires", "hpet_in_time", "gpio_edges", "gpio_pull", "blk_reads_and_writes",
         "blk_in_any_order", "net_echoes"]
EVENTS_MAX = 5_000_000
SEEDS = 20
FAULTS = ["device-stuck=4", "device-slow=4", "device-error=4", "irq-spurious=10", "irq-late=3", "irq-lost=5"]


def options(test, *more, strategy="random"):
    return ["--cpus", 2, "--device", "all", "--strategy", strategy, "--watch", "all", "--max-events", EVENTS_MAX,
            "--cmdline", f"only={test}", *more]


def outputs(elf, words, seeds=range(1, SEEDS + 1)):
    batch = runs.Batch(elf, words)
    for seed in seeds:
        yield seed, batch.run([f"seed {seed}"])
    batch.close()


@pytest.mark.quick
@pytest.mark.parametrize("cc", ["clang", "gcc"])
@pytest.mark.parametrize("strategy", ["random", "time", "pct"])
@pytest.mark.parametrize("test", TESTS)
def test_drivers_work_and_are_clean(kernels, test, strategy, cc):
    elf = kernels.elf("sim", cc, PROGRAM)
    for seed, o in outputs(elf, options(test, strategy=strategy)):
        assert o.status == 0, f"seed {seed}: {o.output}"


def test_requests_come_back_in_both_orders(kernels):
    elf = kernels.elf("sim", "clang", PROGRAM)
    firsts = {line for _, o in outputs(elf, options("blk_in_any_order")) for line in o.output.splitlines() if line.startswith("first: ")}
    assert firsts == {"first: 0", "first: 1"}


@pytest.mark.parametrize("cc", ["clang", "gcc"])
def test_a_driver_with_a_time_limit_survives_a_bad_disk(kernels, cc):
    elf = kernels.elf("sim", cc, PROGRAM)
    said = set()
    for seed, o in outputs(elf, options("blk_survives", *(word for fault in FAULTS for word in ("--fault", fault)))):
        assert o.status == 0, f"seed {seed}: {o.output}"
        said |= {line for line in o.output.splitlines() if line.startswith("again: ")}
    assert said == {"again: timed out", "again: invalid argument"}


@pytest.mark.quick
@pytest.mark.parametrize("fault, status", [("irq-late=1", 0), ("irq-lost=20", 102)])
def test_interrupts_come_late_or_not_at_all(kernels, fault, status):
    """Late ones all come, up to 100 us behind their time. Who waits for a lost one without a limit waits for ever."""
    elf = kernels.elf("sim", "clang", PROGRAM)
    found = {o.status for _, o in outputs(elf, [*options("hpet_in_time late" if "late" in fault else "hpet_in_time"), "--fault", fault])}
    assert status in found and found <= {0, status}, found


def test_the_uart_has_the_input_and_the_output(kernels):
    elf = kernels.elf("sim", "clang", PROGRAM)
    result = kernels.sim(elf, "--device", "pl011", "--watch", "all", "--cmdline", "only=uart_echo", cpus=2, stdin="hello\n")
    assert result.returncode == 0 and "by the UART: hello" in result.stdout, result.stdout


@pytest.mark.quick
def test_a_run_with_devices_repeats(kernels, root, tmp_path):
    elf = kernels.elf("sim", "clang", PROGRAM)
    words = options("blk_survives", "--fault", "device-slow=3", "--record", tmp_path / "run")
    first, again = (kernels.sim(elf, *words, seed=5).stdout.splitlines()[-1] for _ in range(2))
    assert first == again and "hash=" in first
    [(_, batched)] = outputs(elf, words[:-2], seeds=[5])
    assert f"hash={batched.hash}" in first
    replayed = kernels.sim(elf, "--replay", tmp_path / "run").stdout.splitlines()[-1]
    assert replayed.split("switches=")[0] == first.split("switches=")[0]


def test_without_a_device_there_is_none(kernels):
    elf = kernels.elf("sim", "clang", PROGRAM)
    result = kernels.sim(elf, "--device", "pl011", "--cmdline", "only=gpio_pull")
    assert result.returncode == 101 and "no device at this register" in result.stdout
    wrong = kernels.sim(elf, "--device", "floppy")
    assert wrong.returncode == 2 and "names no device" in wrong.stdout


@pytest.mark.quick
@pytest.mark.parametrize("cc", ["clang", "gcc"])
def test_models_are_as_their_data_sheets(kernels, root, cc):
    """Without the simulator: that they link shows that models know nothing of it."""
    elf = f"build/sim-{cc}/app-models/models.elf"
    kernels.make(elf, "BOARD=sim", f"CC={cc}", "APP=tests/sim/models.c")
    result = subprocess.run([root / elf], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert result.returncode == 0 and "tests: 18 ran, 0 failed" in result.stdout, result.stdout


@pytest.mark.quick
def test_watching_devices_changes_nothing(kernels):
    elf = kernels.elf("sim", "clang", PROGRAM)
    for seed in range(1, 6):
        words = ["--device", "all", "--strategy", "random", "--fault", "device-slow=3", "--cmdline", "only=blk_survives"]
        summaries = {kernels.sim(elf, *words, *watch, cpus=2, seed=seed).stdout.splitlines()[-1]
                     for watch in ([], ["--watch", "all"], ["--watch", "devices"])}
        assert len(summaries) == 1, summaries
