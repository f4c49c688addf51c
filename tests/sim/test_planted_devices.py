"""Planted mistakes of drivers: as test_planted.py, of registers, interrupts, memory that devices reach, and limits."""

import re
import subprocess
import sys

import pytest
from test_planted import EVENTS_MAX, FAILED, FOUND, NO_PROGRESS, RIGHT_SEEDS, SWITCHES_MAX, TRIED, blocks, options, statuses

PROGRAM = "tests/sim/planted_devices.c"
DEVICES, RACES, MEMORY, NONE = "devices", "races", "memory", "none"
BLK = "virtio-blk"
# name -> what looks, seeds within which it shows, what is said first (or the status), a function of each back trace
BUGS = {
    "missing_barrier": (RACES, 20, "data race on [248] bytes", f"by {BLK}"),
    "notified_unfenced": (NONE, 20, FAILED),
    "taken_relaxed": (RACES, 20, "data race on 4 bytes", f"by {BLK}"),
    "reset_unordered": (RACES, 20, "data race on 8 bytes", f"by {BLK}"),
    "unacknowledged": (DEVICES, 20, f"{BLK}: its interrupt is not acknowledged"),
    "cpu_address": (DEVICES, 1, f"{BLK} reads 16 bytes at device address 0x[0-9a-f]+, where nothing was ever mapped", f"by {BLK}"),
    "left_out_a_step": (DEVICES, 1, f"{BLK}: the driver writes 0x7 to Status, which leaves out a step"),
    "reserved_bit": (DEVICES, 1, f"{BLK}: the driver writes 0x1000b to Status, of which the bits 0x10000 are reserved"),
    "wrong_size": (DEVICES, 1, f"{BLK}: the driver reads 1 bytes at offset 0x70, of Status, which is accessed as 4 bytes"),
    "chain_goes_round": (DEVICES, 1, f"{BLK}: the driver makes a chain of more descriptors than its queue has", f"by {BLK}"),
    "written_before_read": (DEVICES, 1, f"{BLK}: the driver puts what the device reads behind what it writes", f"by {BLK}"),
    "notified_too_early": (DEVICES, 1, f"{BLK}: the driver notifies of queue 0 before DRIVER_OK"),
    "left_after_the_limit": (DEVICES, 20, f"{BLK} reads 16 bytes at device address 0x[0-9a-f]+, where nothing is mapped for it any more", f"by {BLK}"),
    "waits_for_ever": (NONE, 1, NO_PROGRESS),
    "read_too_early": (DEVICES, 1, "memory is read that a device owns: 1 bytes", "meanwhile|reads|side_run", "vmap|vblk_map"),
    "reused_too_early": (DEVICES, 1, "memory is written that a device owns: 1 bytes", "meanwhile|writes|side_run", "vmap|vblk_map"),
    "unmapped_too_early": (DEVICES, 1, f"{BLK} reads 16 bytes at device address 0x[0-9a-f]+, where nothing is mapped for it any more",
                           f"by {BLK}", "vblk_unmap|meanwhile"),
    "freed_while_mapped": (MEMORY, 5, "memory that was given back is used: 8 bytes", f"by {BLK}", "kfree"),
    "given_twice": (DEVICES, 5, f"{BLK}: the driver makes descriptor 0 available, which the device has still", f"by {BLK}"),
    "mapped_in_part": (DEVICES, 1, f"{BLK} writes 512 bytes at device address 0x[0-9a-f]+, where its mapping does not let it, or ends",
                       f"by {BLK}", "vmap|mapped_.*"),
    "mapped_to_read": (DEVICES, 1, f"{BLK} writes 512 bytes at device address 0x[0-9a-f]+, where its mapping does not let it, or ends",
                       f"by {BLK}", "vmap|mapped_.*"),
    "unmapped_twice": (DEVICES, 1, "512 bytes at device address 0x[0-9a-f]+ are given back, which are not mapped"),
    "blindly_sent": (DEVICES, 1, "pl011: the driver writes DR while its FIFO is full"),
    "rate_changed_while_on": (DEVICES, 1, "pl011: the driver changes the rate or the format while the UART is enabled"),
    "pulled_too_fast": (DEVICES, 1, "bcm2835-gpio: the driver clocks a pull [0-9]+ ns after it wrote GPPUD"),
    "cleared_with_others": (NONE, 1, FAILED),
    "match_in_the_past": (NONE, 5, NO_PROGRESS),
    "counter_set_while_it_counts": (DEVICES, 1, "hpet: the driver writes the counter while it counts"),
}
FAULTS = {"left_after_the_limit": ["device-slow=2"], "waits_for_ever": ["device-stuck=1"]}
ALONE = re.compile(r"the driver |given back, which|not acknowledged")  # reports that may have no earlier place


def words_of(bug, *more):
    faults = [word for fault in FAULTS.get(bug, []) for word in ("--fault", fault)]
    return options(f"bug={bug}" + "".join(f" {word}" for word in more), "--device", "all", *faults)


def watch_of(bug):
    return [] if BUGS[bug][0] == NONE else ["--watch", BUGS[bug][0]]


def failing_seeds(kernels, cc, bug):
    elf = kernels.elf("sim", cc, PROGRAM)
    status = FOUND if watch_of(bug) else BUGS[bug][2]
    return (seed for seed, o in statuses(elf, [*words_of(bug), *watch_of(bug)], range(1, BUGS[bug][1] + 1)) if o.status == status)


@pytest.mark.quick
@pytest.mark.parametrize("cc", ["clang", "gcc"])
@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_mistake_is_found(kernels, bug, cc):
    elf = kernels.elf("sim", cc, PROGRAM)
    seed = next(failing_seeds(kernels, cc, bug), None)
    assert seed, f"{bug} was not found within {BUGS[bug][1]} seeds"
    result = kernels.sim(elf, *words_of(bug), *watch_of(bug), cpus=2, seed=seed)
    if not watch_of(bug):
        assert result.returncode == BUGS[bug][2], result.stdout
        return
    says, *places = BUGS[bug][2:]
    assert result.returncode == FOUND and re.search(f"^sim: ({says})", result.stdout, re.M), result.stdout
    assert "sim: again: " in result.stdout
    labels = set(re.findall(r"below, as (\[\d+\])", result.stdout))
    assert labels == set(re.findall(r"^  (\[\d+\]) ", result.stdout, re.M)), result.stdout
    assert labels or ALONE.search(result.stdout), result.stdout
    traces = blocks(result.stdout)
    assert traces, result.stdout  # whose access it is or what made the device act: on a CPU
    for place in places:
        assert place in result.stdout if place.startswith("by ") else \
            any(re.fullmatch(place, name) for trace in traces for name in trace), (place, result.stdout)


@pytest.mark.parametrize("bug", BUGS)
def test_the_right_driver_is_clean(kernels, bug):
    elf = kernels.elf("sim", "clang", PROGRAM)
    for seed, o in statuses(elf, [*words_of(bug, "right"), "--watch", "all"], range(1, RIGHT_SEEDS + 1)):
        assert o.status == 0, f"seed {seed}: {o.output}"


@pytest.mark.parametrize("bug", BUGS)
def test_a_run_with_a_mistake_is_made_small(kernels, root, tmp_path, bug):
    elf = kernels.elf("sim", "clang", PROGRAM)
    said = ""
    for tried, seed in enumerate(failing_seeds(kernels, "clang", bug)):
        first = kernels.sim(elf, *words_of(bug), *watch_of(bug), "--record", tmp_path / "run", cpus=2, seed=seed)
        done = subprocess.run([sys.executable, "tools/sim/fermata-sim", "shrink", tmp_path / "run", "-o", tmp_path / "small"],
                              cwd=root, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout
        lines = (tmp_path / "small").read_text().splitlines()
        said += f"seed {seed}: {done.stdout}"
        if sum(line.startswith("switch ") for line in lines) <= SWITCHES_MAX:
            small = kernels.sim(elf, "--replay", tmp_path / "small", "--max-events", EVENTS_MAX)
            assert small.returncode == first.returncode
            assert any(line.startswith("device ") for line in lines)
            return
        if tried + 1 == TRIED:
            break
    pytest.fail(said)
