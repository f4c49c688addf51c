"""Async functions between two polls: where they go on, and what they wait for."""

from collections import namedtuple

import gdb

from . import model
from .memory import function_at, milliseconds, named, pointer, source_at, source_text

Step = namedtuple("Step", "function pc place text frame")  # place: (file, line) or None
CALLS_MAX = 64


def is_frame_type(kind):
    """A frame is a struct whose first member is a struct async."""
    kind = kind.strip_typedefs()
    if kind.code != gdb.TYPE_CODE_STRUCT or not kind.fields():
        return False
    return kind.fields()[0].type.strip_typedefs().tag == "async"


def frame_type(function):
    """The struct that an async function keeps its state in: what its `me` points to."""
    block = gdb.block_for_pc(function)
    for sym in block or ():
        target = sym.type.strip_typedefs() if sym.is_variable else None
        if target is not None and target.code == gdb.TYPE_CODE_PTR and is_frame_type(target.target()):
            return target.target()
    return None


def running_child(value):
    """The frame within `value` of an async function that was called and has not ended."""
    kind = value.type.strip_typedefs()
    if kind.code == gdb.TYPE_CODE_ARRAY:
        low, high = kind.range()
        parts = [value[i] for i in range(low, min(high, low + CALLS_MAX) + 1)]
    elif kind.code == gdb.TYPE_CODE_STRUCT:
        parts = [value[field] for field in kind.fields()]
    else:
        return None
    for part in parts:
        if is_frame_type(part.type) and int(part["async"]["resume"]):
            return part
        inner = running_child(part)
        if inner is not None:
            return inner
    return None


def step_of(frame):
    pc = int(frame["async"]["resume"])
    return Step(function_at(pc), pc, source_at(pc), source_text(pc), frame)


def chain(task):
    """The task's suspended async functions, the innermost first; empty before its first await."""
    at = int(task["frame"].address)
    kind = frame_type(int(task["fn"]))
    if kind is not None:
        frame = pointer(at, "char").cast(kind.pointer()).dereference()
    else:
        frame = None
    if frame is None or int(frame["async"]["resume"]) == 0:
        return []
    steps = [step_of(frame)]
    while len(steps) < CALLS_MAX:
        frame = running_child(frame)
        if frame is None:
            break
        steps.append(step_of(frame))
    return steps[::-1]


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


def awaited(frame):
    """What a frame's function waits for, in words."""
    awaitable = frame["async"]["awaiting"]
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
    return f"{awaited(steps[0].frame)} ({where})"
