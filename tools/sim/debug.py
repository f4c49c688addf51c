"""fermata-sim debug: GDB on a run of the simulator, forwards and backwards.

The simulator is held by ptrace. A run is deterministic, so going back is going forward again from an earlier state:
while the run goes forward, the process is forked every half a million events, and the copies wait. A place in the run
is its number of events and, between two events, an instruction. The simulator's own code is not seen: between two
instructions of the kernel nothing is. Memory and registers cannot be written: that would be another run.
"""

import os
import signal
import socket
import struct
import subprocess
import sys

import runs
import stepper
from gdbserver import Server
from tasks import Tasks
from traced import (CONT, DEBUG_REGISTER, OPTIONS, PEEKUSER, POKEUSER, R11, REGISTERS, RIP, RSP, SETOPTIONS, SINGLESTEP,
                    TRACEME, Process, ptrace)
from wrong import Wrong

CHECKPOINT_EVENTS = 500_000
CHECKPOINTS_MAX = 48
NEAR_EVENTS = 2_000
STEPS_MAX = 200_000  # instructions between two events
TABLE = ("events armed budget bias cur sp0 sp1 cpus text text_end at capped running stop end clock fraction step").split()
COMMANDS = runs.ROOT / "tools/gdb/fermata.py"
SAVED = "r15 r14 r13 r12 rbx rbp rip".split()  # fiber_x86_64.S

class Machine:
    """A run: where it is, and how to get anywhere else in it."""

    def __init__(self, command, symbols, quiet=False):
        self.symbols, self.quiet = symbols, quiet
        self.out, write_end = os.pipe()
        os.set_blocking(self.out, False)
        self.printed = 0
        pid = os.fork()
        if pid == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(write_end, 1)
            os.dup2(write_end, 2)
            ptrace(TRACEME, 0)
            os.execv(command[0], command)
        os.close(write_end)
        os.waitpid(pid, 0)
        ptrace(SETOPTIONS, pid, 0, OPTIONS)
        self.p = Process(pid, 0)
        table = self.p.read(symbols["sim_debug_table"], 8 * len(TABLE))
        self.at = dict(zip(TABLE, struct.unpack(f"<{len(TABLE)}Q", table)))
        self.breakpoints, self.watches = set(), {}
        self.interval = CHECKPOINT_EVENTS
        self.exited = None
        self.checkpoints = []
        # First to where the options are read, one of which is a hash of the kernel's code.
        if self.go({symbols["sim_run"]}) != "break" or self.go({symbols["kernel_main"]}) != "break":
            self.drain()
            raise Wrong("the simulator ended before the kernel began")
        self.checkpoints = [(self.events(), self.p.fork())]
        self.first = self.place()

    def close(self):
        for process in [self.p, *(c[1] for c in self.checkpoints)]:
            try:
                process.kill()
            except OSError:
                pass

    # Where it is.

    def events(self):
        a, p = self.at, self.p
        return p.u64(a["events"]) + p.i64(a["armed"]) - p.i64(a["budget"])

    def now_ns(self):
        a, p = self.at, self.p
        used = p.i64(a["armed"]) - p.i64(a["budget"])
        return p.u64(a["clock"]) + (p.u64(a["fraction"]) + used * p.u64(a["step"]) >> 20)

    def cpu(self):
        return struct.unpack("<I", self.p.read(self.at["cur"], 4))[0]

    def place(self):
        regs = self.p.regs()
        return self.events(), regs[RIP], regs[RSP]

    def in_kernel(self, pc):
        return self.at["text"] <= pc < self.at["text_end"]

    def drain(self):
        """What the simulator wrote while it ran; only what is new is shown."""
        while True:
            try:
                data = os.read(self.out, 65536)
            except BlockingIOError:
                return
            if not data:
                return
            fresh = data[max(0, self.printed - self.p.shown):]
            self.p.shown += len(data)
            self.printed = max(self.printed, self.p.shown)
            if not self.quiet:
                sys.stdout.buffer.write(fresh)
                sys.stdout.flush()

    # Going forward.

    def wait(self, how):
        """Resumes; "trap", "exit", or the number of a signal that is the kernel's own."""
        sig = 0
        while True:
            status = self.p.resume(how, sig)
            if os.WIFEXITED(status) or os.WIFSIGNALED(status):
                self.exited = os.waitstatus_to_exitcode(status)
                return "exit"
            sig = os.WSTOPSIG(status)
            if sig == signal.SIGTRAP:
                return "trap"
            if sig == signal.SIGSTOP:
                sig = 0

    def step(self):
        return self.wait(SINGLESTEP)

    def set_watches(self, on):
        control = 0
        for i, ((at, size), kind) in enumerate(list(self.watches.items())[:4]):
            if on:
                ptrace(POKEUSER, self.p.pid, DEBUG_REGISTER + 8 * i, at)
            length = {1: 0, 2: 1, 4: 3, 8: 2}[size]
            control |= 1 << 2 * i | (kind | length << 2) << (16 + 4 * i)
        ptrace(POKEUSER, self.p.pid, DEBUG_REGISTER + 8 * 7, control if on else 0)
        ptrace(POKEUSER, self.p.pid, DEBUG_REGISTER + 8 * 6, 0)

    def watch_hit(self):
        hit = ptrace(PEEKUSER, self.p.pid, DEBUG_REGISTER + 8 * 6) & 15
        return list(self.watches)[(hit & -hit).bit_length() - 1][0] if hit else None

    def go(self, stops, until=0):
        """To the next of @p stops, a watched access, event @p until, or the end: which it was."""
        if until:
            self.cap(until)
            stops = stops | {self.at["stop"]}
        stops = stops | {self.at["end"]} if self.checkpoints else stops
        pc = self.p.regs()[RIP]
        if pc in stops and self.step() == "exit":
            return "exit"
        if self.watches:
            self.set_watches(True)
        codes = {at: self.p.read(at, 1) for at in stops}
        for at in stops:
            self.p.write(at, b"\xcc")
        why = self.wait(CONT)
        if why == "exit":
            return why
        for at, code in codes.items():
            self.p.write(at, code)
        regs = self.p.regs()
        watched = self.watch_hit() if self.watches else None
        if self.watches:
            self.set_watches(False)
        if watched is not None:
            self.to_kernel()
            self.watched = watched
            return "watch"
        regs[RIP] -= 1
        self.p.set_regs(regs)
        return {self.at["stop"]: "event", self.at["end"]: "end"}.get(regs[RIP], "break")

    def cap(self, event):
        """sim_debug_stop is called when @p event hooks were executed: the next hook sees to it."""
        a, p = self.at, self.p
        p.write(a["at"], struct.pack("<Q", event))
        if not p.read(a["running"], 1)[0]:
            return
        budget, bias = p.i64(a["budget"]), p.i64(a["bias"])
        if budget > bias:
            p.write(a["armed"], struct.pack("<q", p.i64(a["armed"]) - (budget - bias)))
            p.write(a["budget"], struct.pack("<q", bias))
            p.write(a["capped"], b"\x01")
            # Straight code has it in r11, too (sim/hooks.awk), and in the midst of a hook one less.
            regs = p.regs()
            if regs[R11] in (budget, budget - 1):
                regs[R11] = (regs[R11] - budget + bias) % 2**64
                p.set_regs(regs)

    def to_kernel(self):
        """Out of the simulator's own code; false at the end."""
        for _ in range(STEPS_MAX):
            pc = self.p.regs()[RIP]
            if self.in_kernel(pc):
                return True
            if pc == self.at["end"] or self.step() == "exit":
                return False
        raise Wrong("the simulator does not come back to the kernel")

    def forward(self, interrupted):
        """Continues, with a copy left behind now and then."""
        while True:
            now = self.events()
            last = self.checkpoints[-1][0]
            goal = max(now, last) + self.interval if last >= now else max(last + self.interval, now + 2)
            why = self.go(set(self.breakpoints), goal)
            self.drain()
            if why != "event":
                return why
            if self.events() > last:
                self.keep()
            if interrupted():
                return "interrupt" if self.to_kernel() else "end"

    def keep(self):
        self.checkpoints.append((self.events(), self.p.fork()))
        self.checkpoints.sort(key=lambda c: c[0])
        if len(self.checkpoints) <= CHECKPOINTS_MAX:
            return
        for _, process in self.checkpoints[1::2]:
            process.kill()
        self.checkpoints = self.checkpoints[::2]
        self.interval *= 2

    def step_forward(self):
        """One instruction of the kernel, on whichever CPU."""
        if self.step() == "exit" or not self.to_kernel():
            return "end"
        self.drain()
        return "break"

    # Going back.

    def restore(self, event):
        """To the last copy before @p event."""
        index = max((i for i, (at, _) in enumerate(self.checkpoints) if at < event), default=0)
        self.drain()
        if self.exited is None:
            self.p.kill()
        self.exited = None
        self.p = self.checkpoints[index][1].fork()
        return self.checkpoints[index][0]

    def go_to_event(self, event):
        """Where hook number @p event was just counted, in the simulator's code, or at the beginning. The kernel's code counts
        hooks in place, some instructions before that."""
        saved, self.watches = self.watches, {}
        if self.restore(event) < event and event > self.first[0]:
            self.go(set(), event)
            self.drain()
        self.watches = saved

    def land(self, event):
        """In the kernel, behind event @p event or where the run ends before; with copies on the way."""
        saved, self.breakpoints, self.watches = (self.breakpoints, self.watches), set(), {}
        if self.events() < event:
            self.forward(lambda: self.events() >= event)
        self.go_to_event(min(event, self.events()) if self.events() < event else event)
        self.to_kernel()
        self.breakpoints, self.watches = saved

    def go_to(self, place):
        event, pc, sp = place
        if place == self.first:
            self.restore(0)
            return
        self.go_to_event(event - 1)
        for _ in range(STEPS_MAX):
            if self.place() == place:
                self.drain()
                return
            if self.step() == "exit":
                break
        raise Wrong(f"event {event} is not at {pc:#x} again")

    def kernel_steps(self, event, target):
        """Places of the kernel from before event @p event to the next, up to @p target."""
        self.go_to_event(event - 1)
        found = []
        for _ in range(STEPS_MAX):
            place = self.place()
            if self.in_kernel(place[1]):  # elsewhere the counters may be half changed
                if place == target or place[0] > event:
                    return found
                if not found or found[-1] != place:
                    found.append(place)
            if place[1] == self.at["end"] or self.step() == "exit":
                return found
        return found

    def come_near(self, event):
        """Leaves a copy a little before @p event: who goes one step back goes more."""
        last = max((at for at, _ in self.checkpoints if at < event), default=0)
        if event - last > 2 * NEAR_EVENTS:
            self.go_to_event(event - NEAR_EVENTS)
            self.keep()

    def step_back(self):
        """To the instruction of the kernel before this one; false at the beginning."""
        target = self.place()
        event = target[0]
        self.come_near(event)
        while True:
            if target == self.first:
                self.go_to(self.first)
                return False
            found = self.kernel_steps(event, target)
            if found:
                self.go_to(found[-1])
                return True
            if event <= self.first[0]:
                self.go_to(self.first)
                return target != self.first
            event -= 1

    def backward(self):
        """To the last stop before this place: "break", "watch", or "begin"."""
        target = self.place()
        index = max((i for i, (at, _) in enumerate(self.checkpoints) if at < target[0]), default=0)
        for i in range(index, -1, -1):
            end = target if i == index else None
            limit = self.checkpoints[i + 1][0] if i < index else target[0] - 1
            found = self.stops_between(i, limit, end)
            if found:
                why, place, watched = found
                self.go_to(place)
                if why == "watch":
                    self.step_back()  # to before the access, as GDB expects
                self.watched = watched
                return why
        self.go_to(self.first)
        return "begin"

    def stops_between(self, index, limit, end):
        """The last stop behind copy @p index and before event @p limit, or if there is one the place @p end,
        which is in that event."""
        self.restore(self.checkpoints[index][0] + 1)
        found = None
        while True:
            late = self.events() >= limit
            if late and end is None:
                return found
            why = self.go(set(self.breakpoints) | ({end[1]} if late else set()), limit + 3 if late else limit)
            self.drain()
            if why in ("exit", "end") or why == "event" and late:
                return found
            if why == "event":
                continue
            place = self.place()
            stop = (why, place, self.watched if why == "watch" else None)
            if place == end:
                return stop if why == "watch" else found
            if place[0] > (end[0] if end else limit):
                return found
            if why == "watch" or place[1] in self.breakpoints:
                found = stop

    # What GDB asks for.

    def threads(self):
        """The CPUs that have started."""
        n = struct.unpack("<I", self.p.read(self.at["cpus"], 4))[0]
        stride = self.at["sp1"] - self.at["sp0"]
        return [i for i in range(n) if i == self.cpu() or self.p.u64(self.at["sp0"] + i * stride)]

    def stack_pointer(self, cpu):
        if cpu == self.cpu():
            return self.p.regs()[RSP]
        return self.p.u64(self.at["sp0"] + cpu * (self.at["sp1"] - self.at["sp0"]))

    def saved_registers(self, sp):
        """With which a stack at rest goes on. The others are not kept: its function does not need them."""
        return dict(zip(SAVED, struct.unpack("<7Q", self.p.read(sp, 56).ljust(56, b"\0")))) | {"rsp": sp + 56}

    def registers_of(self, cpu):
        if cpu == self.cpu():
            return dict(zip(REGISTERS, self.p.regs()))
        return self.saved_registers(self.stack_pointer(cpu))

    def discard(self):
        """What a copy wrote that is none of the run."""
        try:
            while os.read(self.out, 65536):
                pass
        except BlockingIOError:
            pass


def symbols_of(elf):
    """name -> address, and (file, name) -> address: several files may have a variable of that name."""
    done = subprocess.run(["nm", "-ap", elf], text=True, stdout=subprocess.PIPE, check=True)
    names, statics, file = {}, {}, ""
    for at, kind, name in (row for row in map(str.split, done.stdout.splitlines()) if len(row) == 3):
        if kind == "a":
            file = os.path.basename(name)  # of those that follow
        names[name] = statics[file, name] = int(at, 16)
    return names, statics


def command_of(args):
    if args.file:
        run = runs.read_file(args.file)
        return [os.path.abspath(run.program), "--replay", os.path.abspath(args.file)]
    runs.settle(args)
    elf = runs.kernel(args)
    return [os.path.abspath(elf), *runs.words(args, args.seed)]


def last_event(command, symbols):
    """How many events a run has that ends by itself."""
    machine = Machine(command, symbols)
    try:
        while machine.forward(lambda: False) not in ("end", "exit"):
            pass
        return machine.events()
    finally:
        machine.close()


def main(args):
    if os.uname().machine != "x86_64":
        raise Wrong("debug is for x86_64 hosts")
    until, args.until = args.until, None  # there GDB begins; the run goes on
    command = command_of(args)
    symbols, statics = symbols_of(command[0])
    if "sim_debug_table" not in symbols:
        raise Wrong(f"{command[0]} cannot be debugged: it was built by an older tree")
    event = last_event([*command, "--until", str(until)], symbols) if until else 0
    if args.terminal:
        return stepper.main(Machine(command, symbols), command, event)
    listener = socket.create_server(("127.0.0.1", args.port or 0))
    port = listener.getsockname()[1]
    machine = Machine(command, symbols)
    tasks, gdb = Tasks(machine, symbols, statics), None
    try:
        if event:
            machine.land(event)
        if args.port is None:
            gdb = subprocess.Popen(["gdb", "-q", *(["-batch"] if args.ex else []), "-ex", "set pagination off", "-ex", "set remotetimeout 60", "-ex", "set sysroot /", "-x", str(COMMANDS),
                                    "-ex", f"target remote 127.0.0.1:{port}",
                                    *(word for text in args.ex or [] for word in ("-ex", text)), command[0]])
        else:
            print(f"gdb {command[0]} -x {COMMANDS} -ex 'target remote 127.0.0.1:{port}'", flush=True)
        listener.settimeout(60 if gdb else None)
        connection, _ = listener.accept()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # GDB's
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Server(machine, connection, tasks).serve()
        connection.close()
    finally:
        tasks.forget()
        machine.close()
        if gdb:
            gdb.wait()
    return gdb.returncode if gdb else 0
