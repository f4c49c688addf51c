"""fermata-sim debug --terminal: a run event by event, forwards and backwards, without GDB.

  step [N], back [N]   N events on, or back (1); an event is a memory access or the begin of a block
  next [NAME]          to the next event of the trace with this name (sched_switch)
  previous [NAME]      to the last one before
  to EVENT             to the event of this number
  where                event, time, CPU, and the calls that led here
  tasks                each task, and what it did last
  cpus                 each CPU: what it runs, and where it is
  print SYMBOL         a variable's bytes, as numbers
  watch SYMBOL|ADDR    on, or back, until it is written: continue, reverse
  continue, reverse    to the next watched write, or the last one; or to an end of the run
  quit                 an empty line does the last command again
"""

import re
import subprocess
import sys
import tempfile

import runs
from traced import REGISTERS
from wrong import Wrong

FRAMES_MAX = 16
SWITCH = "sched_switch"
RECORD = re.compile(r"\[([\d.]+)\] CPU (\d+) (\w+): (.*)")
TASK = re.compile(r"(\w*)tid = (\d+) \(([^)]*)\)")
PROMPT = "(sim) "


def trace_events():
    """name -> number, of kernel/trace/events.def."""
    text = (runs.ROOT / "kernel/trace/events.def").read_text()
    return {name: int(number) for number, name in re.findall(r"^EVENT\(\w+, (\d+), (\w+)", text, re.M)}


class Stepper:
    def __init__(self, machine, command):
        self.m, self.command = machine, command
        self.numbers = trace_events()
        self.elf = command[0]
        rows = [line.split() for line in subprocess.run(["nm", "-nS", self.elf], text=True, stdout=subprocess.PIPE, check=True).stdout.splitlines()]
        self.symbols = {row[-1]: (int(row[0], 16), int(row[1], 16) if len(row) == 4 else 0) for row in rows if len(row) >= 3}
        self.record, self.switch = (self.symbols[name][0] for name in ("trace_record", "record_switch"))

    # Where it is.

    def place(self, pc):
        done = subprocess.run(["addr2line", "-f", "-e", self.elf, f"{pc:#x}"], text=True, stdout=subprocess.PIPE)
        name, line = done.stdout.split("\n")[:2]
        parts = line.split(" (")[0].split("/")
        first = next((i for i, part in enumerate(parts) if part in ("kernel", "tests", "sim", "tools")), 0)
        return f"{name} {'/'.join(parts[first:])}"

    def calls(self, pc, fp):
        found = [pc]
        while len(found) < FRAMES_MAX and fp % 8 == 0:
            frame = self.m.p.read(fp, 16)
            if len(frame) < 16:
                break
            up, back = int.from_bytes(frame[:8], "little"), int.from_bytes(frame[8:], "little")
            if not self.m.in_kernel(back) or up == fp:
                break
            found.append(back - 1)
            fp = up
        return found

    def told(self):
        m = self.m
        pc = m.place()[1]
        return f"event {m.events()}, {m.now_ns() / 1e9:.9f} s, CPU {m.cpu()}: {self.place(pc)}"

    def where(self):
        regs = dict(zip(REGISTERS, self.m.p.regs()))
        yield self.told()
        for n, pc in enumerate(self.calls(regs["rip"], regs["rbp"])):
            yield f"  #{n} {self.place(pc)}"

    # What the trace tells.

    def trace(self):
        """(time, CPU, name, fields) of all events up to here: the run again, to this event."""
        runs.make("tools", "sim", "clang")
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([*self.command, "--max-events", str(self.m.events()), "--trace", folder], stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            done = subprocess.run([runs.ROOT / "build/tools/fermata-trace", "print", folder], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return [match.groups() for match in map(RECORD.match, done.stdout.splitlines()) if match]

    def tasks(self):
        names, last, runs_on = {}, {}, {}
        for time, cpu, name, fields in self.trace():
            for role, tid, comm in TASK.findall(fields):
                names[int(tid)] = comm
                last[int(tid)] = f"{name} at {time} s on CPU {cpu}"
                if name == SWITCH:
                    runs_on.pop(int(tid), None)
                if name == SWITCH and role == "next_":
                    runs_on[int(tid)] = cpu
        yield from (f"{tid:4} {names[tid]:16} {'runs on CPU ' + runs_on[tid] if tid in runs_on else 'does not run':16} {last[tid]}" for tid in sorted(names))

    def cpus(self):
        m, names = self.m, {}
        for _, cpu, name, fields in self.trace():
            if name == SWITCH:
                names[int(cpu)] = next((comm for role, _, comm in TASK.findall(fields) if role == "next_"), "nobody")
        for cpu in m.threads():
            registers = m.registers_of(cpu)
            pc, fp = registers["rip"], registers["rbp"]
            inside = next((at for at in self.calls(pc, fp) if m.in_kernel(at)), pc)
            yield f"CPU {cpu}{' *' if cpu == m.cpu() else '  '} {names.get(cpu, 'nobody'):16} {self.place(inside)}"

    # Going.

    def events(self, text, sign):
        n = int(text or "1", 0)
        return self.to(str(max(self.m.events() + sign * n, 0)))

    def at_end(self):
        return self.m.place()[1] == self.m.at["end"]

    def to(self, text):
        m, event = self.m, max(int(text, 0), self.m.first[0] + 1)
        if not m.events() < event <= m.events() + m.interval:
            m.land(event)
        elif not self.at_end():
            saved, m.watches = m.watches, {}
            m.go(set(), event)
            m.drain()
            m.to_kernel()
            m.watches = saved
        return self.ended("end") if self.at_end() else ""

    def is_record(self, number):
        regs = self.m.p.regs()
        if regs[REGISTERS.index("rip")] == self.switch:
            return True
        return regs[REGISTERS.index("rip")] == self.record and regs[REGISTERS.index("rdi")] & 0xffffffff == number

    def records(self, name, back):
        """To the next, or the last, call of trace_record for this event."""
        name = name or SWITCH
        if name not in self.numbers:
            raise Wrong(f"there is no event {name} in the trace; docs/trace.md lists them")
        # All records of a switch are one step, and a way back leads to a step's first stop.
        self.m.breakpoints = {self.switch if name in (SWITCH, "sched_decision") else self.record}
        saved, self.m.watches = self.m.watches, {}
        try:
            while True:
                why = self.resume(back)
                if why != "break":
                    return self.ended(why)
                if self.is_record(self.numbers[name]):
                    return ""
        finally:
            self.m.breakpoints, self.m.watches = set(), saved

    def ended(self, why):
        return {"begin": "the run begins here", "end": "the run ends here"}.get(why, "")

    def resume(self, back):
        if not back and self.at_end():
            return "end"
        return self.m.backward() if back else self.m.forward(lambda: False)

    def go(self, back):
        why = self.resume(back)
        return f"{self.m.watched:#x} {'is about to be' if back else 'was'} written" if why == "watch" else self.ended(why)

    # Memory.

    def address(self, text):
        if text in self.symbols:
            return self.symbols[text]
        try:
            return int(text, 0), 8
        except ValueError:
            raise Wrong(f"{text or 'nothing'} is neither a variable of this kernel nor an address") from None

    def show(self, text):
        at, size = self.address(text)
        data = self.m.p.read(at, min(size or 8, 64))
        width = 8 if len(data) % 8 == 0 else 4 if len(data) % 4 == 0 else 1
        values = [int.from_bytes(data[i:i + width], "little") for i in range(0, len(data), width)]
        return f"{text} at {at:#x}, {size} bytes: {' '.join(f'{v:#x}' for v in values)}"

    def watch(self, text):
        at, size = self.address(text)
        size = size if size in (1, 2, 4, 8) else 8
        if len(self.m.watches) == 4:
            raise Wrong("there are four already, which is what the processor has")
        self.m.watches[at, size] = 1
        return f"watching {size} bytes at {at:#x}"

    def do(self, command, text):
        """Lines to be shown."""
        moves = {"step": lambda: self.events(text, 1), "back": lambda: self.events(text, -1), "to": lambda: self.to(text),
                 "next": lambda: self.records(text, False), "previous": lambda: self.records(text, True),
                 "continue": lambda: self.go(False), "reverse": lambda: self.go(True)}
        shows = {"where": self.where, "tasks": self.tasks, "cpus": self.cpus, "print": lambda: [self.show(text)], "watch": lambda: [self.watch(text)],
                 "help": lambda: __doc__.split("\n\n", 1)[1].rstrip().splitlines()}
        names = [name for name in [*moves, *shows] if name.startswith(command)]
        name = command if command in [*moves, *shows] else names[0] if len(names) == 1 else None
        if not name:
            raise Wrong(f"{command}: is no command, or stands for several; `help` lists them")
        if name in shows:
            return shows[name]()
        said = moves[name]()
        return [*([said] if said else []), self.told()]


def lines():
    """Commands: of a terminal with a prompt, else as they come."""
    last = ""
    while True:
        if sys.stdin.isatty():
            print(PROMPT, end="", flush=True)
        line = sys.stdin.readline()
        if not line:
            return
        last = line.strip() or last
        yield last


def main(machine, command, event):
    try:
        if event:
            machine.land(event)
        stepper = Stepper(machine, command)
        print(stepper.told(), flush=True)
        wrong = 0
        for line in lines():
            word, _, rest = line.partition(" ")
            if "quit".startswith(word or "-"):
                break
            if not word:
                continue
            try:
                print("\n".join(stepper.do(word, rest.strip())), flush=True)
            except (Wrong, ValueError) as mistake:
                print(f"{line}: {mistake}", flush=True)
                wrong = 0 if sys.stdin.isatty() else 1
        return wrong
    finally:
        machine.close()
