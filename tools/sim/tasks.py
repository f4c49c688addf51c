"""The kernel's tasks as a debugger's threads: who there is at this place of a run, and with which registers.

A poll lies on a worker's stack: on its CPU's, or, suspended, on one that nobody is on; then the registers are those
with which it goes on. A task between two polls has no stack. What is shown of it is its next poll, come to where the
last one ended: a copy of the process makes it, so that GDB sees the calls that the frames stand for, with what is in them.
"""

import re
import struct
from collections import namedtuple

import runs
from traced import RDI, REGISTERS, RIP, RSP

FIRST = 1000  # the thread of task 0, which there is not; CPUs are at most 64
LAYOUT = ("task_id task_name task_fn task_class task_level task_state task_cpu task_worker task_all task_frame worker_sp worker_id stride "
          "cpu_size cpu_current cpu_worker cpu_frozen cpu_left async_does async_resume async_awaiting awaitable_poll awaits calls").split()
STATES = "waiting ready running throttled dead".split()  # enum task_state
RUNNING = STATES.index("running")
TASKS_MAX = 100_000  # a longer list has lost its head
CALLS_MAX = 64
STEPS_MAX = 20_000  # of a poll to where it goes on
BELOW_BYTES = 1024  # beneath the CPU's stack pointer, for that poll
PLENTY = 1 << 40  # of hooks: the simulator does not come in between

# worker: whose stack has its poll; cpu: that is on it; chosen: by this CPU, which is still on its predecessor's stack
Task = namedtuple("Task", "at id name group state fn worker cpu chosen")


class Tasks:
    def __init__(self, machine, names, files):
        self.m, self.names = machine, names
        self.known = "sim_debug_layout" in names and ("task.c", "registry") in files
        if not self.known:
            return
        fields = struct.unpack(f"<{len(LAYOUT)}I", machine.p.read(names["sim_debug_layout"], 4 * len(LAYOUT)))
        self.of = dict(zip(LAYOUT, fields))
        self.registry, self.stacks = files["task.c", "registry"], files["worker.c", "stacks"]
        self.functions = {at: name for name, at in names.items()}
        text = (runs.ROOT / "kernel/trace/events.def").read_text()
        self.classes = {int(n): name for name, n in re.findall(r"VALUE\(sched_class, (\w+), (\d+)\)", text)}
        self.seen, self.polls = None, {}

    def forget(self):
        """The machine moves: nothing of what was seen holds any more."""
        if not self.known:
            return
        self.seen = None
        for process in filter(None, self.polls.values()):
            process.kill()
        self.polls = {}

    # Who there is.

    def word(self, at):
        data = self.m.p.read(at, 8)
        return int.from_bytes(data, "little") if len(data) == 8 else 0

    def stack_of(self, sp):
        """The number of the worker whose stack has this address; 0: another stack."""
        return (sp - self.word(self.stacks)) // self.of["stride"] + 1 if self.word(self.stacks) else 0

    def cpus(self):
        """CPU -> (its structure's address, stack pointer)."""
        return {cpu: (self.names["cpus"] + cpu * self.of["cpu_size"], self.m.stack_pointer(cpu)) for cpu in self.m.threads()}

    def all(self):
        """thread -> Task, of those that have not ended, in the order of their numbers."""
        if not self.known:
            return {}
        if self.seen is None:
            cpus, found = self.cpus(), {}
            node = self.word(self.registry)
            while node not in (0, self.registry) and len(found) < TASKS_MAX:
                task = self.task(node - self.of["task_all"], cpus)
                if task is None or FIRST + task.id in found:
                    break  # the list is being changed
                found[FIRST + task.id] = task
                node = self.word(node)
            left = {task.cpu for task in found.values() if task.chosen is None and task.cpu is not None}
            self.seen = {thread: task._replace(worker=0, cpu=None) if task.chosen in left else task._replace(chosen=None)
                         for thread, task in found.items()}
        return self.seen

    def task(self, at, cpus):
        """What is known of it; chosen: the CPU whose current task it is."""
        data = self.m.p.read(at, self.of["task_frame"])
        if len(data) < self.of["task_frame"]:
            return None

        def number(name, size):
            return int.from_bytes(data[self.of[name]:self.of[name] + size], "little")

        state, name = number("task_state", 4), data[self.of["task_name"]:].split(b"\0")[0][:16].decode(errors="replace")
        level = number("task_level", 1)
        group = self.classes.get(number("task_class", 4), "?") + (f" {level}" if level else "")
        worker, chosen = number("task_worker", 8), None
        if not worker and state == RUNNING:
            chosen = next((i for i, (cpu, _) in cpus.items() if self.word(cpu + self.of["cpu_current"]) == at), None)
            worker = self.polled_on(at, chosen, number("task_cpu", 4), cpus)
        on = [cpu for cpu, (_, sp) in cpus.items() if worker and self.stack_of(sp) == self.worker_id(worker)]
        return Task(at, number("task_id", 4), name, group, state, number("task_fn", 8), worker, on[0] if on else None, chosen)

    def polled_on(self, at, chosen, last, cpus):
        """The stack of a running task's poll. Where its CPU has chosen another already, that is the one
        which is to be left, and then, until the other has put it into a queue, the one that was left."""
        cpu = cpus[last if chosen is None else chosen][0]
        left = chosen is None and self.word(cpu + self.of["cpu_frozen"]) == at
        return self.word(cpu + self.of["cpu_left" if left else "cpu_worker"])

    def worker_id(self, worker):
        return int.from_bytes(self.m.p.read(worker + self.of["worker_id"], 2), "little")

    def on_cpu(self, cpu):
        """The task that has its poll where this CPU is; None: none."""
        return next((task for task in self.all().values() if task.cpu == cpu), None)

    def describe(self, task):
        if task.chosen is not None:
            does = f"chosen by CPU {task.chosen}"
        elif task.cpu is not None:
            does = f"runs on CPU {task.cpu}"
        elif task.worker:
            does = "preempted"
        else:
            does = STATES[task.state] if task.state < len(STATES) else "?"
            inner = self.chain(task)[-1]
            if does == "waiting" and self.m.p.read(inner + self.of["async_does"], 1) == bytes([self.of["awaits"]]):
                poll = self.word(self.word(inner + self.of["async_awaiting"]) + self.of["awaitable_poll"])
                does += ": " + self.functions.get(poll, "?").removesuffix("_poll")
        return f"{task.group}, {does}"

    # Between two polls.

    def chain(self, task):
        """The frames of its async calls, the outermost first."""
        frames = [task.at + self.of["task_frame"]]
        while len(frames) < CALLS_MAX and self.m.p.read(frames[-1] + self.of["async_does"], 1) == bytes([self.of["calls"]]):
            frames.append(self.word(frames[-1] + self.of["async_awaiting"]))
        return frames

    def poll(self, task):
        """A copy of the process in which the task is polled, and has come to where it goes on. None: it does not come there."""
        if task.id not in self.polls:
            self.m.drain()
            copy = self.m.p.fork()
            arrived = self.begin_poll(copy, task)
            self.m.discard()
            if not arrived:
                copy.kill()
            self.polls[task.id] = copy if arrived else None
        return self.polls[task.id]

    def begin_poll(self, copy, task):
        frames = self.chain(task)
        regs = copy.regs()
        sp = (regs[RSP] - BELOW_BYTES & ~15) - 8
        copy.write(sp, struct.pack("<Q", self.names["sim_fiber_boot"] + 1))  # for GDB, nobody calls that
        copy.write(self.m.at["budget"], struct.pack("<q", PLENTY))
        regs[RIP], regs[RSP], regs[RDI] = task.fn, sp, frames[0]
        regs[REGISTERS.index("rbp")] = 0
        regs[REGISTERS.index("orig_rax")] = 2**64 - 1
        copy.set_regs(regs)
        goals = [goal for goal in (self.word(frame + self.of["async_resume"]) for frame in frames) if goal]
        for _ in range(STEPS_MAX):
            while goals and copy.regs()[RIP] == goals[0]:
                goals.pop(0)
            if not goals:
                return True
            if not copy.step():
                return False
        return False

    # What GDB sees.

    def is_between(self, thread):
        """A task that has no stack: its registers are those of a poll to come, wherever that will be."""
        task = self.all().get(thread)
        return task is not None and not task.worker and task.chosen is None

    def process(self, thread):
        """Whose memory a thread has."""
        return self.is_between(thread) and self.poll(self.all()[thread]) or self.m.p

    def registers(self, thread):
        """Name -> value; what there is not is missing."""
        task = self.all()[thread]
        if task.cpu is not None:
            return self.m.registers_of(task.cpu)
        if task.worker:
            return self.m.saved_registers(self.word(task.worker + self.of["worker_sp"]))
        if task.chosen is not None:
            return {}  # the stack that the CPU goes to is known to its code alone
        copy = self.poll(task)
        if copy:
            return dict(zip(REGISTERS, copy.regs()))
        return {"rip": self.word(self.chain(task)[-1] + self.of["async_resume"]) or task.fn}
