"""The scheduler's objects as Python ones: tasks, run queues, CPUs, workers."""

import os
import re
from collections import namedtuple

import gdb

from .memory import (Unavailable, container, list_entries, list_nodes, require_executor, symbol,
                     tree_nodes)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
RANK_IDLE = (1 << 64) - 1
RANK_CLASS_SHIFT = 60

Queued = namedtuple("Queued", "task key order")


def class_names():
    """From the one table of names that the kernel itself prints with."""
    with open(os.path.join(ROOT, "kernel/trace/events.def"), encoding="utf-8") as file:
        return {int(n): name for name, n in re.findall(r"VALUE\(sched_class, (\w+), (\d+)\)", file.read())}


def tasks():
    """Pointers to all tasks that have not ended, by rising id."""
    require_executor()
    registry = symbol("registry", "kernel/task/task.c")
    return list(list_entries(registry, "struct task", "all"))


def task_by_id(number):
    for task in tasks():
        if int(task["id"]) == number:
            return task
    raise Unavailable(f"there is no task {number}; `fermata tasks` lists them")


def name(task):
    return task["name"].string(errors="replace")


def is_preempted(task):
    return str(task["state"]) == "TASK_READY" and int(task["worker"]) != 0


def state(task):
    return "preempted" if is_preempted(task) else str(task["state"]).removeprefix("TASK_").lower()


def rank(value):
    """A rank as class:key, the two numbers that it packs."""
    if value == RANK_IDLE:
        return "idle"
    urgency, policies = value >> RANK_CLASS_SHIFT, symbol("policy_at", "kernel/task/runqueue.c")
    known = urgency <= policies.type.range()[1] and int(policies[urgency])
    name_ = policies[urgency]["name"].string() if known else "?"
    return f"{name_}:{value & ((1 << RANK_CLASS_SHIFT) - 1)}"


def ordered_entities(queue):
    ordered = queue.cast(gdb.lookup_type("struct ordered").pointer())
    for node in tree_nodes(ordered["tree"]):
        yield container(int(node), "struct sched_entity", "node")


def level_entities(queue):
    """A level's list holds the tasks that may run anywhere, the tree those that may not."""
    levels = queue.cast(gdb.lookup_type("struct levels").pointer())
    found = []
    for key in range(32):
        if int(levels["used"]) >> key & 1:
            for node in list_nodes(levels["queue"][key]):
                entity = container(node, "struct sched_entity", "link")
                found.append((key, int(entity["seq"]), entity))
    for entity in ordered_entities(levels["pinned"].address):
        found.append((int(entity["node"]["key"]), int(entity["seq"]), entity))
    return [entity for _, _, entity in sorted(found, key=lambda f: f[:2])]


# How a policy keeps its tasks follows from the function that puts them in. A queue of another kind
# begins with one that is ordered.
WALKS = {"levels_enqueue": level_entities, **dict.fromkeys(
    ("ordered_enqueue", "fair_enqueue", "lottery_enqueue", "stride_enqueue"), ordered_entities)}


def shards():
    array = symbol("shards", "kernel/task/runqueue.c")
    return [array[i] for i in range(int(symbol("shard_count")))]


def run_queues():
    """[(policy's name, [Queued ...])] by class, the most urgent first, in the order of running.
    A class's tasks wait in the queues of all shards; keys and arrival numbers order them all."""
    require_executor()
    queues = []
    policies = symbol("policy_at", "kernel/task/runqueue.c")
    for urgency in range(policies.type.range()[1] + 1):
        policy = policies[urgency]
        if int(policy) == 0:
            continue
        enqueue = re.search(r"<(\w+)", policy["enqueue"].format_string(symbols=True))
        walk = WALKS.get(enqueue[1] if enqueue else "")
        if walk is None:
            raise Unavailable(f"policy {policy['name'].string()}: tools/gdb does not know this kind of queue")
        found = []
        for shard in shards():
            queue = shard["queue"][urgency]
            if int(queue):
                found += [Queued(container(int(e), "struct task", "entity"), int(e["key"]), int(e["seq"]) - (1 << 63))
                          for e in walk(queue)]
        queues.append((policy["name"].string(), sorted(found, key=lambda q: (q.key, q.order))))
    return queues


def counted():
    """Waiting tasks as the shards count them."""
    return sum(int(shard["queued"][u]) for shard in shards() for u in range(shard["queued"].type.range()[1] + 1))


def cpus():
    require_executor()
    array = symbol("cpus")
    return [array[i] for i in range(int(symbol("cpu_count")))]


def worker_stride_bytes():
    path = os.path.join(ROOT, "kernel/task/executor.h")
    with open(path, encoding="utf-8") as file:
        found = re.search(r"WORKER_STRIDE_BYTES\s*=?\s*KIB\((\d+)\)", file.read())
    if not found:
        raise Unavailable(f"{path} does not say WORKER_STRIDE_BYTES as this command expects it")
    return int(found[1]) << 10


def workers():
    """[(worker, lowest address of its stack above the guard page, its end)] by number."""
    require_executor()
    array = symbol("workers", "kernel/task/worker.c")
    start = int(symbol("stacks", "kernel/task/worker.c"))
    stride = worker_stride_bytes()
    return [(array[i], start + i * stride + 4096, start + (i + 1) * stride)
            for i in range(int(symbol("worker_count", "kernel/task/worker.c")))]


def worker_owners():
    """Worker's number -> what it is used for; free ones are absent."""
    owners = {}
    for task in tasks():
        if int(task["worker"]):
            owners[int(task["worker"]["id"])] = f"task {int(task['id'])} {name(task)}, suspended"
    for cpu in cpus():
        if int(cpu["worker"]):
            current = cpu["current"]
            doing = f"task {int(current['id'])} {name(current)}" if int(current) else "no task"
            owners[int(cpu["worker"]["id"])] = f"CPU {int(cpu['id'])}, {doing}"
    return owners


def free_workers():
    head = symbol("free_workers", "kernel/task/worker.c")
    at_hand = [int(cpu["spare"]["id"]) for cpu in cpus() if int(cpu["spare"])]
    return [int(w["id"]) for w in list_entries(head, "struct worker", "link")] + at_hand


def stack_used_bytes(low, high):
    """The high-water mark: what lies above the highest KiB that was never written. Stacks begin
    as zeroed memory that nobody used before."""
    inferior = gdb.selected_inferior()
    deepest = high
    for at in range(high - 1024, low - 1, -1024):
        data = bytes(inferior.read_memory(at, 1024))
        if not any(data):
            break
        deepest = at + len(data) - len(data.lstrip(b"\0"))
    return high - deepest // 8 * 8
