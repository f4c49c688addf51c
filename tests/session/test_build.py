"""A .session file beside a program is compiled by the build: when it changes, and not otherwise."""

import os

import pytest

PROTOCOL = """protocol hi {
	message hello { u32 number; }
	client sends hello;
}
"""
PROGRAM = """/* A program with a protocol of its own. */
#include "hi.session.h"
#include "tests/unit/test.h"

static void it_is_as_described(void)
{
	CHECK_EQ(sizeof(struct hi_hello), BYTES);
}

TESTS_MAIN(PLAIN(it_is_as_described));
"""
PLACE = "build/session-build"


def make(kernels):
    return kernels.make("kernel", "BOARD=sim", "CC=gcc", f"APP={PLACE}/greets.c")


def write(root, protocol, size):
    for name, text in (("hi.session", protocol), ("greets.c", PROGRAM.replace("BYTES", size))):
        if not (root / PLACE / name).exists() or (root / PLACE / name).read_text() != text:
            (root / PLACE / name).write_text(text)


@pytest.fixture
def folder(root, kernels):
    kernels.elf("sim", "gcc")  # its objects are there: what is said below is about the program
    (root / PLACE).mkdir(parents=True, exist_ok=True)
    return root / PLACE


def passes(kernels, root):
    return kernels.sim(root / "build/sim-gcc/app-greets/kernel.elf", cpus=1).returncode == 0


def test_a_protocol_is_compiled_when_it_changes(folder, root, kernels):
    write(root, PROTOCOL, "4")
    make(kernels)
    assert passes(kernels, root)
    again = make(kernels)
    assert "SESSION" not in again and "CC" not in again
    write(root, PROTOCOL.replace("u32", "u64"), "8")
    os.utime(folder / "greets.c", (0, 0))  # its own text is as old as it was
    assert "SESSION" in make(kernels) and passes(kernels, root)


def test_a_mistake_stops_the_build_and_is_named(folder, root, kernels):
    write(root, PROTOCOL.replace("client sends", "client says"), "4")
    with pytest.raises(AssertionError, match=f"{PLACE}/hi.session:3:9: error: expected 'sends' or 'may' behind 'client', found 'says'"):
        make(kernels)
    write(root, PROTOCOL, "4")
    make(kernels)
