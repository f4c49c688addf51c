"""Who ran and who waited, told slowly and plainly from the lines of `fermata-trace print`."""

import re

LINE = re.compile(r"\[(\d+)\.(\d{9})\] CPU (\d+) (\w+): \{ (.*) \}$")
STATES = {"none": 0, "waiting": 1, "ready": 2, "preempted": 3, "running": 4, "dead": 5, "unknown": 6, "throttled": 7}


def events(text):
    """(ns, cpu, name, fields); the first of nested fields wins, which are the event's own."""
    for line in text.splitlines():
        s, ns, cpu, name, body = LINE.match(line).groups()
        fields = {}
        for key, value in re.findall(r"(\w+) = (\"[^\"]*\"|-?\w+)", body.split("candidates = [")[0]):
            fields[key] = value.strip('"')
        yield int(s) * 10**9 + int(ns), int(cpu), name, fields


class Reference:
    """The state of each task and what each CPU runs, after each event. For complete traces."""

    def __init__(self, text):
        self.tasks = {}  # tid -> [(ns, state, cpu)]
        self.cpus = {}  # cpu -> [(ns, tid)]
        self.running = {}
        self.settled = {}
        self.ends = set()
        self.queue = [(0, 0)]  # (ns, tasks that wait in queues)
        self.places = {}  # tid -> bits of the CPUs that it may run on
        self.strips = {}  # cpu -> [(ns, tasks that wait in queues and may run there)]
        for ns, cpu, name, f in events(text):
            handler = getattr(self, name, None)
            if handler:
                handler(ns, cpu, f)
            waiting = sum(steps[-1][1] in ("ready", "preempted") for steps in self.tasks.values())
            if waiting != self.queue[-1][1]:
                self.queue.append((max(ns, self.queue[-1][0]), waiting))
            for here in self.cpus:
                may = sum(steps[-1][1] in ("ready", "preempted") and self.places.get(tid, -1) >> here & 1
                          for tid, steps in self.tasks.items())
                steps = self.strips.setdefault(here, [(0, 0)])
                if may != steps[-1][1]:
                    steps.append((max(ns, steps[-1][0]), may))

    def sched_affinity(self, ns, cpu, f):
        self.places[int(f["tid"])] = int(f["cpus"])

    def state(self, tid):
        return self.tasks[tid][-1][1] if tid in self.tasks else None

    def put(self, ns, tid, state, cpu=None):
        if tid:
            steps = self.tasks.setdefault(tid, [])
            steps.append((max(ns, steps[-1][0] if steps else 0), state, cpu))

    def takes(self, ns, cpu, tid):
        self.running[cpu] = tid
        steps = self.cpus.setdefault(cpu, [])
        steps.append((max(ns, steps[-1][0] if steps else 0), tid))

    def cpu_online(self, ns, cpu, f):
        self.takes(ns, int(f["cpu"]), 0)

    def sched_process_fork(self, ns, cpu, f):
        self.put(ns, int(f["child_tid"]), "waiting")

    def sched_enqueue(self, ns, cpu, f):
        tid = int(f["tid"])
        if self.running.get(cpu) == tid and self.state(tid) == "running":
            self.settled[cpu] = tid
        self.places.pop(tid, None)  # said again behind this, when it may not run on all
        self.put(ns, tid, "preempted" if f["why"] in ("preempt", "quantum") else "ready")

    def sched_switch(self, ns, cpu, f):
        prev, nxt = int(f["prev_tid"]), int(f["next_tid"])
        if prev and self.settled.get(cpu) != prev:
            state = {"preempted": "preempted", "quantum": "preempted", "throttled": "throttled"}.get(f["why"])
            self.put(ns, prev, state or {"dead": "dead", "waiting": "waiting", "ready": "ready"}[f["prev_state"]])
        self.settled[cpu] = 0
        self.takes(ns, cpu, nxt)
        self.put(ns, nxt, "running", cpu)

    def sched_job_done(self, ns, cpu, f):
        tid = int(f["tid"])
        if self.running.get(cpu) == tid:
            self.settled[cpu] = tid
        self.put(ns, tid, "dead" if tid in self.ends else "waiting")

    def sched_dequeue(self, ns, cpu, f):
        tid = int(f["tid"])
        if self.state(tid) in ("ready", "preempted"):
            return
        if self.running.get(cpu) == tid:
            self.settled[cpu] = tid
        self.put(ns, tid, "throttled")

    def sched_process_exit(self, ns, cpu, f):
        self.ends.add(int(f["tid"]))

    def async_poll_begin(self, ns, cpu, f):
        tid = int(f["tid"])
        self.ends.discard(tid)
        if self.running.get(cpu) != tid or self.state(tid) != "running":
            self.takes(ns, cpu, tid)
            self.put(ns, tid, "running", cpu)

    def async_poll_end(self, ns, cpu, f):
        if f["result"] == "ready":
            self.ends.add(int(f["tid"]))


def at(steps, ns):
    """What held at a time: the last step that is not behind it."""
    found = None
    for step in steps:
        if step[0] > ns:
            break
        found = step
    return found


def causes(text):
    """What led to what, as (what, from, to, tid): ends are (lane, number, ns)."""
    lines = list(events(text))
    entries = {}
    for ns, cpu, name, _ in lines:
        if name == "x86_irq_vectors_reschedule_entry":
            entries.setdefault(cpu, []).append(ns)
    awaits, since, found = {}, {}, []
    for ns, cpu, name, f in lines:
        if name == "async_await":
            awaits[int(f["tid"])] = True
        elif name == "sched_job_done" and awaits.get(int(f["tid"])):
            since[int(f["tid"])] = ns
        elif name == "sched_wakeup" and f["result"] == "released":
            tid, waker = int(f["tid"]), int(f["waker_tid"])
            source = ("task", waker, ns) if waker and f["source"] == "task" else ("cpu", cpu, ns)
            found.append(("wake", source, ("task", tid, ns), tid))
            if tid in since:
                found.append(("await", ("task", tid, since.pop(tid)), source, tid))
        elif name == "ipi_send":
            target = int(f["target_cpu"])
            entry = next((t for t in entries.get(target, []) if t >= ns), None)
            if entry is not None:
                found.append(("hint", ("cpu", cpu, ns), ("cpu", target, entry), 0))
    return found
