#!/usr/bin/env python3
"""threads.py TOOLS ELF: what the debugger in TOOLS (tools/sim, or a copy) says of the tasks at many places of a run of
tests/sim/threads.c, forwards and backwards, compared with the calls that lie on their stacks. Status 1 and "not ok" when
something is wrong. No GDB: these are the answers that it gets."""

import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HOW = ["--cpus", "2", "--strategy", "random"]
PLACES = 100
CHANGES = 12  # of stacks, looked at closely
FUNCTIONS = {"init": "init", "nest": "nests", "clock": "ticks", "burn": "burns", "once": "once"}
RDI = 14  # in traced.REGISTERS
KINDS = {"runs on CPU", "preempted", "waiting: sleep", "chosen by CPU", "ready"}


class Debugger:
    def __init__(self, tools, elf):
        sys.path.insert(0, tools)
        import runs
        runs.ROOT = ROOT
        import debug
        import gdbserver
        import stepper
        import tasks
        self.change = stepper.trace_events()["worker_switch"]
        self.names, statics = debug.symbols_of(elf)
        command = [elf, *HOW]
        self.last = debug.last_event(command, self.names)
        self.m = debug.Machine(command, self.names)
        self.tasks = tasks.Tasks(self.m, self.names, statics)
        self.server = gdbserver.Server(self.m, None, self.tasks)
        self.code = sorted((at, name) for name, at in self.names.items())

    def function(self, pc):
        low, high = 0, len(self.code)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.code[middle][0] <= pc else (low, middle)
        return self.code[low][1]

    def calls(self, thread):
        """Functions of the kernel, by frame pointers, the innermost first."""
        known, memory = self.tasks.registers(thread), self.tasks.process(thread)
        if not known:
            return []
        pc, fp, found = known["rip"], known["rbp"], [known["rip"]]
        while fp and len(found) < 64:
            frame = memory.read(fp, 16)
            fp, pc = int.from_bytes(frame[:8], "little"), int.from_bytes(frame[8:], "little")
            found.append(pc - 1)
        return [self.function(pc) for pc in found if self.m.in_kernel(pc)]

    def wrong(self, thread, task):
        """What does not fit; "" when all does."""
        calls, own = self.calls(thread), FUNCTIONS[task.name]
        others = set(calls) & set(FUNCTIONS.values()) - {own}
        does = self.tasks.describe(task)
        if others:
            return f"its stack has {others}"
        if "preempted" in does and own not in calls:
            return f"its poll is not on the stack: {calls}"
        if task.worker or task.chosen is not None:
            return ""
        if task.name == "nest" and "waiting" in does and calls[:2] != ["naps", "nests"]:
            return f"its calls are {calls}"
        return "" if calls[-1] == own else f"its next poll is in {calls}"

    def look(self):
        self.tasks.forget()
        found = self.tasks.all()
        stacks = [task.worker for task in found.values() if task.worker]
        if len(set(stacks)) < len(stacks):
            raise AssertionError("two tasks have one stack")
        for thread, task in found.items():
            what = self.wrong(thread, task)
            if what:
                raise AssertionError(f"{task.name}, {self.tasks.describe(task)}: {what}")
        return {thread: self.server.described(thread) for thread in self.server.threads()}

    def tour(self):
        places = [self.last * n // PLACES for n in range(1, PLACES)]
        there = {}
        for event in places:
            self.m.land(event)
            there[event] = self.look()
        for event in reversed(places[::7]):
            self.m.land(event)
            if self.look() != there[event]:
                raise AssertionError(f"event {event}: {there[event]}, and backwards {self.look()}")
        return [*there.values(), *self.changes()]

    def changes(self):
        """Around a change of stacks, whose poll lies where is least clear."""
        self.m.land(self.last // 2)
        changes = 0
        self.m.breakpoints = {self.names["trace_record"]}
        while changes < CHANGES:
            if self.m.forward(lambda: False) != "break":
                raise AssertionError("the run has no more changes of stacks")
            if self.m.p.regs()[RDI] & 0xffffffff == self.change:
                changes += 1
                for _ in range(60):
                    yield self.look()
                    for _ in range(7):
                        self.m.step_forward()
        self.m.breakpoints = set()

    def come(self):
        """A step of a thread that is not there lets the machine run until it is."""
        self.m.land(self.last // 2)
        self.tasks.forget()
        for thread in sorted(self.tasks.all(), reverse=True):
            task = self.tasks.all()[thread]
            said = self.server.answer(f"vCont;s:{thread:x};c")
            if f"thread:{thread:x};" not in said or not self.server.is_here(thread):
                raise AssertionError(f"a step of {task.name}, {self.tasks.describe(task)}: {said}")


def main(tools, elf):
    debugger = Debugger(tools, elf)
    try:
        there = debugger.tour()
        kinds = Counter(kind for said in there for text in said.values() for kind in KINDS if kind in text)
        sizes = {len(said) for said in there}
        print(f"{len(there)} places: {dict(kinds)}, {min(sizes)} to {max(sizes)} threads")
        if set(kinds) != KINDS or len(sizes) < 3:
            raise AssertionError("not all kinds were seen")
        debugger.come()
    except AssertionError as wrong:
        print(f"not ok event {debugger.m.events()}: {wrong}")
        return 1
    finally:
        debugger.tasks.forget()
        debugger.m.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
