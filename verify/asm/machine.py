"""What both machines share: symbolic values, memory, and the object file.

A value is (symbol, offset): the symbol's value plus a constant, modulo 2^64; a symbol of None is
the constant alone. Memory holds 8-byte words by address; a word that nobody wrote holds a symbol of
its own. A narrower access is not known, and refutes.
"""

import re
import subprocess

MASK = 2**64 - 1
executed = []  # (section, instruction), for who is refuted


class Refuted(Exception):
    """The property does not hold, or the code does something that the machine does not know."""


def need(condition, text):
    if not condition:
        raise Refuted(text)


def plus(value, offset):
    return value[0], (value[1] + offset) & MASK


def signed(offset):
    return offset - 2**64 if offset >= 2**63 else offset


class Memory:
    """Words of 8 bytes. Two addresses differ when their symbols do: the stacks and slots that a
    proof names do not overlap."""

    def __init__(self):
        self.words = {}
        self.written = []

    def load(self, address, width=8):
        self.check(address)
        for at in list(self.words):
            if at[0] == address[0]:
                gap = signed((at[1] - address[1]) & MASK)
                need(gap == 0 or abs(gap) >= 8, f"a load at {show(address)} takes parts of two words")
        if address not in self.words:
            self.words[address] = (f"memory at {show(address)}", 0)
        need(width == 8, f"a load of {width} bytes")
        return self.words[address]

    def store(self, address, value, width=8):
        self.check(address)
        need(width == 8, f"a store of {width} bytes")
        for at in list(self.words):
            if at[0] == address[0] and 0 < abs(signed((at[1] - address[1]) & MASK)) < 8:
                raise Refuted(f"a store at {show(address)} overlaps another word")
        self.words[address] = value
        self.written.append(address)

    def check(self, address):
        need(address[0] is not None, f"an access to the constant address {address[1]:#x}")
        need(address[1] % 8 == 0 or address[0].startswith("code"), f"a misaligned access at {show(address)}")

    def forget(self, keep):
        """Somebody else may have written everything but what keep(address) says."""
        self.words = {at: value for at, value in self.words.items() if keep(at)}


def show(value):
    name, offset = value
    if name is None:
        return f"{offset:#x}"
    return f"{name}{signed(offset):+d}" if offset else name


class Object:
    """An object file: its sections' bytes, its symbols, and where it names others."""

    tools = ("objcopy", "nm", "objdump")

    def __init__(self, path):
        prefix = self.prefix
        self.sections, self.symbols, self.links = {}, {}, {}
        for line in self.words(prefix + "objdump", "-t", path):
            match = re.match(r"([0-9a-f]+) .{7} (\.text\.\w+)\s+[0-9a-f]+ (?:\.hidden )?(\S+)$", line)
            if match:
                self.symbols[match[3]] = (match[2], int(match[1], 16))
        for section in {section for section, _ in self.symbols.values()}:
            target = f"{path}{section}.bin"
            subprocess.run([prefix + "objcopy", "-O", "binary", "-j", section, path, target], check=True)
            with open(target, "rb") as file:
                self.sections[section] = file.read()
        section = None
        for line in self.words(prefix + "objdump", "-r", path):
            header = re.match(r"RELOCATION RECORDS FOR \[(.*)\]", line)
            entry = re.match(r"([0-9a-f]+) (\S+)\s+(\S+)$", line)
            if header:
                section = header[1]
            elif entry:
                self.links[section, int(entry[1], 16)] = (entry[2], entry[3])

    def words(self, *command):
        return subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True).stdout.splitlines()

    def bytes_at(self, pc, count):
        section, offset = pc
        need(section in self.sections and offset < len(self.sections[section]), f"it runs out of its code at {pc}")
        return self.sections[section][offset:offset + count]


def balanced(machine, begin, text):
    need(machine.r[machine.SP] == begin, f"{text}: the stack pointer is {show(machine.r[machine.SP])}, "
         f"not {show(begin)}")


def kept(machine, before, names, text):
    for name in names:
        need(machine.r[name] == before[name], f"{text}: {name} is {show(machine.r[name])}, not {show(before[name])}")


def above(stack, address, level):
    """Whether an address lies on a stack at or above a level."""
    return address[0] == stack[0] and signed((address[1] - level[1]) & MASK) >= 0
