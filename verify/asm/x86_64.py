"""The part of x86_64 that kernel/arch/x86_64's switch.S and vectors.S use, on symbols, and their
proofs. Source: Intel SDM vol. 2 (instructions), vol. 3, 6.14 (interrupts and IRET in 64-bit mode);
System V AMD64 ABI 3.2.1 (what a call keeps), 3.2.2 (the stack at a call)."""

import capstone
from capstone import x86 as X

import machine
from machine import Memory, above, balanced, kept, need, plus

VECTORS = "kernel/arch/x86_64/vectors.S"
SWITCH = "kernel/arch/x86_64/switch.S"
GENERAL = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split()
CALLEE_SAVED = "rbx rbp r12 r13 r14 r15".split()
INSTRUCTIONS_MAX = 200


class Code(machine.Object):
    prefix = ""


class Machine:
    SP = "rsp"

    def __init__(self, code, name, stack):
        self.code, self.memory, self.steps = code, Memory(), 0
        self.r = {reg: (f"{name}.{reg}", 0) for reg in [*GENERAL, "rflags", "cs", "ss"]}
        self.r["rsp"] = stack
        self.direction = "any"  # the direction flag, as far as it is known
        self.on_call = {}
        self.decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
        self.decoder.detail = True

    def push(self, value):
        self.r["rsp"] = plus(self.r["rsp"], -8)
        self.memory.store(self.r["rsp"], value)

    def pop(self):
        value = self.memory.load(self.r["rsp"])
        self.r["rsp"] = plus(self.r["rsp"], 8)
        return value

    def address(self, op):
        need(op.mem.index == 0 and op.mem.segment == 0 and op.mem.base, "an address of more than base and offset")
        return plus(self.r[self.name(op.mem.base)], op.mem.disp)

    def name(self, reg):
        name = self.decoder.reg_name(reg)
        wide = {"edi": "rdi"}.get(name, name)
        need(wide in self.r, f"register {name}")
        return wide

    def value(self, op):
        if op.type == X.X86_OP_IMM:
            return None, op.imm & machine.MASK
        if op.type == X.X86_OP_MEM:
            return self.memory.load(self.address(op), op.size)
        need(op.size == 8, "a part of a register is read")
        return self.r[self.name(op.reg)]

    def target(self, pc, i):
        """Where a jump or call leads: a symbol's name, or a place in this section."""
        at = pc[0], pc[1] + i.size - 4
        if at in self.code.links:
            name, offset = self.code.links[at][1].split("-")[0].split("+")[0], self.code.links[at][1]
            need(offset.endswith("-0x0000000000000004"), f"a jump to {offset}")
            return name
        return pc[0], i.operands[0].imm

    def step(self, pc):
        """Executes one instruction; what comes next: a place, or (\"leaves\", a value)."""
        i = next(self.decoder.disasm(self.code.bytes_at(pc, 15), pc[1]), None)
        need(i is not None, f"no instruction at {pc}")
        self.steps += 1
        need(self.steps < INSTRUCTIONS_MAX, "it does not end")
        machine.executed.append((pc[0], f"{i.mnemonic} {i.op_str}"))
        after = pc[0], pc[1] + i.size
        op = i.operands
        handler = getattr(self, "do_" + i.mnemonic, None)
        need(handler is not None, f"it does not know {i.mnemonic} {i.op_str}")
        return handler(pc, i, op) or after

    def do_push(self, _pc, i, op):
        need(op[0].size == 8 or op[0].type == X.X86_OP_IMM, f"push {i.op_str}")
        self.push(self.value(op[0]))

    def do_pop(self, _pc, i, op):
        need(op[0].type == X.X86_OP_REG and op[0].size == 8, f"pop {i.op_str}")
        value = self.pop()
        self.r[self.name(op[0].reg)] = value

    def do_mov(self, _pc, i, op):
        value = self.value(op[1])
        if op[0].type == X.X86_OP_MEM:
            self.memory.store(self.address(op[0]), value, op[0].size)
            return
        # A move into the low half clears the high one.
        need(op[0].size == 8 or (op[0].size == 4 and op[1].type == X.X86_OP_IMM), f"mov {i.op_str}")
        self.r[self.name(op[0].reg)] = value

    def add(self, i, op, sign):
        need(op[0].type == X.X86_OP_REG and op[0].size == 8 and op[1].type == X.X86_OP_IMM, f"{i.mnemonic} {i.op_str}")
        name = self.name(op[0].reg)
        self.r[name] = plus(self.r[name], sign * op[1].imm)
        self.r["rflags"] = (f"flags after {self.steps}", 0)

    def do_add(self, _pc, i, op):
        self.add(i, op, 1)

    def do_sub(self, _pc, i, op):
        self.add(i, op, -1)

    def do_cld(self, _pc, _i, _op):
        self.direction = "up"
        self.r["rflags"] = (f"flags after {self.steps}", 0)

    def do_jmp(self, pc, i, _op):
        to = self.target(pc, i)
        return self.code.symbols[to] if isinstance(to, str) else to

    def do_call(self, pc, i, _op):
        to = self.target(pc, i)
        need(to in self.on_call, f"a call of {to}")
        self.push((f"return to {pc[1] + i.size}", 0))
        self.on_call[to](self)
        need(self.pop() == (f"return to {pc[1] + i.size}", 0), "the return address was overwritten")

    def do_ret(self, _pc, _i, _op):
        return "leaves", self.pop()

    def do_iretq(self, _pc, _i, _op):
        frame = [self.pop() for _ in range(5)]
        pc, self.r["cs"], self.r["rflags"], self.r["rsp"], self.r["ss"] = frame
        return "leaves", pc

    def run(self, pc):
        while True:
            pc = self.step(pc)
            if pc[0] == "leaves":
                return pc[1]


def prove_switch(code):
    """B leaves with any registers; other code changes what it likes but B's stack from its saved stack
    pointer up; D, with any other registers, switches to B."""
    begin = ("B's stack", 0)
    b = Machine(code, "B", begin)
    b.r.update(rdi=("B's slot", 0), rsi=("C's stack", -96 & machine.MASK))
    b.memory.store(begin, ("B's return", 0))
    before, word = dict(b.r), plus(begin, 64)
    b.memory.store(word, ("B's caller's", 0))
    b.run(code.symbols["arch_switch"])
    saved = b.memory.load(("B's slot", 0))
    need(saved[0] == begin[0], f"what is saved is {machine.show(saved)}, no place on its stack")
    need(all(at[0] != "C's stack" for at in b.memory.written), "it writes to the stack that it switches to")
    d = Machine(code, "D", ("D's stack", 0))
    d.memory.words = {at: v for at, v in b.memory.words.items() if above(saved, at, saved)}
    d.memory.store(("D's stack", 0), ("D's return", 0))
    d.r.update(rdi=("D's slot", 0), rsi=saved)
    to = d.run(code.symbols["arch_switch"])
    need(to == ("B's return", 0), f"it returns to {machine.show(to)}, not where it was called")
    kept(d, before, CALLEE_SAVED, "behind the switch")
    balanced(d, plus(begin, 8), "behind the switch")
    need(d.memory.load(word) == ("B's caller's", 0), "its caller's stack was written to")
    return b.steps + d.steps


def interrupted(code, words):
    """A machine as an interrupt leaves it: five words, and an error code where there is one, on a stack
    aligned to 16 bytes before them."""
    top = ("the stack", 0)
    m = Machine(code, "I", top)
    frame = [("I.rip", 0), m.r["cs"], m.r["rflags"], ("I.rsp", 0), m.r["ss"]]
    m.r["rsp"] = ("I.rsp", 0)
    before = dict(m.r)
    m.r["rsp"] = top
    for value in reversed(frame):
        m.push(value)
    for value in words:
        m.push(value)
    return m, before


def any_function(arguments, checks=()):
    """A C function: its arguments are right, the stack is aligned, and it changes all that a call may."""
    def call(m):
        # The return address was pushed on a stack aligned to 16.
        need(m.r["rsp"][0] == "the stack" and m.r["rsp"][1] % 16 == 8, "the stack is not aligned at the call")
        for reg, value in arguments(m).items():
            need(m.r[reg] == value, f"argument {reg} is {machine.show(m.r[reg])}, not {machine.show(value)}")
        for check in checks:
            check(m)
        for reg in GENERAL:
            if reg not in [*CALLEE_SAVED, "rsp"]:
                m.r[reg] = (f"clobbered {reg}", 0)
        m.r["rflags"] = ("clobbered flags", 0)
        level = m.r["rsp"]
        m.memory.forget(lambda at: at[0] != level[0] or above(level, at, level))
    return call


def entry(vector):
    return lambda code: (code.symbols["x86_vectors"][0], code.symbols["x86_vectors"][1] + 16 * vector)


def transparent(m, before, to):
    need(to == ("I.rip", 0), f"it goes on at {machine.show(to)}, not where it was struck")
    kept(m, before, [*GENERAL, "rflags", "cs", "ss"], "behind the interrupt")


def prove_interrupts(code):
    """Every vector from 32 on, from any registers, with any handler that keeps to the ABI."""
    steps = 0
    for vector in range(32, 256):
        m, before = interrupted(code, [])
        m.on_call = {"x86_interrupt": any_function(lambda m, v=vector: {"rdi": (None, v), "rsi": ("I.rip", 0)}),
                     "x86_timer": any_function(lambda m: {"rdi": ("I.rip", 0)})}
        if vector == 0xe1:
            del m.on_call["x86_interrupt"]
        else:
            del m.on_call["x86_timer"]
        transparent(m, before, m.run(entry(vector)(code)))
        steps += m.steps
    return steps


FRAME = "r15 r14 r13 r12 r11 r10 r9 r8 rdi rsi rbp rbx rdx rcx rax".split()
WITH_ERROR_CODE = {8, 10, 11, 12, 13, 14, 17, 21, 29, 30}


def prove_exceptions(code):
    """Every vector below 32: struct x86_frame says the truth, and what returns is as it was."""
    steps = 0
    for vector in range(32):
        error = ("I.error", 0) if vector in WITH_ERROR_CODE else (None, 0)
        m, before = interrupted(code, [error] if vector in WITH_ERROR_CODE else [])

        def frame_is_right(m, error=error, vector=vector, before=before):
            at = m.r["rdi"]
            words = [*(before[reg] for reg in FRAME), (None, vector), error, ("I.rip", 0), before["cs"],
                     before["rflags"], before["rsp"], before["ss"]]
            for number, value in enumerate(words):
                found = m.memory.load(plus(at, 8 * number))
                need(found == value, f"word {number} of the frame is {machine.show(found)}, not {machine.show(value)}")
            need(m.memory.load(m.r["rbp"]) == before["rbp"] and m.memory.load(plus(m.r["rbp"], 8)) == ("I.rip", 0),
                 "the frame record does not lead to what was struck")
            need(m.direction == "up", "the direction flag is not clear")

        m.on_call = {"x86_exception": any_function(lambda m: {}, [frame_is_right])}
        transparent(m, before, m.run(entry(vector)(code)))
        steps += m.steps
    return steps


PROOFS = {"switch": (prove_switch, SWITCH), "interrupts": (prove_interrupts, VECTORS),
          "exceptions": (prove_exceptions, VECTORS),
          "emulated-switch": (None, SWITCH), "emulated-vectors": (None, VECTORS)}
