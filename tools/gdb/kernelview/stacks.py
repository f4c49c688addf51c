"""Stacks at rest, seen by GDB's own unwinder.

A stack that nobody runs on is a saved stack pointer; the callee-saved registers lie above it. To
show such a stack, an unwinder tells GDB that the newest frame of the selected thread was called
from there: frame 0 stays what it is, frame 1 and up are those of the stack at rest. No register
is written, so the machine cannot be disturbed.

The same unwinder knows the assembly stubs through which interrupts and exceptions enter.
"""

import re
import struct

import gdb
import gdb.unwinder

from .memory import Unavailable, require_machine, symbol

X86 = "i386:x86-64"
ARM = "aarch64"

# What a stack switch leaves, from the saved pointer upwards: arch_switch of switch.S, and
# sim_stack_switch of sim/fiber_*.S.
X86_SAVED = ["r15", "r14", "r13", "r12", "rbx", "rbp", "rip"]
ARM_SAVED = ["x29", "x30", "x27", "x28", "x25", "x26", "x23", "x24", "x21", "x22", "x19", "x20"]
ARM_SIM_SAVED = ["x29", "x30", *(f"x{n}" for n in range(19, 29)), *["-"] * 8]

# Each stub's registers: byte offsets from the stack pointer at the place where it calls C. From
# vectors.S of each architecture; what is not named there is still in its register.
STUBS = {
    X86: {
        "interrupt": {"r11": 8, "r10": 16, "r9": 24, "r8": 32, "rsi": 40, "rdx": 48, "rcx": 56, "rax": 64,
                      "rdi": 72, "rbp": 80, "rip": 88, "rsp": 112},
        "exception": {"r15": 16, "r14": 24, "r13": 32, "r12": 40, "r11": 48, "r10": 56, "r9": 64, "r8": 72,
                      "rdi": 80, "rsi": 88, "rbp": 96, "rbx": 104, "rdx": 112, "rcx": 120, "rax": 128,
                      "rip": 152, "rsp": 176},
    },
    ARM: {
        "irq_entry": {**{f"x{n}": 8 * n for n in range(19)}, "pc": 152, "x30": 168, "x29": 176},
        "fault_entry": {**{f"x{n}": 8 * n for n in range(31)}, "sp": 248, "pc": 256},
    },
}
ARM_IRQ_FRAME_BYTES = 192  # irq_entry leaves the interrupted stack pointer above its frame

KEPT = {X86: ["rbx", "r12", "r13", "r14", "r15"], ARM: [f"x{n}" for n in range(19, 29)]}
PC = {X86: "rip", ARM: "pc"}
SP = {X86: "rsp", ARM: "sp"}
CPU_REGISTER = {X86: "gs_base", ARM: "TPIDR_EL1"}  # struct cpu *
WORD = (1 << 64) - 1
ARM_RET = 0xD65F03C0
ARM_SETS_FP = (0xFFC003FF, 0x910003FD)  # mask and value of add x29, sp, #n


def word_at(at):
    return struct.unpack("<Q", bytes(gdb.selected_inferior().read_memory(at, 8)))[0]


def is_simulator():
    return gdb.lookup_global_symbol("sim_budget") is not None


def saved_registers(saved_sp, arch):
    """The registers, pc and stack pointer among them, with which a stack at rest will go on."""
    names = X86_SAVED if arch == X86 else ARM_SIM_SAVED if is_simulator() else ARM_SAVED
    registers = {name: word_at(saved_sp + 8 * i) for i, name in enumerate(names) if name != "-"}
    registers[SP[arch]] = saved_sp + 8 * len(names)
    registers.setdefault(PC[arch], registers.get("x30"))
    return registers


class FrameId:
    """What tells a frame from others, as GDB's unwinder interface wants it."""

    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


def arm_saves_register(code):
    """stp x, x, [sp, #n] or str x, [sp, #n]"""
    return code & 0xFFC003E0 in (0xA90003E0, 0xF90003E0)


def arm_frame_bytes(code):
    """What an instruction takes from the stack pointer for a frame; 0 for others."""
    if code & 0xFFC07FFF == 0xA9807BFD:  # stp x29, x30, [sp, #-n]!
        return (128 - (code >> 15 & 0x7F)) * 8
    if code & 0xFFC003FF == 0xD10003FF:  # sub sp, sp, #n
        return code >> 10 & 0xFFF
    return 0


def arm_edge(pc, registers):
    """clang's frame tables for AArch64 begin behind the last register that a function saves, and do
    not describe how it ends. The caller's registers if `pc` is where they are wrong, else None."""
    inferior = gdb.selected_inferior()
    before = struct.unpack("<8I", bytes(inferior.read_memory(pc - 32, 32)))[::-1]
    at, then = struct.unpack("<2I", bytes(inferior.read_memory(pc, 8)))
    if at == ARM_RET:
        return {"pc": registers["x30"]}
    if at & 0xFFC003FF == 0x910003FF and then == ARM_RET:  # add sp, sp, #n
        return {"pc": registers["x30"], "sp": registers["sp"] + (at >> 10 & 0xFFF)}
    x29 = registers["x29"]
    if not arm_saves_register(at) and at & ARM_SETS_FP[0] != ARM_SETS_FP[1]:
        return None
    for code in before:
        if arm_frame_bytes(code):
            return {"pc": registers["x30"], "sp": registers["sp"] + arm_frame_bytes(code), "x29": x29}
        if code & ARM_SETS_FP[0] == ARM_SETS_FP[1]:
            x29 = word_at(registers["x29"])
        elif not arm_saves_register(code):
            break
    return None


class KernelUnwinder(gdb.unwinder.Unwinder):
    """Claims the newest frame while a view is on, the entry stubs, and what was struck at
    the edge of a function on AArch64.

    GDB takes the pc of a caller for a return address, and looks up its function, line and frame
    table one byte before it. What an interrupt struck has not called: its pc is handed over with
    one byte added, so that the lookup is exact also in the first instruction of a function."""

    def __init__(self):
        super().__init__("fermata")
        self.ranges = None  # (arch, [(first, last, offsets)])
        self.view = None  # (pc and sp of the real newest frame, registers to continue with)
        self.struck = set()  # (pc, sp) of interrupted frames

    def forget(self, *_):
        self.ranges = None
        self.struck.clear()

    def learn(self):
        """Evaluates symbols; not from within the unwinder, which must not look at frames."""
        if self.ranges is not None:
            return
        arch = gdb.selected_inferior().architecture().name()
        ranges = []
        for name, offsets in STUBS.get(arch, {}).items():
            try:
                first = int(gdb.parse_and_eval(f"(unsigned long)&{name}"))
            except gdb.error:
                continue  # the simulator has no stubs
            ranges.append((first, first + self.size(name), offsets))
        self.ranges = (arch, ranges)

    @staticmethod
    def size(name):
        """Bytes up to the next symbol; routines begin at multiples of 16."""
        size = 16
        while gdb.execute(f"info symbol (char *)&{name} + {size}", to_string=True).startswith(name + " +"):
            size += 16
        return size

    def __call__(self, pending):
        if self.ranges is None:
            return None
        arch, ranges = self.ranges
        try:
            pc = int(pending.read_register(PC[arch])) & WORD
            sp = int(pending.read_register(SP[arch])) & WORD
        except gdb.error:
            return None  # a thread of which nothing is known: tools/sim/tasks.py
        if self.view and self.view[0] == (pc, sp):
            registers = self.view[1]
            return self.caller(pending, FrameId(registers[SP[arch]] - 8, pc), registers)
        for first, last, offsets in ranges:
            if first < pc < last and pending.level() > 0:
                return self.through_stub(pending, arch, pc, sp, offsets)
        if arch == ARM and (pc, sp) in self.struck:
            return self.through_edge(pending, pc, sp)
        return None

    def through_stub(self, pending, arch, pc, sp, offsets):
        registers = {name: word_at(sp + at) for name, at in offsets.items()}
        registers.setdefault(SP[arch], sp + ARM_IRQ_FRAME_BYTES)
        for name in KEPT[arch]:
            registers.setdefault(name, int(pending.read_register(name)) & WORD)
        registers[PC[arch]] += 1
        self.struck.add((registers[PC[arch]], registers[SP[arch]]))
        return self.caller(pending, FrameId(sp, pc), registers)

    def through_edge(self, pending, pc, sp):
        registers = {f"x{n}": int(pending.read_register(f"x{n}")) & WORD for n in range(31)}
        registers["sp"] = sp
        found = arm_edge(pc - 1, registers)
        return self.caller(pending, FrameId(sp, pc), {**registers, **found}) if found else None

    def exact(self, text):
        """A back trace with the addresses of what was struck as they are."""
        for pc, _ in self.struck:
            text = text.replace(f"{pc:#018x} in ", f"{pc - 1:#018x} in ")
        return text

    @staticmethod
    def caller(pending, frame_id, registers):
        """What GDB gets: the registers of the frame that called this one."""
        word = pending.architecture().integer_type(64, False)
        info = pending.create_unwind_info(FrameId(gdb.Value(frame_id.sp).cast(word),
                                                  gdb.Value(frame_id.pc).cast(word)))
        for name, value in registers.items():
            info.add_saved_register(name, gdb.Value(value).cast(word))
        return info

    def show(self, registers):
        frame = gdb.newest_frame()
        arch = self.ranges[0]
        here = (frame.pc(), int(frame.read_register(SP[arch])) & WORD)
        self.view = (here, registers)
        gdb.invalidate_cached_frames()

    def hide(self, *_):
        if self.view:
            self.view = None
            gdb.invalidate_cached_frames()


unwinder = KernelUnwinder()


def architecture():
    unwinder.learn()
    return unwinder.ranges[0]


def register():
    gdb.unwinder.register_unwinder(None, unwinder, replace=True)
    gdb.events.new_objfile.connect(unwinder.forget)
    gdb.events.cont.connect(unwinder.hide)
    gdb.events.stop.connect(lambda _: unwinder.learn())


class ThreadKept:
    """Restores the selected thread and frame at the end."""

    def __enter__(self):
        self.thread = gdb.selected_thread()
        self.frame = gdb.selected_frame()

    def __exit__(self, *_):
        self.thread.switch()
        try:
            self.frame.select()
        except gdb.error:
            pass  # it was a frame of a view that is off now


def cpu_thread(number):
    """The thread that QEMU shows for a CPU of the kernel."""
    wanted = int(symbol("cpus")[number].address)
    name = CPU_REGISTER[architecture()]
    with ThreadKept():
        for thread in gdb.selected_inferior().threads():
            thread.switch()
            value = gdb.newest_frame().read_register(name)
            if int(value) & WORD == wanted:
                return thread
    raise Unavailable(f"no thread of the machine has CPU {number}'s structure in {name}")


def backtrace_text():
    return unwinder.exact(gdb.execute("backtrace", to_string=True))


def backtrace_at_rest(saved_sp):
    """GDB's back trace of a stack at rest, without frame 0, which belongs to the running one."""
    arch = architecture()
    unwinder.hide()
    with ThreadKept():
        unwinder.show(saved_registers(saved_sp, arch))
        try:
            text = backtrace_text()
        finally:
            unwinder.hide()
    return without_end("#1 " + text.partition("\n#1 ")[2])


def without_end(text):
    """Nothing calls worker_main or a boot stack's first function. GDB does not know, and goes on to
    take for a caller whatever lies above: 0 on x86, worker_main itself on AArch64."""
    kept = []
    for line in text.splitlines():
        if " 0x0000000000000000 in ?? ()" in line:
            break
        kept.append(line)
        if re.search(r"\bworker_main \(", line):
            break
    return "\n".join(kept)


def backtrace_of_cpu(number):
    require_machine()
    unwinder.hide()
    if is_simulator():
        if int(symbol("sim")["cur"]) != number:
            return backtrace_at_rest(int(symbol("sim")["cpu"][number]["sp"]))
        return without_end(backtrace_text())
    thread = cpu_thread(number)
    with ThreadKept():
        thread.switch()
        return without_end(backtrace_text())
