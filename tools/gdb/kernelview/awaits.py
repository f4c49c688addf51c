"""Async functions between two polls: where they go on, and what they wait for."""

from collections import namedtuple

import gdb

from . import model
from .memory import function_at, milliseconds, named, pointer, source_at, source_text

Step = namedtuple("Step", "function pc place text call")  # place: (file, line) or None; call: its struct async
CALLS_MAX = 64


def step_of(call):
    pc = int(call["resume"])
    return Step(function_at(pc), pc, source_at(pc), source_text(pc), call)


def chain(task):
    """The task's suspended async functions, the innermost first; empty before its first await."""
    call = pointer(int(task["frame"].address), "struct async").dereference()
    steps = []
    while int(call["resume"]) and len(steps) < CALLS_MAX:
        steps.append(step_of(call))
        if does(call) != "ASYNC_CALLS":
            break
        call = call["callee"].dereference()
    return steps[::-1]


def does(call):
    return str(call["does"].cast(gdb.lookup_type("enum async_does")))


def describe_sleep(awaitable):
    sleep = awaitable.cast(gdb.lookup_type("struct sleep").pointer())
    return f"sleep until {milliseconds(int(sleep['until_ns']))}"


def describe_channel(awaitable):
    operation = awaitable.cast(gdb.lookup_type("struct channel_op").pointer())
    what = "send to" if awaitable["poll"] and int(awaitable["kind"]) == 4 else "receive from"
    return f"{what} channel {named(operation['channel'])}"


def describe_join(awaitable):
    task = awaitable.cast(gdb.lookup_type("struct join").pointer())["task"]
    return f"join of task {int(task['id'])} {model.name(task)}"


# The awaitable's poll function names the object around it, whose first member it is.
DESCRIBE = {"sleep_poll": describe_sleep, "op_poll": describe_channel, "join_poll": describe_join}


def awaited(call):
    """What an async function waits for, in words."""
    awaitable = call["awaiting"]
    if int(awaitable) == 0:
        return "its first poll"
    poll = function_at(int(awaitable["poll"]))
    describe = DESCRIBE.get(poll)
    return describe(awaitable) if describe else poll.removesuffix("_poll")


def summary(task):
    """One line for the table of tasks; "" for a task that is in the middle of a poll."""
    if model.state(task) not in ("waiting", "ready"):
        return ""
    steps = chain(task)
    if not steps:
        return "not polled yet"
    place = steps[0].place
    where = f"{place[0].split('/')[-1]}:{place[1]}" if place else hex(steps[0].pc)
    return f"{awaited(steps[0].call)} ({where})"
