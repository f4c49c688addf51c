"""The part of AArch64 that kernel/arch/aarch64's switch.S and vectors.S use, on symbols, and their
proofs. Source: Arm ARM (DDI 0487) C6 (instructions), D1.3 (exceptions); AAPCS64 6.1.1 (what a call
keeps), 6.4.5 (the stack). The kernel uses no floating-point register (-mgeneral-regs-only)."""

import capstone
from capstone import arm64 as A

import machine
from machine import Memory, above, balanced, kept, need, plus

VECTORS = "kernel/arch/aarch64/vectors.S"
SWITCH = "kernel/arch/aarch64/switch.S"
GENERAL = [f"x{n}" for n in range(31)]
SYSTEM = ["elr_el1", "spsr_el1", "esr_el1", "far_el1", "tpidr_el0", "sp_el0", "tpidrro_el0"]
CALLEE_SAVED = [f"x{n}" for n in range(19, 30)]
INSTRUCTIONS_MAX = 200
FAULT_STACK_BYTES = 8192


class Code(machine.Object):
    prefix = "aarch64-linux-gnu-"


class Machine:
    SP = "sp"

    def __init__(self, code, name, stack):
        self.code, self.memory, self.steps = code, Memory(), 0
        self.r = {reg: (f"{name}.{reg}", 0) for reg in [*GENERAL, *SYSTEM]}
        self.r["sp"] = stack
        self.on_call = {}
        self.branch = None  # which way a conditional branch goes
        self.decoder = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
        self.decoder.detail = True

    def name(self, reg):
        name = self.decoder.reg_name(reg)
        name = {"fp": "x29", "lr": "x30"}.get(name, name)
        need(name in self.r, f"register {name}")
        return name

    def address(self, i, at):
        """The address of operand number at, and its base register written back."""
        mem = i.operands[at].mem
        need(mem.index == 0, "an address of more than base and offset")
        base = self.name(mem.base)
        need(base != "sp" or self.r["sp"][1] % 16 == 0, "the stack pointer is not aligned to 16")
        begin = self.r[base]
        if not i.writeback:
            return plus(begin, mem.disp)
        if len(i.operands) > at + 1:
            self.r[base] = plus(begin, i.operands[at + 1].imm)
            return begin
        self.r[base] = plus(begin, mem.disp)
        return self.r[base]

    def step(self, pc):
        i = next(self.decoder.disasm(self.code.bytes_at(pc, 4), pc[1]), None)
        need(i is not None, f"no instruction at {pc}")
        self.steps += 1
        need(self.steps < INSTRUCTIONS_MAX, "it does not end")
        machine.executed.append((pc[0], f"{i.mnemonic} {i.op_str}"))
        handler = getattr(self, "do_" + i.mnemonic.replace(".", "_"), None)
        need(handler is not None, f"it does not know {i.mnemonic} {i.op_str}")
        return handler(pc, i, i.operands) or (pc[0], pc[1] + 4)

    def do_stp(self, _pc, i, op):
        values = [self.r[self.name(o.reg)] for o in op[:2]]
        at = self.address(i, 2)
        self.memory.store(at, values[0])
        self.memory.store(plus(at, 8), values[1])

    def do_ldp(self, _pc, i, op):
        at = self.address(i, 2)
        need(op[0].reg != op[1].reg, "a pair of one register")
        for number, o in enumerate(op[:2]):
            need(not i.writeback or o.reg != op[2].mem.base, "a load of its own base")
            self.r[self.name(o.reg)] = self.memory.load(plus(at, 8 * number))

    def do_str(self, _pc, i, op):
        value = self.r[self.name(op[0].reg)]
        self.memory.store(self.address(i, 1), value)

    def do_ldr(self, pc, i, op):
        link = self.code.links.get(pc)
        if link:
            page = ("page", link[1])
            need(self.r[self.name(op[1].mem.base)] == (page, 0), f"the low part of {link[1]}, on another page")
            self.r[self.name(op[0].reg)] = (f"what {link[1]} holds", 0)
            return
        self.r[self.name(op[0].reg)] = self.memory.load(self.address(i, 1))

    def do_adrp(self, pc, _i, op):
        need(pc in self.code.links, "an address that is not the linker's")
        self.r[self.name(op[0].reg)] = (("page", self.code.links[pc][1]), 0)

    def do_mov(self, _pc, i, op):
        need(op[1].type == A.ARM64_OP_REG, f"mov {i.op_str}")
        self.r[self.name(op[0].reg)] = self.r[self.name(op[1].reg)]

    def add(self, i, op, sign):
        a = self.r[self.name(op[1].reg)]
        if op[2].type == A.ARM64_OP_IMM:
            value = plus(a, sign * (op[2].imm << op[2].shift.value))
        else:
            b = self.r[self.name(op[2].reg)]
            need(sign < 0, f"{i.mnemonic} {i.op_str}")
            # The distance of two stack pointers, known when they are on one stack.
            value = (None, (a[1] - b[1]) & machine.MASK) if a[0] == b[0] else (f"{a} from {b}", 0)
        self.r[self.name(op[0].reg)] = value

    def do_add(self, _pc, i, op):
        self.add(i, op, 1)

    def do_sub(self, _pc, i, op):
        self.add(i, op, -1)

    def do_cmp(self, _pc, i, op):
        need(op[1].type == A.ARM64_OP_IMM, f"cmp {i.op_str}")
        self.compared = self.r[self.name(op[0].reg)], op[1].imm << op[1].shift.value

    def do_b_lo(self, pc, _i, op):
        value, limit = self.compared
        lower = value[1] < limit if value[0] is None else False  # on another stack: the proof says so
        return (pc[0], op[0].imm) if lower else None

    def do_mrs(self, _pc, i, op):
        self.r[self.name(op[0].reg)] = self.r[self.system(i.op_str.split(", ")[1])]

    def do_msr(self, _pc, i, op):
        self.r[self.system(i.op_str.split(", ")[0])] = self.r[self.name(op[1].reg)]

    def system(self, name):
        need(name in SYSTEM, f"system register {name}")
        return name

    def do_b(self, pc, _i, op):
        link = self.code.links.get(pc)
        return self.code.symbols[link[1]] if link else (pc[0], op[0].imm)

    def call(self, pc, to):
        need(to in self.on_call, f"a call of {to}")
        self.r["x30"] = (f"return to {pc[1] + 4}", 0)
        return self.on_call[to](self)

    def do_bl(self, pc, _i, _op):
        return self.call(pc, self.code.links[pc][1])

    def do_blr(self, pc, _i, op):
        return self.call(pc, self.r[self.name(op[0].reg)][0])

    def do_ret(self, _pc, _i, _op):
        return "leaves", self.r["x30"]

    def do_eret(self, _pc, _i, _op):
        return "leaves", self.r["elr_el1"]

    def run(self, pc):
        while True:
            pc = self.step(pc)
            if pc[0] == "leaves":
                return pc[1]


def prove_switch(code):
    """As on x86_64: out, others do what they like, and back from a third stack."""
    begin = ("B's stack", 0)
    b = Machine(code, "B", begin)
    b.r.update(x0=("B's slot", 0), x1=("C's stack", -96 & machine.MASK))
    before, word = dict(b.r), plus(begin, 64)
    b.memory.store(begin, ("B's caller's", 0))
    b.memory.store(word, ("B's caller's", 0))
    b.run(code.symbols["arch_switch"])
    saved = b.memory.load(("B's slot", 0))
    need(saved[0] == begin[0], f"what is saved is {machine.show(saved)}, no place on its stack")
    need(all(at[0] != "C's stack" for at in b.memory.written), "it writes to the stack that it switches to")
    d = Machine(code, "D", ("D's stack", 0))
    d.memory.words = {at: v for at, v in b.memory.words.items() if above(saved, at, saved)}
    d.r.update(x0=("D's slot", 0), x1=saved)
    to = d.run(code.symbols["arch_switch"])
    need(to == before["x30"], f"it returns to {machine.show(to)}, not where it was called")
    kept(d, before, [*CALLEE_SAVED, "x30"], "behind the switch")
    balanced(d, begin, "behind the switch")
    need(d.memory.load(begin) == d.memory.load(word) == ("B's caller's", 0), "its caller's stack was written to")
    return b.steps + d.steps


def record_is_right(m, before):
    need(m.memory.load(m.r["x29"]) == before["x29"] and
         m.memory.load(plus(m.r["x29"], 8)) == plus(before["elr_el1"], 4),
         "the frame record does not lead to what was struck")


def prove_interrupts(code):
    """IRQ at EL1, from any registers, with any handler that keeps to the ABI; another interrupt may
    have come and gone in it."""
    m = Machine(code, "I", ("the stack", 0))
    before = dict(m.r)

    def handler(m):
        need(m.r["sp"][0] == "the stack" and m.r["sp"][1] % 16 == 0, "the stack is not aligned at the call")
        need(m.r["x0"] == before["elr_el1"], f"its argument is {machine.show(m.r['x0'])}, not the struck pc")
        record_is_right(m, before)
        for reg in [*GENERAL, *SYSTEM]:
            if reg not in CALLEE_SAVED and reg != "tpidrro_el0":
                m.r[reg] = (f"clobbered {reg}", 0)
        level = m.r["sp"]
        m.memory.forget(lambda at: at[0] != level[0] or above(level, at, level))

    m.on_call = {"what aarch64_irq_dispatch holds": handler}
    section, offset = code.symbols["vectors"]
    to = m.run((section, offset + 4 * 128 + 128))
    need(to == before["elr_el1"], f"it goes on at {machine.show(to)}, not where it was struck")
    kept(m, before, [*GENERAL, "spsr_el1"], "behind the interrupt")
    balanced(m, before["sp"], "behind the interrupt")
    return m.steps


WORDS = [*GENERAL, "sp", "elr_el1", "spsr_el1", "esr_el1", "far_el1"]


def prove_faults(code):
    """Everything else: struct regs says the truth, on the fault stack, from any other stack and from
    the fault stack itself, where it goes on below."""
    steps = 0
    for stack in (("the stack", 0), ("the fault stack", -1024 & machine.MASK)):
        m = Machine(code, "F", stack)
        m.r["tpidrro_el0"] = ("the fault stack", 0)
        before = dict(m.r)
        begin = ("the fault stack", 0 if stack[0] == "the stack" else stack[1])

        def fault(m, before=before, begin=begin):
            at = m.r["x0"]
            need(at == m.r["sp"] and at[1] % 16 == 0, "the registers are not what the stack begins with")
            for number, reg in enumerate(WORDS):
                found = m.memory.load(plus(at, 8 * number))
                need(found == before[reg], f"{reg} in the frame is {machine.show(found)}, not {machine.show(before[reg])}")
            record_is_right(m, before)
            need(all(w[0] == begin[0] and not above(begin, w, begin) for w in m.memory.written),
                 "it writes elsewhere than to what is free of the fault stack")
            return "leaves", None

        m.on_call = {"aarch64_fault": fault}
        section, offset = code.symbols["vectors"]
        m.run((section, offset + 4 * 128))
        steps += m.steps
    return steps


PROOFS = {"switch": (prove_switch, SWITCH), "interrupts": (prove_interrupts, VECTORS),
          "faults": (prove_faults, VECTORS),
          "emulated-switch": (None, SWITCH), "emulated-vectors": (None, VECTORS)}
