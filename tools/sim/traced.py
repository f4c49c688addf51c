"""A process that is held by ptrace(2): its memory and registers, and copies of it by fork. x86_64."""

import ctypes
import os
import signal
import struct

from wrong import Wrong

DEBUG_REGISTER = 848  # offset of u_debugreg in struct user
REGISTERS = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base "
             "ds es fs gs").split()  # as PTRACE_GETREGS has them: sys/user.h
TRACEME, PEEKUSER, POKEUSER, CONT, SINGLESTEP, GETREGS, SETREGS = 0, 3, 6, 7, 9, 12, 13
SETOPTIONS, GETEVENTMSG, OPTIONS = 0x4200, 0x4201, 0x100002  # trace forks; kill when this ends
FORK_EVENT = signal.SIGTRAP | 1 << 8
SYS_FORK = 57

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
REGS = struct.Struct(f"{len(REGISTERS)}Q")
RSP, RIP, RAX, RDI, R11, EFLAGS = (REGISTERS.index(r) for r in ("rsp", "rip", "rax", "rdi", "r11", "eflags"))
TRAP_FLAG = 1 << 8


def ptrace(request, pid, at=0, data=0):
    result = libc.ptrace(request, pid, at, data)
    if result < 0:
        raise Wrong(f"ptrace: {os.strerror(ctypes.get_errno())}")
    return result


class Process:
    """One copy of the simulator, stopped."""
    buffer = ctypes.create_string_buffer(REGS.size)

    def __init__(self, pid, shown):
        self.pid, self.shown = pid, shown  # shown: bytes of output that it has written
        self.memory = os.open(f"/proc/{pid}/mem", os.O_RDWR)

    def kill(self):
        os.close(self.memory)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def read(self, at, n):
        try:
            return os.pread(self.memory, n, at)
        except (OSError, OverflowError):
            return b""

    def write(self, at, data):
        os.pwrite(self.memory, data, at)

    def u64(self, at):
        return struct.unpack("<Q", self.read(at, 8))[0]

    def i64(self, at):
        return struct.unpack("<q", self.read(at, 8))[0]

    def regs(self):
        ptrace(GETREGS, self.pid, 0, ctypes.addressof(self.buffer))
        regs = list(REGS.unpack(self.buffer))
        regs[EFLAGS] &= ~TRAP_FLAG
        return regs

    def set_regs(self, regs):
        buffer = ctypes.create_string_buffer(REGS.pack(*regs))
        ptrace(SETREGS, self.pid, 0, ctypes.addressof(buffer))

    def resume(self, how, sig=0):
        """Until it stops again: the status of waitpid."""
        if how == CONT:  # a step during which a child ends leaves its flag behind
            self.set_regs(self.regs())
        ptrace(how, self.pid, 0, sig)
        return os.waitpid(self.pid, 0)[1]

    def step(self):
        """One instruction; false when it did not come behind it."""
        return self.resume(SINGLESTEP) >> 8 == signal.SIGTRAP

    def fork(self):
        """A copy in the same state."""
        regs = self.regs()
        at = regs[RIP]
        code = self.read(at, 2)
        self.write(at, b"\x0f\x05")  # syscall
        call = list(regs)
        call[RAX] = SYS_FORK
        call[REGISTERS.index("orig_rax")] = 2**64 - 1
        self.set_regs(call)
        status = self.resume(SINGLESTEP)
        while os.WIFSTOPPED(status) and status >> 8 != FORK_EVENT:
            status = self.resume(SINGLESTEP)
        message = ctypes.c_ulong()
        ptrace(GETEVENTMSG, self.pid, 0, ctypes.addressof(message))
        child = message.value
        os.waitpid(child, 0)
        if os.WSTOPSIG(self.resume(SINGLESTEP)) != signal.SIGTRAP:
            raise Wrong("the simulator does not fork")
        copy = Process(child, self.shown)
        for process in (self, copy):
            process.write(at, code)
            process.set_regs(regs)
        return copy
