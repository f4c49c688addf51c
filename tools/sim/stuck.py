"""Who waits where when a run cannot go on: "no progress" is said by the simulator, which knows CPUs alone. The run is done
again, as by a debugger, up to that point; then each task is shown with the calls that it is in, the innermost first."""

import os
import sys

from debug import Machine, symbols_of
from stepper import Stepper
from tasks import Tasks

NEAR_BYTES = 16


def frames(machine, tasks, stepper, thread, task):
    if not task.worker:  # its frames say where it goes on
        goals = [tasks.word(frame + tasks.of["async_resume"]) for frame in tasks.chain(task)]
        return [goal for goal in goals if goal][::-1] or [task.fn]
    known = tasks.registers(thread)
    return [pc for pc in stepper.calls(known["rip"], known["rbp"]) if machine.in_kernel(pc)]


def place(stepper, pc):
    """Some instructions have no line: then that of the next one that has."""
    places = (stepper.place(at) for at in range(pc, pc + NEAR_BYTES))
    return next((text for text in places if not text.endswith("?")), stepper.place(pc))


def show(command):
    """On standard error; nothing where there is no ptrace(2) for it."""
    if os.uname().machine != "x86_64":
        return
    names, statics = symbols_of(command[0])
    if "sim_debug_layout" not in names:
        return
    machine = Machine(command, names, quiet=True)
    try:
        while machine.forward(lambda: False) not in ("end", "exit"):
            pass
        if machine.exited is not None:
            return
        tasks, stepper = Tasks(machine, names, statics), Stepper(machine, command)
        for thread, task in tasks.all().items():
            print(f"  task {task.id} {task.name} ({tasks.describe(task)})", file=sys.stderr)
            for n, pc in enumerate(frames(machine, tasks, stepper, thread, task)):
                print(f"    #{n} {place(stepper, pc)}", file=sys.stderr)
    finally:
        machine.close()
