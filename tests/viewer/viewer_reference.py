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
        for ns, cpu, name, f in events(text):
            handler = getattr(self, name, None)
            if handler:
                handler(ns, cpu, f)
            waiting = sum(steps[-1][1] in ("ready", "preempted") for steps in self.tasks.values())
            if waiting != self.queue[-1][1]:
                self.queue.append((max(ns, self.queue[-1][0]), waiting))

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
