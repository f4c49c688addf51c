"""The commands. Each class is one; its doc string is what `help` shows."""

import gdb

from . import awaits, model, stacks, trace
from .memory import TIME_NEVER, Unavailable, milliseconds, named, wheel_nodes


def table(rows):
    """Rows of texts with their columns aligned; the first row names them."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())


def number(text, what):
    try:
        return int(text, 0)
    except ValueError:
        raise Unavailable(f"{what}: expected a number, not '{text}'") from None


class Fermata(gdb.Command):
    """Fermata's tasks, stacks and trace. All of these only read the machine."""

    def __init__(self):
        super().__init__("fermata", gdb.COMMAND_STATUS, gdb.COMPLETE_NONE, True)


class Command(gdb.Command):
    """What the commands share: arguments as a list, and errors in one line."""

    def __init__(self):
        super().__init__("fermata " + type(self).__name__.lower(), gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        try:
            self.run(gdb.string_to_argv(argument))
        except Unavailable as problem:
            raise gdb.GdbError(f"{self.title()}: {problem}") from None
        except gdb.error as problem:
            raise gdb.GdbError(f"{self.title()}: {' '.join(str(problem).split())}") from None

    def title(self):
        return "fermata " + type(self).__name__.lower()

    def expect(self, arguments, least, most, usage):
        if not least <= len(arguments) <= most:
            raise Unavailable(f"expected: {self.title()} {usage}".rstrip())


class Tasks(Command):
    """List all tasks: fermata tasks

id, state (waiting, ready, preempted: ready with a suspended poll, running), class and level, the
CPU it ran on last, jobs released, polls, preemptions, name, and what it awaits with the source
line at which it goes on. A task that has ended is not listed."""

    COLUMNS = ["id", "state", "class", "level", "cpu", "job", "polls", "preempted", "name", "awaits"]

    def run(self, arguments):
        self.expect(arguments, 0, 0, "")
        classes = model.class_names()
        rows = [self.COLUMNS]
        for t in model.tasks():
            params = t["params"]
            rows.append([str(int(t["id"])), model.state(t), classes.get(int(params["class"]), "?"),
                         str(int(params["level"])), str(int(t["cpu"])), str(int(t["job"])),
                         str(int(t["polls"])), str(int(t["preemptions"])), model.name(t), awaits.summary(t)])
        table(rows)


class Queues(Command):
    """Show the run queues: fermata queues

The waiting tasks of each class in the order in which they would run, the most urgent class first.
key is what the policy compares, smaller first: for edf the absolute deadline in ns, for fifo and
rr 31 minus the level. order numbers the arrivals. The last line compares with the shards' own
count; while another CPU is in the middle of a change the two may differ by it."""

    def run(self, arguments):
        self.expect(arguments, 0, 0, "")
        rows = [["class", "task", "name", "key", "order", "worker"]]
        for policy, queue in model.run_queues():
            if not queue:
                rows.append([policy, "-", "", "", "", ""])
            for entry in queue:
                t = entry.task
                rows.append([policy, str(int(t["id"])), model.name(t), str(entry.key), str(entry.order),
                             str(int(t["worker"]["id"])) if int(t["worker"]) else "-"])
        table(rows)
        queued = sum(len(queue) for _, queue in model.run_queues())
        counted = model.counted()
        print(f"{queued} queued, the shards count {counted}" + ("" if queued == counted else ": they differ"))


class Cpus(Command):
    """Show each CPU: fermata cpus

Its task, the worker whose stack it is on, whether a hint is pending, the depth of preempt_disable
and of interrupts, when the quantum ends, its timers and the first one's time, and the ranks
(class:key) of what it runs and of what it was promised."""

    COLUMNS = ["cpu", "task", "name", "worker", "hinted", "preempt_off", "irq_depth", "quantum_end",
               "timers", "first", "running", "promised"]

    def run(self, arguments):
        self.expect(arguments, 0, 0, "")
        rows = [self.COLUMNS]
        for cpu in model.cpus():
            i = int(cpu["id"])
            current = cpu["current"]
            timers = wheel_nodes(cpu["timers"])
            rows.append([str(i), str(int(current["id"])) if int(current) else "-",
                         model.name(current) if int(current) else "idle",
                         str(int(cpu["worker"]["id"])) if int(cpu["worker"]) else "boot",
                         "yes" if int(cpu["hints"]) != int(cpu["hints_seen"]) else "no", str(int(cpu["preempt_off"])),
                         str(int(cpu["irq_depth"])),
                         milliseconds(int(cpu["quantum_end_ns"])) if int(current) else "-",
                         str(len(timers)), milliseconds(int(timers[0]["key"]) if timers else TIME_NEVER),
                         model.rank(int(current["rank"]) if int(current) else model.RANK_IDLE),
                         model.rank(int(cpu["promised"]))])
        table(rows)


class Bt(Command):
    """Show where a task is: fermata bt TASK

A running task: the stack of its CPU. A preempted one: the stack that it was suspended on, from
the switch through the interrupt to the code that was struck. One that waits: its async functions,
the innermost first, with the lines at which they go on. TASK is a number of `fermata tasks`."""

    def run(self, arguments):
        self.expect(arguments, 1, 1, "TASK")
        task = model.task_by_id(number(arguments[0], "TASK"))
        state = model.state(task)
        title = f"task {int(task['id'])} {model.name(task)}: {state}"
        if state == "running":
            print(f"{title} on CPU {int(task['cpu'])}")
            print(stacks.backtrace_of_cpu(int(task["cpu"])))
        elif state == "preempted":
            worker = task["worker"]
            print(f"{title}, suspended on worker {int(worker['id'])}, sp {int(worker['sp']):#x}")
            print(stacks.backtrace_at_rest(int(worker["sp"])))
        else:
            print(title)
            self.print_chain(task)

    @staticmethod
    def print_chain(task):
        steps = awaits.chain(task)
        if not steps:
            print(f"#0  {named(task['fn'])}: not polled yet")
        for i, step in enumerate(steps):
            place = f"{step.place[0]}:{step.place[1]}" if step.place else "?"
            print(f"#{i}  {step.pc:#018x} in {step.function} (frame={int(step.call.address):#x}) at {place}")
            if step.text:
                print(f"      {step.text}")
        if steps:
            print(f"awaits {awaits.awaited(steps[0].call)}")


class View(Command):
    """Let GDB's own commands see a suspended stack: fermata view [TASK]

After `fermata view 7`, `backtrace`, `frame 3`, `info locals` and so on show the stack of task 7,
which is preempted. Frame 0 stays that of the machine; the task's frames begin at 1. The machine
is not changed. It ends with `fermata view`, or when the machine goes on."""

    def run(self, arguments):
        self.expect(arguments, 0, 1, "[TASK]")
        stacks.unwinder.hide()
        if not arguments:
            return
        task = model.task_by_id(number(arguments[0], "TASK"))
        if not model.is_preempted(task):
            raise Unavailable(f"task {int(task['id'])} is {model.state(task)}; only a preempted one keeps a stack")
        stacks.unwinder.show(stacks.saved_registers(int(task["worker"]["sp"]), stacks.architecture()))
        print(f"Frames 1 and up are those of task {int(task['id'])} {model.name(task)}.")


class Trace(Command):
    """Show the last trace events: fermata trace [CPU|all] [N] [EVENT]

The last N events (20) of a CPU, or of all CPUs by time, from the rings in the machine's memory.
EVENT keeps only those of that name: `fermata trace all 5 sched_decision`."""

    def run(self, arguments):
        self.expect(arguments, 0, 3, "[CPU|all] [N] [EVENT]")
        which = arguments[0] if arguments else "all"
        count = number(arguments[1], "N") if len(arguments) > 1 else 20
        if count < 1:
            raise Unavailable("N: expected a number from 1")
        cpus = range(int(trace.descriptor()["cpus"])) if which == "all" else [number(which, "CPU")]
        for event in trace.last(cpus, count, *arguments[2:]):
            ns = trace.nanoseconds(event.ticks)
            fields = " ".join(f"{name}={text}" for name, text in event.fields)
            print(f"[{ns // 1_000_000_000}.{ns % 1_000_000_000:09d}] cpu {event.cpu} {event.name}: {fields}")


class Workers(Command):
    """Show the worker stacks: fermata workers [all]

Number, address range, the most bytes of it that were ever used, and who uses it: a CPU, a
suspended task, or nobody (shown only by `all`, and when the stack was used before)."""

    FRESH_BYTES = 256  # what arch_stack_prepare left

    def run(self, arguments):
        if arguments not in ([], ["all"]):
            raise Unavailable("expected: fermata workers [all]")
        owners = model.worker_owners()
        rows = [["worker", "stack", "used", "of", "owner"]]
        workers = model.workers()
        for worker, low, high in workers:
            number_ = int(worker["id"])
            used = model.stack_used_bytes(low, high)
            if number_ in owners or used > self.FRESH_BYTES or arguments:
                rows.append([str(number_), f"{low:#x}-{high:#x}", str(used), str(high - low),
                             owners.get(number_, "free")])
        table(rows)
        print(f"{len(workers)} workers, {len(owners)} in use, {len(model.free_workers())} free")


class TaskFunction(gdb.Function):
    """The task with a number, as a pointer: p *$task(3)"""

    def __init__(self):
        super().__init__("task")

    def invoke(self, task_id):
        try:
            return model.task_by_id(int(task_id))
        except Unavailable as problem:
            raise gdb.GdbError(f"$task: {problem}") from None


def register():
    Fermata()
    for command in (Tasks, Queues, Cpus, Bt, View, Trace, Workers):
        command()
    TaskFunction()
