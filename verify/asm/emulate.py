"""The symbolic machines against an emulator: what they say that an instruction does is what Unicorn,
which is QEMU's translator, does with the same bytes, from random states.

Each instruction of a file that only moves data is executed once on symbols, and then often on numbers
in their place; and arch_switch as a whole, out and back.
"""

import random
import re

import unicorn
from unicorn import arm64_const, x86_const

from machine import MASK, Refuted, need, plus

CODE, DATA, PAGE = 0x400000, 0x10000000, 0x10000
STATES, TRIPS = 40, 500
SEED = 1
# Not compared here: what leaves the routine, and the registers of the system, which the emulator's user
# mode does not have.
ELSEWHERE = {"call", "jmp", "ret", "iretq", "b", "bl", "blr", "eret", "mrs", "msr", "adrp", "cmp"}
KINDS = {
    "x86_64": (unicorn.UC_ARCH_X86, unicorn.UC_MODE_64, lambda name: getattr(x86_const, "UC_X86_REG_" + name.upper())),
    "aarch64": (unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM,
                lambda name: getattr(arm64_const, "UC_ARM64_REG_" + {"x29": "fp", "x30": "lr"}.get(name, name).upper())),
}


class Emulator:
    def __init__(self, arch, code, registers):
        kind, mode, self.number = KINDS[arch]
        self.uc = unicorn.Uc(kind, mode)
        self.uc.mem_map(CODE, PAGE)
        self.uc.mem_map(DATA, 64 * PAGE)
        self.uc.mem_write(CODE, code)
        self.registers = registers

    def read(self, name):
        return self.uc.reg_read(self.number(name))

    def write(self, name, value):
        self.uc.reg_write(self.number(name), value)

    def word(self, at):
        return int.from_bytes(self.uc.mem_read(at, 8), "little")

    def store(self, at, value):
        self.uc.mem_write(at, value.to_bytes(8, "little"))

    def run(self, begin, until, count=0):
        try:
            self.uc.emu_start(begin, until, count=count)
        except unicorn.UcError as error:
            raise Refuted(f"the emulator stops at {begin:#x}: {error}") from None


class Numbers:
    """Random numbers in the place of symbols; those that are addresses lie in memory, far apart."""

    def __init__(self, addresses, rng):
        self.rng = rng
        self.values = {None: 0}
        for number, symbol in enumerate(sorted(a for a in addresses if a)):
            self.values[symbol] = DATA + (2 * number + 1) * PAGE + 16 * rng.randrange(256)

    def __call__(self, value):
        symbol, offset = value
        if symbol not in self.values:
            self.values[symbol] = self.rng.getrandbits(64)
        return (self.values[symbol] + offset) & MASK


def compare(emulator, before, after, memory, numbers, step, text):
    """From `before`, the emulator comes to what `after` and `memory` say."""
    for name in emulator.registers:
        emulator.write(name, numbers(before[name]))
    for at, value in memory.words.items():
        if at not in memory.written:
            emulator.store(numbers(at), numbers(value))
    step(emulator)
    known = {None, *(symbol for symbol, _ in [*before.values(), *memory.words.values()])}
    for name in emulator.registers:
        # What is none of them is a value that the proofs know nothing of.
        need(after[name][0] not in known or emulator.read(name) == numbers(after[name]),
             f"{text}: {name} is {emulator.read(name):#x} in the emulator, {numbers(after[name]):#x} on symbols")
    for at in memory.written:
        need(emulator.word(numbers(at)) == numbers(memory.words[at]), f"{text}: it stores something else in the emulator")


def instructions(module, code):
    """Each kind of instruction of a file once: (pc, bytes, text)."""
    decoder = module.Machine(code, "I", ("the stack", 0)).decoder
    seen = set()
    for section, data in code.sections.items():
        for i in decoder.disasm(data, 0):
            linked = any((section, at) in code.links for at in range(i.address, i.address + i.size))
            if i.mnemonic not in ELSEWHERE and not re.match(r"b\.|nop", i.mnemonic) and not linked and bytes(i.bytes) not in seen:
                seen.add(bytes(i.bytes))
                yield (section, i.address), bytes(i.bytes), f"{i.mnemonic} {i.op_str}"


def check_instructions(arch, module, code):
    rng, count, states = random.Random(SEED), 0, 0
    for pc, data, text in instructions(module, code):
        m = module.Machine(code, "I", ("the stack", 0))
        if not hasattr(m, "do_" + text.split()[0]):
            continue  # no proof comes by
        before = dict(m.r)
        m.step(pc)
        registers = [*module.GENERAL, *([m.SP] if m.SP not in module.GENERAL else [])]
        emulator = Emulator(arch, data, registers)
        for _ in range(STATES):
            numbers = Numbers({at[0] for at in m.memory.words}, rng)
            compare(emulator, before, m.r, m.memory, numbers, lambda e: e.run(CODE, CODE + len(data), 1), text)
            states += 1
        count += 1
    need(count, "there is no instruction to compare")
    return count, states


def round_trip(arch, module, code, rng):
    """B leaves for D's frame, D changes all registers and comes back to B."""
    section, offset = code.symbols["arch_switch"]
    names = [*module.GENERAL, *([module.Machine.SP] if module.Machine.SP not in module.GENERAL else [])]
    emulator = Emulator(arch, code.sections[section], names)
    first, second = {"x86_64": ("rdi", "rsi"), "aarch64": ("x0", "x1")}[arch]
    sp, entry, back = module.Machine.SP, CODE + offset, CODE + PAGE - 64
    slots, stacks = (DATA, DATA + 8), (DATA + 8 * PAGE + 16 * rng.randrange(99), DATA + 16 * PAGE + 16 * rng.randrange(99))

    def begin(stack, slot, to):
        for name in names:
            emulator.write(name, rng.getrandbits(64))
        emulator.write(first, slot)
        emulator.write(second, to)
        emulator.write(sp, stack)
        if arch == "x86_64":
            emulator.store(stack, back)
        else:
            emulator.write("x30", back)
        return {name: emulator.read(name) for name in [*module.CALLEE_SAVED, sp]}

    emulator.uc.mem_write(stacks[1] - 96, rng.randbytes(96))
    emulator.store(stacks[1] - 96 + (48 if arch == "x86_64" else 8), back)
    before = begin(stacks[0], slots[0], stacks[1] - 96)
    emulator.run(entry, back)
    begin(stacks[1], slots[1], emulator.word(slots[0]))
    emulator.run(entry, back)
    if arch == "x86_64":
        before[sp] = plus((None, before[sp]), 8)[1]
    for name, value in before.items():
        need(emulator.read(name) == value, f"{name} is {emulator.read(name):#x} behind a round trip, not {value:#x}")


def prove_instructions(arch, module):
    def proof(code):
        count, states = check_instructions(arch, module, code)
        return f"{count} kinds of instructions, {states} states in the emulator"
    return proof


def prove_switch(arch, module):
    def proof(code):
        count, states = check_instructions(arch, module, code)
        rng = random.Random(SEED)
        for _ in range(TRIPS):
            round_trip(arch, module, code, rng)
        return f"{count} kinds of instructions, {states} states and {TRIPS} round trips in the emulator"
    return proof
