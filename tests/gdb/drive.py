"""Runs inside GDB (-x): takes a kernel into its demo, runs every command there, plants two errors,
and lets the kernel go on to its end. What it saw goes to the JSON file $FERMATA_GDB_OUT; the
assertions are in test_gdb.py."""

import json
import os

import gdb

FIRES = 8  # timers that fire before the stop: by then tasks have preempted each other
LOOKS_MAX = 400  # decisions to look at for a task suspended in burn_ns, before giving up

seen = {}


def run(command):
    """A command's output, or its error in a list."""
    try:
        return gdb.execute(command, to_string=True)
    except gdb.error as problem:
        return [str(problem)]


def number(expression):
    return int(gdb.parse_and_eval(expression))


class Once(gdb.Breakpoint):
    """A breakpoint that stops when its condition, here in Python, holds."""

    def __init__(self, place, condition):
        super().__init__(place, internal=True)
        self.condition_in_python = condition
        self.hits = 0

    def stop(self):
        self.hits += 1
        return bool(self.condition_in_python(self.hits))


def go_to(place, condition=lambda hits: True):
    """Continues until the condition holds at a function, and selects its frame."""
    breakpoint_ = Once(place, condition)
    gdb.execute("continue", to_string=True)
    breakpoint_.delete()
    frame = gdb.newest_frame()
    while frame.name() != place:  # something may be inlined at its start
        frame = frame.older()
    frame.select()


def registry():
    """The tasks, walked without the commands' own code."""
    head = gdb.parse_and_eval("&'kernel/task/task.c'::registry")
    node = head.dereference()["next"]
    task = gdb.lookup_type("struct task").pointer()
    link = number("(unsigned long)&((struct task *)0)->all")
    while node != head:
        yield gdb.Value(int(node) - link).cast(task)
        node = node["next"]


def suspended_in_burn():
    """Some task that is in a run queue was struck in burn_ns."""
    for task in registry():
        if int(task["worker"]) and "TASK_READY" in str(task["state"]):
            if "burn_ns (" in run(f"fermata bt {int(task['id'])}"):
                return True
    return False


def facts():
    """What GDB's own expressions say."""
    cpus = number("cpu_count")
    return {
        "cpus": cpus,
        "waiting": sum(number(f"shards[{i}].queued[{u}]") for i in range(number("shard_count"))
                       for u in range(number("sizeof shards[0].queued / sizeof shards[0].queued[0]"))),
        "workers": number("'kernel/task/worker.c'::worker_count"),
        "current": [number(f"cpus[{i}].current ? cpus[{i}].current->id : 0") for i in range(cpus)],
        "on_worker": [number(f"cpus[{i}].worker->id") for i in range(cpus)],
        "tasks": {int(t["id"]): {"polls": int(t["polls"]), "job": int(t["job"]), "cpu": int(t["cpu"]),
                                 "preempted": int(t["preemptions"]), "name": t["name"].string(),
                                 "level": int(t["params"]["level"]), "state": str(t["state"]),
                                 "worker": int(t["worker"]["id"]) if int(t["worker"]) else 0}
                  for t in registry()},
    }


def look():
    found = {name: run(f"fermata {name}") for name in ("tasks", "queues", "cpus", "workers")}
    found["facts"] = facts()
    return found


def middle_of_the_demo():
    go_to("sleep_fire", lambda hits: hits > FIRES)
    go_to("record_switch", lambda hits: hits > LOOKS_MAX or number("prev != 0") and suspended_in_burn())
    seen["prev"] = number("prev->tid")
    seen["stop"] = run("backtrace")
    seen.update(look())
    ids = list(seen["facts"]["tasks"])
    seen["bt"] = {i: run(f"fermata bt {i}") for i in ids}
    seen["trace"] = {i: run(f"fermata trace {i} 200") for i in range(seen["facts"]["cpus"])}
    seen["merged"] = run("fermata trace all 50")
    seen["function"] = [run(f"print $task({ids[0]})->id"), run("print $task(9999)"),
                        run(f"print *$task({ids[0]})"), run("print $task(%d)->joiners" % ids[-1])]
    suspended = [i for i in ids if seen["facts"]["tasks"][i]["worker"]]
    seen["view"] = {"task": suspended[0], "on": run(f"fermata view {suspended[0]}"), "bt": run("backtrace"),
                    "up": (run("frame function poll_task"), run("frame")), "off": run("fermata view"), "after": run("backtrace")}
    running = next(i for i in ids if seen["facts"]["tasks"][i]["state"] == "TASK_RUNNING")
    seen["wrong"] = {c: run(f"fermata {c}")
                     for c in ("bt", "bt 9999", "bt x", "trace 99", "trace all 0", "trace 0 1 nap", "tasks 1", f"view {running}")}
    seen["help"] = {c: run(f"help fermata {c}") for c in
                    ("tasks", "queues", "cpus", "bt", "view", "trace", "workers")}
    plant(suspended[0])


def plant(task):
    """Two errors in the machine's memory, looked at and taken back."""
    state = number(f"$task({task})->state")
    gdb.execute(f"set variable $task({task})->state = TASK_WAITING")
    seen["planted_state"] = look()
    gdb.execute(f"set variable $task({task})->state = {state}")
    gdb.execute("set variable shards[0].queued[0] = shards[0].queued[0] + 1")
    seen["planted_count"] = look()
    gdb.execute("set variable shards[0].queued[0] = shards[0].queued[0] - 1")


def main():
    gdb.execute("set confirm off")
    gdb.execute("set width 0")
    seen["early"] = {c: run(f"fermata {c}") for c in ("tasks", "queues", "cpus", "bt 1", "trace", "workers")}
    middle_of_the_demo()
    if not gdb.lookup_global_symbol("sim_budget"):
        gdb.execute("set variable 'kernel/apps/demo.c'::stop_at_ns = 0")  # it was long; let it end
    go_to("board_exit")
    seen["status"] = number("status")
    if gdb.lookup_global_symbol("sim_budget"):
        gdb.execute("continue")  # the simulator prints what identifies its execution


try:
    main()
except (gdb.error, gdb.GdbError) as problem_:
    seen["problem"] = str(problem_)
with open(os.environ["FERMATA_GDB_OUT"], "w", encoding="utf-8") as out_:
    json.dump(seen, out_)
