"""A model of a device with another carrier than the simulator: a program at the other end of a pipe (carrier.c), with a clock
and a memory of its own, and here a driver of forty lines. And what models, and the kernel, may need of the host."""

import struct
import subprocess

import pytest

DESCRIPTORS, AVAILABLE, USED, HEADER, DATA, DONE = 0x0, 0x200, 0x300, 0x1000, 0x2000, 0x3000
MS = 1_000_000
pytestmark = pytest.mark.quick


class Carried:
    def __init__(self, kernels, root, model, seed=1):
        elf = "build/sim-clang/app-carrier/carrier.elf"
        kernels.make(elf, "BOARD=sim", "CC=clang", "APP=tests/sim/carrier.c")
        self.p = subprocess.Popen([root / elf, model, str(seed)], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.told = []  # what the device did by itself

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.p.stdin.close()
        self.p.wait()

    def ask(self, text):
        print(text, file=self.p.stdin, flush=True)
        answer = None
        while (line := self.p.stdout.readline().rstrip("\n")) != ".":
            assert self.p.poll() is None or line, text
            if line.startswith("= "):
                answer = line[2:]
            else:
                self.told.append(line)
        return answer

    def get(self, offset):
        return int(self.ask(f"r {offset} 4"), 16)

    def put(self, offset, value):
        self.ask(f"w {offset} 4 {value}")

    def store(self, at, data):
        self.ask(f"s {at} {data.hex()}")

    def load(self, at, size):
        return bytes.fromhex(self.ask(f"l {at} {size}"))


def disk_ready(d):
    """VIRTIO 1.2, 3.1.1 and 4.2.3.2, with one queue of eight."""
    assert d.get(0) == 0x74726976 and d.get(8) == 2
    for status in (1, 3):
        d.put(0x70, status)
    for select, features in ((1, 1), (0, 1 << 9)):
        d.put(0x24, select)
        d.put(0x20, features)
    d.put(0x70, 11)
    for offset, value in ((0x30, 0), (0x38, 8), (0x80, DESCRIPTORS), (0x90, AVAILABLE), (0xa0, USED), (0x44, 1), (0x70, 15)):
        d.put(offset, value)
    assert d.get(0x70) == 15


def read_sector(d, sector, index=0):
    """A request (5.2.6) of three descriptors, its notification, and time."""
    d.store(HEADER, struct.pack("<IIQ", 0, 0, sector))
    parts = [(HEADER, 16, 1, 1), (DATA, 512, 3, 2), (DONE, 1, 2, 0)]
    d.store(DESCRIPTORS, b"".join(struct.pack("<QIHH", *part) for part in parts))
    d.store(AVAILABLE + 4 + 2 * index, struct.pack("<H", 0))
    d.store(AVAILABLE + 2, struct.pack("<H", index + 1))
    d.put(0x50, 0)
    d.ask(f"p {10 * MS}")


def test_a_disk_at_the_other_end_of_a_pipe(kernels, root):
    with Carried(kernels, root, "virtio-blk") as d:
        disk_ready(d)
        assert d.told == []
        for index, sector in enumerate((5, 63)):
            read_sector(d, sector, index)
            assert d.told.pop(0) == "irq 1" and d.get(0x60) == 1
            assert d.load(DATA, 512) == bytes([sector]) * 512 and d.load(DONE, 1) == b"\0"
            assert d.load(USED, 4) == struct.pack("<HH", 0, index + 1)
            d.put(0x64, 1)
            assert d.told.pop(0) == "irq 0" and d.told == []


def test_what_the_carrier_refuses_breaks_the_device(kernels, root):
    """Memory is the carrier's: here 64 KiB. The model asks for a reset then (2.1.2)."""
    with Carried(kernels, root, "virtio-blk") as d:
        disk_ready(d)
        d.put(0x44, 0)
        d.put(0x80, 0x20000)
        d.put(0x44, 1)
        read_sector(d, 1)
        assert d.told == ["refused 0x20000 8", "irq 1"] and d.get(0x70) & 0x40, d.told


def test_misuse_is_told_to_any_carrier(kernels, root):
    with Carried(kernels, root, "pl011") as d:
        d.put(0x18, 1)
        assert d.ask("r 0 2") == "0"
        assert d.told == ["wrong writes FR, which is read only",
                          "wrong reads 2 bytes at offset 0, of DR, which is accessed as 4 bytes"]


def test_a_line_that_is_none(kernels, root):
    with Carried(kernels, root, "hpet") as d:
        pass
    result = subprocess.run([root / "build/sim-clang/app-carrier/carrier.elf", "hpet"], text=True, input="fly\n", stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)
    assert result.returncode == 2 and "carrier: fly: this is no line that hpet understands" in result.stdout


def test_a_model_that_needs_the_engine_is_not_built(kernels):
    """sim/devices.c, which carries the models in the simulator, in their place."""
    kernels.elf("sim", "clang")
    part = "build/sim-clang/engine/devices.o"
    result = kernels.attempt("build/sim-clang/engine/models.o", "BOARD=sim", "CC=clang", f"MODELS_OBJS={part}", "-W", part)
    assert result.returncode == 2 and "models of devices may use only" in result.stdout and "  sim_console_write\n" in result.stdout, result.stdout


@pytest.mark.parametrize("cc", ["clang", "gcc"])
def test_a_kernel_that_needs_the_host_is_not_built(kernels, cc):
    result = kernels.attempt("kernel", "BOARD=sim", f"CC={cc}", "APP=tests/sim/escapes.c")
    assert result.returncode == 2 and "the kernel may use only sim/port.h of its host, but it also needs:\n  time\n" in result.stdout, result.stdout
