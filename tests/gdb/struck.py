"""Runs inside GDB (-x): steps through five functions one instruction at a time, and at each lets the
unwinder see the stack that an interrupt at this very instruction would leave. Prints the callers
that it finds there; they must not depend on the instruction."""

import struct
import sys

import gdb

stacks = sys.modules["kernelview.stacks"]


FRAME_BYTES = {stacks.X86: 128, stacks.ARM: stacks.ARM_IRQ_FRAME_BYTES}


FUNCTIONS = ("tree_remove", "ordered_enqueue", "record_switch")


def names(frame):
    found = []
    while frame is not None and frame.name() != "worker_main":
        found.append(frame.name())
        frame = frame.older()
    return found


def behind(found, function):
    """The callers of a function, which may have functions inlined in it."""
    return found[found.index(function) + 1:] if function in found else found


def write_word(at, value):
    gdb.selected_inferior().write_memory(at, struct.pack("<Q", value))


def through_interrupt(arch, stub, at):
    """Frames as if an interrupt had struck the newest one: its registers go to address `at`."""
    frame = gdb.newest_frame()
    first, last, offsets = next(r for r in stacks.unwinder.ranges[1] if r[2] is stacks.STUBS[arch][stub])
    for name, offset in offsets.items():
        write_word(at + offset, int(frame.read_register(name)) & stacks.WORD)
    registers = {name: int(frame.read_register(name)) & stacks.WORD for name in stacks.KEPT[arch]}
    registers.update({stacks.PC[arch]: (first + last) // 2, stacks.SP[arch]: at})
    stacks.unwinder.show(registers)
    try:
        found = names(gdb.newest_frame())
    finally:
        stacks.unwinder.hide()
    return found[found.index(stub) + 1:]


def walk(arch, stub, function):
    gdb.execute(f"tbreak *{function}", to_string=True)
    gdb.execute("continue", to_string=True)
    callers = behind(names(gdb.newest_frame()), function)
    block = gdb.block_for_pc(gdb.newest_frame().pc())
    steps = 0
    while block.start <= gdb.newest_frame().pc() < block.end:
        here = gdb.newest_frame()
        # Below the stack pointer nothing is in use: the kernel has no red zone.
        at = int(here.read_register("sp")) - FRAME_BYTES[arch]
        found = through_interrupt(arch, stub, at)
        if behind(found, function) != callers:
            print(f"WRONG at {here.pc() - block.start} of {function}: {found}, wanted {callers}")
        steps += 1
        gdb.execute("nexti", to_string=True)
    print(f"STEPPED {function} {steps} callers {' '.join(callers)}")


arch_ = stacks.architecture()
stub_ = {stacks.X86: "interrupt", stacks.ARM: "irq_entry"}[arch_]
gdb.execute("tbreak sleep_fire")
gdb.execute("continue")
for function_ in FUNCTIONS:
    walk(arch_, stub_, function_)
