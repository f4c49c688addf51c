"""
A scheduler in Python that writes the events of kernel/trace/events.def. It is the design's rules
written a second time: what it records is right, unless a bug is planted in it by name.
"""

import random

CLASSES = ["cedf", "edf", "fifo", "rr", "fair", "panicked"]
IDLE = (99, 0)
NEVER = 2**64 - 1


class Task:
    def __init__(self, tid, name, sched_class, level, deadline, cpus=None):
        self.tid, self.name, self.sched_class = tid, name, sched_class
        self.cpus = cpus  # a set, None for all
        self.level, self.deadline = level, deadline
        self.state = "waiting"
        self.noted = False
        self.worker = 0
        self.key = self.due = 0
        self.job = 0
        self.cpu = 0
        self.order = 0

    @property
    def rank(self):
        return (CLASSES.index(self.sched_class), self.key)

    def may_use(self, cpu):
        return self.cpus is None or cpu in self.cpus


class Machine:
    def __init__(self, rng, cpus=3, bug=None, start=1000):
        self.rng, self.bug, self.fired = rng, bug, 0
        self.events = []
        self.now, self.seq = start, 0
        self.tasks, self.queue = [], []
        self.running = [None] * cpus
        self.online = [False] * cpus
        self.hinted = [False] * cpus
        self.promised = [IDLE] * cpus
        self.stack = [0] * cpus
        self.free = list(range(1, 65))
        self.low = self.high = 0

    # Recording

    def emit(self, cpu, name, /, **values):
        self.now += self.rng.randint(1, 500)
        self.events.append((cpu, self.now, name, values))

    def operation(self):
        self.seq = (self.seq + 1) & 0xFFFFFFFF
        if self.plant("seq_back", self.seq > 20):
            self.seq -= 7

    def plant(self, name, possible=True):
        """True when the planted bug strikes here."""
        if self.bug != name or not possible or self.fired >= 3:
            return False
        self.fired += 1
        return True

    # Queues

    def enqueue(self, cpu, task, why, worker=None):
        at_head = why == "preempt"
        if self.plant("tail_on_preempt", at_head):
            at_head = False
        if self.plant("deadline_recomputed", at_head and task.sched_class == "edf"):
            task.key = self.now + task.deadline
        if at_head:
            self.low -= 1
        else:
            self.high += 1
        task.order = self.low if at_head else self.high
        task.state = "ready"
        self.queue.append(task)
        for _ in range(2 if self.plant("double_enqueue") else 1):
            self.emit(cpu, "sched_enqueue", tid=task.tid, **{"class": task.sched_class}, prio=task.level, why=why,
                      at_head=int(at_head), key=task.key, seq=self.seq, task_worker=task.worker,
                      on_worker=self.stack[cpu] if worker is None else worker)
        if task.cpus is not None:
            self.emit(cpu, "sched_affinity", tid=task.tid, seq=self.seq, cpus=sum(1 << c for c in task.cpus))

    def ordered(self, cpu=None):
        return sorted((t for t in self.queue if cpu is None or t.may_use(cpu)), key=lambda t: (t.rank, t.order))

    def first(self, cpu):
        elsewhere = [t for t in self.queue if not t.may_use(cpu)]
        if self.plant("runs_elsewhere", bool(elsewhere)):
            return elsewhere[0]
        queue = self.ordered(cpu)
        if not queue:
            return None
        equals = [t for t in queue if t.rank == queue[0].rank]
        by_id = min(equals, key=lambda t: t.tid)
        if self.plant("ties_by_id", by_id is not queue[0]):
            return by_id
        worse = [t for t in queue if t.rank[0] > queue[0].rank[0]]
        if self.plant("wrong_class", bool(worse)):
            return worse[0]
        return queue[0]

    # Hints

    def hint_for(self, cpu, task):
        target = max((c for c in range(len(self.running)) if self.online[c] and task.may_use(c)),
                     key=lambda c: (self.promised[c], c == task.cpu, c == cpu), default=None)
        if target is None or task.rank >= self.promised[target]:
            return 255
        others = [c for c in range(len(self.running)) if self.online[c] and not task.may_use(c)]
        if self.plant("hint_elsewhere", bool(others)):
            target = others[0]
        if self.plant("no_hint_to_idle", not self.running[target]):
            return 255
        if self.plant("no_hint_to_busy", bool(self.running[target]) and not any(self.hinted)):
            return 255
        self.promised[target] = task.rank
        self.hinted[target] = True
        self.emit(cpu, "sched_hint", target_cpu=target, tid=task.tid, seq=self.seq, ipi=int(target != cpu))
        if target != cpu:
            for _ in range(2 if self.plant("two_ipis") else 1):
                self.emit(cpu, "ipi_send", target_cpu=target, seq=self.seq)
        return target

    def hint_rest(self, cpu):
        if any(self.hinted):
            return
        for c in range(len(self.running)):
            best = self.ordered(c)
            if best and self.hint_for(cpu, best[0]) != 255:
                return

    def look(self, cpu):
        self.emit(cpu, "sched_look", seq=self.seq, hinted=int(self.hinted[cpu]))
        self.hinted[cpu] = False
        self.promised[cpu] = self.running[cpu].rank if self.running[cpu] else IDLE

    # Operations

    def boot(self, cpu):
        self.operation()
        self.emit(cpu, "cpu_online", cpu=cpu, cpus=len(self.running))
        self.online[cpu] = True
        self.change_stack(cpu, self.free.pop(0), None)
        self.dispatch(cpu)

    def spawn(self, cpu, name, sched_class, level=0, deadline=0, cpus=None):
        task = Task(len(self.tasks) + 1, name, sched_class, level, deadline, cpus)
        self.tasks.append(task)
        parent = self.running[cpu].tid if self.running[cpu] else 0
        self.emit(cpu, "sched_process_fork", parent_tid=parent, child_tid=task.tid, child_pid=task.tid,
                  **{"class": sched_class}, prio=level, child_comm=name, deadline_ns=deadline)
        self.wake(cpu, task, "spawn")
        return task

    def release(self, cpu, task):
        task.job += 1
        task.due = self.now + task.deadline if task.deadline else NEVER
        task.key = task.due if task.deadline else 31 - task.level
        self.emit(cpu, "sched_release", tid=task.tid, job=task.job, release_ns=self.now, deadline_ns=task.due,
                  seq=self.seq)

    def wake(self, cpu, task, why="wake", source="task"):
        self.operation()
        target, result = 255, "noted"
        if self.plant("release_running", task.state == "running"):
            self.release(cpu, task)
        if task.state == "waiting":
            result = "released"
            self.release(cpu, task)
            self.enqueue(cpu, task, why)
            target = self.hint_for(cpu, task)
        elif task.state == "dead":
            result = "dead"
        else:
            task.noted = True
        waker = self.running[cpu].tid if self.running[cpu] and source == "task" else 0
        self.emit(cpu, "sched_wakeup", tid=task.tid, prio=task.level, target_cpu=target, source=source,
                  result=result, waker_tid=waker, seq=self.seq)

    def change_stack(self, cpu, to, frozen):
        others = [s for c, s in enumerate(self.stack) if c != cpu and s]
        shown = others[0] if self.plant("stack_shared", bool(others)) else to
        self.emit(cpu, "worker_switch", from_worker=self.stack[cpu], to_worker=shown,
                  frozen_tid=frozen.tid if frozen else 0, seq=self.seq)
        if frozen:
            frozen.worker = self.stack[cpu]
        elif self.stack[cpu]:
            self.free.insert(0, self.stack[cpu])
        self.stack[cpu] = shown

    def place(self, cpu, prev, state, why, chosen):
        named = chosen
        if self.plant("decision_lies", bool(chosen) and len(self.queue) > 1):
            named = next(t for t in self.queue if t is not chosen)
        shown = ([named] + [t for t in self.ordered(cpu) if t is not named])[:8] if chosen else []
        self.emit(cpu, "sched_decision", seq=self.seq, rule="only_candidate" if chosen else "queue_empty",
                  **{"class": chosen.sched_class if chosen else 0}, chosen=0 if chosen else 255,
                  waiting=len(self.queue), candidates=[
                      {"tid": t.tid, "class": t.sched_class, "prio": t.level, "key": t.key, "order": 1}
                      for t in shown])
        if chosen:
            self.queue.remove(chosen)
            chosen.state, chosen.cpu = "running", cpu
            if not chosen.worker:
                chosen.noted = False
        self.running[cpu] = chosen
        self.promised[cpu] = chosen.rank if chosen else IDLE
        self.emit(cpu, "sched_switch", prev_tid=prev.tid if prev else 0, next_tid=chosen.tid if chosen else 0,
                  prev_state=state, why=why, seq=self.seq)

    def job_done(self, cpu, task):
        job = task.job - 1 if self.plant("job_twice", task.job > 1) else task.job
        self.emit(cpu, "sched_job_done", tid=task.tid, job=job, done_ns=self.now, deadline_ns=task.due,
                  seq=self.seq)

    def settle(self, cpu, task, ends):
        if not task:
            return "ready", "from_idle"
        if ends:
            task.state = "dead"
            self.job_done(cpu, task)
            return "dead", "exited"
        if task.noted and not self.plant("wake_lost"):
            self.enqueue(cpu, task, "yield")
            return "ready", "yielded"
        task.state = "waiting"
        self.job_done(cpu, task)
        return "waiting", "blocked"

    def dispatch(self, cpu, ends=False):
        prev = self.running[cpu]
        if prev:
            self.emit(cpu, "async_poll_end", tid=prev.tid, result=int(ends))
            if ends:
                self.emit(cpu, "sched_process_exit", tid=prev.tid)
        self.operation()
        state, why = self.settle(cpu, prev, ends)
        self.look(cpu)
        lazy = self.plant("sleeps_with_work", bool(prev) and bool(self.ordered(cpu)))
        chosen = None if lazy else self.first(cpu)
        others = [t for c, t in enumerate(self.running) if c != cpu and t]
        if self.plant("two_cpus", bool(others) and not chosen):
            self.emit(cpu, "sched_switch", prev_tid=prev.tid if prev else 0, next_tid=others[0].tid,
                      prev_state=state, why=why, seq=self.seq)
        elif prev or chosen:
            self.place(cpu, prev, state, why, chosen)
        if not lazy:
            if prev and prev.state == "ready":
                self.hint_for(cpu, prev)
            self.hint_rest(cpu)
        self.arrive(cpu, chosen)

    def arrive(self, cpu, chosen):
        """Goes on with what the CPU runs now: a suspended poll, a fresh one, or idle."""
        if chosen and chosen.worker:
            worker, chosen.worker = chosen.worker, 0
            self.change_stack(cpu, worker, None)
        elif chosen:
            self.emit(cpu, "async_poll_begin", tid=chosen.tid, worker=self.stack[cpu])
            if self.plant("poll_twice"):
                self.emit(cpu, "async_poll_begin", tid=chosen.tid, worker=self.stack[cpu])
        else:
            if self.plant("own_hint_slept_over", self.tasks):
                self.emit(cpu, "sched_hint", target_cpu=cpu, tid=self.tasks[0].tid, seq=self.seq, ipi=0)
            self.emit(cpu, "power_cpu_idle", state=1)

    def preempt(self, cpu, quantum_over=False):
        current = self.running[cpu]
        self.operation()
        self.look(cpu)
        chosen = next(iter(self.ordered(cpu)), None)
        worse = chosen and (chosen.rank > current.rank or (chosen.rank == current.rank and not quantum_over))
        if not chosen or worse:
            self.hint_rest(cpu)
            return
        fresh = not chosen.worker
        if fresh and not self.free:
            self.emit(cpu, "worker_exhausted", tid=chosen.tid, seq=self.seq)
            self.hint_rest(cpu)
            return
        why = "quantum" if quantum_over else "preempt"
        early = self.plant("publish_early")
        self.place(cpu, current, "ready", "quantum" if quantum_over else "preempted", chosen)
        self.hint_rest(cpu)
        to = chosen.worker or self.free.pop(0)
        chosen.worker = 0
        old = self.stack[cpu]
        self.change_stack(cpu, to, current)
        if not self.plant("not_requeued"):
            self.enqueue(cpu, current, why, old if early else None)
            self.hint_for(cpu, current)
        if fresh:
            self.emit(cpu, "async_poll_begin", tid=chosen.tid, worker=self.stack[cpu])

    # What happens to the machine

    def interrupt(self, cpu, source="halt"):
        if self.plant("open_window", source == "halt"):
            source = "open_window"
        self.emit(cpu, "irq_handler_entry", irq=-1, name="timer", **{"from": source})

    def take_hint(self, cpu):
        busy = self.running[cpu]
        source = "task" if busy else "halt"
        self.emit(cpu, "x86_irq_vectors_reschedule_entry", vector=240, **{"from": source})
        self.emit(cpu, "x86_irq_vectors_reschedule_exit", vector=240)
        if busy:
            self.preempt(cpu)
        else:
            self.emit(cpu, "power_cpu_idle", state=0xFFFFFFFF)
            self.dispatch(cpu)

    def step(self):
        cpu = self.rng.choice([c for c in range(len(self.running)) if self.online[c]])
        current = self.running[cpu]
        if self.hinted[cpu] and self.rng.random() < 0.6:
            self.take_hint(cpu)
            return
        task = self.rng.choice(self.tasks)
        if not current:
            self.interrupt(cpu)
            self.wake(cpu, task, source="timer")
            self.emit(cpu, "irq_handler_exit", irq=-1, ret=1)
            self.emit(cpu, "power_cpu_idle", state=0xFFFFFFFF)
            self.dispatch(cpu)
            return
        what = self.rng.random()
        if what < 0.35:
            self.dispatch(cpu, ends=self.rng.random() < 0.03)
        elif what < 0.8:
            if self.rng.random() < 0.3:
                task = current  # woken while it runs
            self.wake(cpu, task)
        elif what < 0.9:
            self.emit(cpu, "async_await", tid=current.tid, kind="sleep", line=12, object=0xFFFF0000)
        else:
            self.preempt(cpu, quantum_over=current.sched_class == "rr")

    def drain(self):
        while any(self.hinted):
            for cpu, hinted in enumerate(self.hinted):
                if hinted:
                    self.take_hint(cpu)


def random_machine(rng, cpus=3, tasks=7, steps=150, bug=None, start=1000):
    """A whole run: boot, spawn, `steps` things that happen, and quiet at the end."""
    m = Machine(rng, cpus, bug, start)
    for cpu in range(cpus):
        m.boot(cpu)
    kinds = [("edf", 0, 20000), ("edf", 0, 50000), ("fifo", 9, 0), ("fifo", 9, 0), ("rr", 4, 0), ("rr", 4, 0),
             ("fifo", 31, 0)]
    # Every third task may use one or two CPUs only.
    sets = random.Random(f"{cpus} {tasks} {steps}")
    for i in range(tasks):
        sched_class, level, deadline = kinds[i % len(kinds)]
        some = {sets.randrange(cpus), sets.randrange(cpus)} if i % 3 == 2 else None
        m.spawn(rng.randrange(cpus), f"{sched_class}{i}", sched_class, level, deadline, some)
    for _ in range(steps):
        m.step()
    m.drain()
    m.emit(0, "mark", kind="user", tid=0, value=42)
    return m
