"""
A scheduler in Python that writes the events of kernel/trace/events.def. It is the design's rules
written a second time, with run queues in shards: what it records is right, unless a bug is planted
in it by name.

Each CPU is a generator. Between two `yield`s it does what one CPU does in one atomic step: it
reads or writes one shared word, or works on a shard whose lock it holds. A random order of the
steps of all CPUs is an execution; operations overlap in it as they do on a machine.
"""

import random

from events import CODES

URGENCY = CODES["sched_urgency"]
IDLE = ((99, 0), 0)  # (rank, order) behind every task's
NEVER = 2**64 - 1
TAIL = 2**63
NO_CPU = 255


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
        return (URGENCY[self.sched_class], self.key)

    @property
    def place(self):
        return (self.rank, self.order)

    def may_use(self, cpu):
        return self.cpus is None or cpu in self.cpus


class Shard:
    """A part of the run queues. `top` is its first task's place, for those without the lock."""

    def __init__(self, number):
        self.number = number
        self.locked = False
        self.queue = []
        self.top = IDLE

    def publish(self):
        self.top = min((t.place for t in self.queue), default=IDLE)

    def first(self, cpu):
        return min((t for t in self.queue if t.may_use(cpu)), key=lambda t: t.place, default=None)


class Seen:
    """What a CPU saw of a waiting task; it may be elsewhere by now."""

    def __init__(self, task):
        self.task, self.place, self.rank = task, task.place, task.rank


class Machine:
    def __init__(self, rng, cpus=3, bug=None, start=1000, shards=None, overlap=0.5, stacks=64):
        self.rng, self.bug, self.fired = rng, bug, 0
        self.overlap = overlap  # how often the next step is another CPU's
        self.events = []
        self.now, self.seq = start, 0
        self.tasks = []
        self.shards = [Shard(i) for i in range(shards or cpus)]
        self.running = [None] * cpus
        self.online = [False] * cpus
        self.hints, self.seen = [0] * cpus, [0] * cpus  # sent to each CPU, and spent by it
        self.promised = [IDLE[0]] * cpus
        self.stack = [0] * cpus
        self.resting = [True] * cpus  # between two things that happen to the CPU
        self.free = list(range(1, stacks + 1))
        self.heads = self.tails = 0
        self.owed = set()  # tasks that wait for their hint step
        self.starved = False  # a preemption was put off for want of a stack

    # Recording

    def emit(self, cpu, name, /, **values):
        self.now += self.rng.randint(1, 500)
        self.events.append((cpu, self.now, name, values))

    def operation(self):
        self.seq = (self.seq + 1) & 0xFFFFFFFF
        if self.plant("seq_back", self.seq > 20):
            self.seq -= 7
        return self.seq

    def plant(self, name, possible=True):
        """True when the planted bug strikes here."""
        if self.bug != name or not possible or self.fired >= 3:
            return False
        self.fired += 1
        return True

    # Shards

    def home(self, task):
        return self.shards[task.tid % len(self.shards)]

    def lock(self, shard):
        yield
        while shard.locked:
            yield
        shard.locked = True

    def unlock(self, shard):
        shard.locked = False

    def arrival(self, task, at_head):
        """A number for the task: at the head below all that came before, else above them."""
        if at_head:
            self.heads += 1
            return TAIL - self.heads
        self.tails += 1
        if self.plant("order_per_shard", self.tails > 9 and len(self.shards) > 1):
            return TAIL + 1 + len(self.home(task).queue)
        return TAIL + self.tails

    def enqueue(self, cpu, task, why, worker=None, before=None):
        """One operation; the home shard's lock is held. `before` records what comes first."""
        shard = self.home(task)
        at_head = why == "preempt"
        if self.plant("tail_on_preempt", at_head):
            at_head = False
        if self.plant("deadline_recomputed", at_head and task.sched_class == "edf"):
            task.key = self.now + task.deadline
        task.order = self.arrival(task, at_head)
        task.state = "ready"
        shard.queue.append(task)
        self.owed.add(task)
        yield
        shard.publish()
        yield
        seq = self.operation()
        yield
        if before:
            before(seq)
        for _ in range(2 if self.plant("double_enqueue") else 1):
            self.emit(cpu, "sched_enqueue", tid=task.tid, **{"class": task.sched_class}, prio=task.level, why=why,
                      at_head=int(at_head), key=task.key, seq=seq, task_worker=task.worker,
                      on_worker=self.stack[cpu] if worker is None else worker, order=task.order)
        if task.cpus is not None:
            self.emit(cpu, "sched_affinity", tid=task.tid, seq=seq, cpus=sum(1 << c for c in task.cpus))
        return seq

    def waiting(self):
        return [t for s in self.shards for t in s.queue]

    # Hints

    def worst_cpu(self, cpu, task):
        """The CPU that the task may use with the least urgent promise, and that promise."""
        target, worst = NO_CPU, task.rank
        for c in range(len(self.running)):
            yield
            if not self.online[c] or not task.may_use(c):
                continue
            promised = self.promised[c]
            if promised > worst or (promised == worst and target != NO_CPU and c in (task.cpu, cpu)):
                target, worst = c, promised
        return target, worst

    def hint_for(self, cpu, task):
        if self.plant("no_hint_step"):
            return
        while True:
            target, promise = yield from self.worst_cpu(cpu, task)
            if target == NO_CPU:
                break
            if self.plant("no_hint_to_idle", not self.running[target] and self.quiet()):
                target = NO_CPU
                break
            if self.plant("no_hint_to_busy", bool(self.running[target]) and self.quiet()):
                target = NO_CPU
                break
            others = [c for c in range(len(self.running)) if self.online[c] and not task.may_use(c)]
            if self.plant("hint_elsewhere", bool(others)):
                target, promise = others[0], self.promised[others[0]]
            yield
            if self.promised[target] == promise:  # compare and swap
                self.promised[target] = task.rank
                break
        # Behind the promises that were read, before the hint counts.
        yield
        seq = self.operation()
        number = 0
        if target != NO_CPU:
            yield
            number = self.hints[target] + 1
            if not self.plant("hint_dropped", target != cpu and bool(self.running[target])):
                self.hints[target] = number
        self.owed.discard(task)
        self.emit(cpu, "sched_hint", target_cpu=target, tid=task.tid, seq=seq, ipi=int(target not in (cpu, NO_CPU)),
                  number=number)
        if target not in (cpu, NO_CPU):
            for _ in range(2 if self.plant("two_ipis") else 1):
                self.emit(cpu, "ipi_send", target_cpu=target, seq=seq)

    def pending(self, cpu):
        return self.hints[cpu] != self.seen[cpu]

    def quiet(self):
        return not any(self.pending(c) for c in range(len(self.running)))

    def hint_rest(self, cpu):
        """After a spent hint: one for a task that outranks what a CPU runs, unless a look is to come anyway."""
        if self.starved:
            return
        for c in range(len(self.running)):
            yield
            if self.pending(c):
                return
        for c in range(len(self.running)):
            best = yield from self.best_for(c)
            if best and self.online[c] and best.rank < self.promised[c]:
                yield from self.hint_for(cpu, best.task)
                return

    # Looking

    def first_in(self, shard, cpu, limit):
        """The first of a shard's tasks that may use the CPU, if its place is below `limit`. Without the
        lock while the top shows that there is none."""
        yield
        if shard.top >= limit:
            return None
        yield from self.lock(shard)
        first = shard.first(cpu)
        self.unlock(shard)
        return Seen(first) if first and first.place < limit else None

    def best_for(self, cpu, limit=IDLE):
        best = None
        for shard in self.shards:
            best = (yield from self.first_in(shard, cpu, best.place if best else limit)) or best
        return best

    def careless_best(self, cpu, best):
        """`best`, unless one of the bugs is planted that look at the shards in a wrong way."""
        tops = [s.first(cpu) for s in self.shards if not s.locked]
        worse = [t for t in tops if t and best and t.place > best.place]
        same = [t for t in worse if t.rank == best.rank]
        if self.plant("order_by_shard", bool(same)):
            return Seen(same[0])
        if self.plant("blind_to_a_shard", bool(worse)):
            return Seen(worse[0])
        return best

    def choose(self, cpu, current, limit):
        """
        The first of the tasks below `limit`, with its shard's lock held; None when the CPU should go on
        with `current`, None for idle. The promise is published before the last look at the shards: who
        queues a task later than that sees it.
        """
        while True:
            best = yield from self.best_for(cpu, limit)
            careful = best
            best = self.careless_best(cpu, best)
            yield
            self.promised[cpu] = best.rank if best else current.rank if current else IDLE[0]
            if best is careful:
                better = yield from self.best_for(cpu, best.place if best else limit)
                if better and not self.plant("no_recheck", self.quiet() and not self.owed):
                    continue
            if not best:
                return None
            shard = self.home(best.task)
            yield from self.lock(shard)
            first = best.task if best is not careful and best.task in shard.queue else shard.first(cpu)
            if first and first.place <= best.place:
                self.promised[cpu] = first.rank
                return self.wrong_choice(cpu, shard, first)
            self.unlock(shard)

    def wrong_choice(self, cpu, shard, first):
        """`first`, unless one of the bugs is planted that take another of the same shard."""
        elsewhere = [t for t in shard.queue if not t.may_use(cpu)]
        if self.plant("runs_elsewhere", bool(elsewhere)):
            return elsewhere[0]
        allowed = [t for t in shard.queue if t.may_use(cpu)]
        by_id = min((t for t in allowed if t.rank == first.rank), key=lambda t: t.tid)
        if self.plant("ties_by_id", by_id is not first):
            return by_id
        worse = [t for t in allowed if t.rank[0] > first.rank[0]]
        if self.plant("wrong_class", bool(worse)):
            return worse[0]
        return first

    def look(self, cpu):
        """Begins a look: spends the hints there are. Returns whether there were any."""
        yield
        hinted = self.pending(cpu)
        self.seen[cpu] = self.hints[cpu]
        yield
        self.emit(cpu, "sched_look", seq=self.operation(), hinted=self.seen[cpu])
        return hinted

    def settled(self, cpu, hinted):
        """The end of a look that chose nothing, or that spent a hint."""
        if hinted:
            yield from self.hint_rest(cpu)
        self.emit(cpu, "sched_settled", seq=self.operation())

    # Operations

    def boot(self, cpu):
        self.emit(cpu, "cpu_online", cpu=cpu, cpus=len(self.running))
        self.online[cpu] = True
        self.change_stack(cpu, self.free.pop(0), None)
        yield from self.dispatch(cpu)

    def spawn(self, cpu, name, sched_class, level=0, deadline=0, cpus=None):
        task = Task(len(self.tasks) + 1, name, sched_class, level, deadline, cpus)
        self.tasks.append(task)
        parent = self.running[cpu].tid if self.running[cpu] else 0
        self.emit(cpu, "sched_process_fork", parent_tid=parent, child_tid=task.tid, child_pid=task.tid,
                  **{"class": sched_class}, prio=level, child_comm=name, deadline_ns=deadline)
        yield from self.wake(cpu, task, "spawn")

    def release(self, cpu, task):
        """A job begins; the events of that are returned as a function of the operation's number."""
        task.job += 1
        task.due = self.now + task.deadline if task.deadline else NEVER
        task.key = task.due if task.deadline else 31 - task.level
        values = {"tid": task.tid, "job": task.job, "release_ns": self.now, "deadline_ns": task.due}
        return lambda seq: self.emit(cpu, "sched_release", **values, seq=seq)

    def wake(self, cpu, task, why="wake", source="task"):
        waker = self.running[cpu].tid if self.running[cpu] and source == "task" else 0
        yield from self.lock(self.home(task))
        if self.plant("release_running", task.state == "running"):
            self.release(cpu, task)(self.operation())
        waited = task.state == "waiting"
        if waited:
            seq = yield from self.enqueue(cpu, task, why, before=self.release(cpu, task))
        else:
            task.noted = task.state != "dead"
            seq = self.operation()
        self.emit(cpu, "sched_wakeup", tid=task.tid, prio=task.level, target_cpu=NO_CPU, source=source,
                  result="released" if waited else "noted" if task.noted else "dead", waker_tid=waker, seq=seq)
        self.unlock(self.home(task))
        if waited:
            yield from self.hint_for(cpu, task)

    def change_stack(self, cpu, to, frozen):
        others = [s for c, s in enumerate(self.stack) if c != cpu and s]
        shown = others[0] if self.plant("stack_shared", bool(others)) else to
        old = self.stack[cpu]
        self.emit(cpu, "worker_switch", from_worker=old, to_worker=shown, frozen_tid=frozen.tid if frozen else 0,
                  seq=self.operation())
        self.stack[cpu] = shown
        if frozen:
            frozen.worker = old
        elif old:
            self.free.insert(0, old)
            if self.starved:
                self.starved = False
                self.hint_itself(cpu, frozen or self.tasks[0])

    def decide(self, cpu, seq, chosen):
        others = [t for t in self.waiting() if t is not chosen and t.may_use(cpu)]
        named = others[0] if self.plant("decision_lies", bool(chosen) and bool(others)) else chosen
        shown = ([named] + [t for t in others if t is not named])[:8] if chosen else []
        self.emit(cpu, "sched_decision", seq=seq, rule="only_candidate" if chosen else "queue_empty",
                  **{"class": chosen.sched_class if chosen else 0}, chosen=0 if chosen else 255,
                  waiting=len(self.waiting()), candidates=[
                      {"tid": t.tid, "class": t.sched_class, "prio": t.level, "key": t.key, "order": 1}
                      for t in shown])

    def place(self, cpu, prev, state, why, chosen):
        """The CPU goes from prev to chosen, whose shard's lock is held, or to idle."""
        if chosen:
            shard = self.home(chosen)
            shard.queue.remove(chosen)
            shard.publish()
            self.owed.discard(chosen)
            chosen.state, chosen.cpu = "running", cpu
            if not chosen.worker:
                chosen.noted = False
        seq = self.operation()
        self.decide(cpu, seq, chosen)
        self.running[cpu] = chosen
        self.emit(cpu, "sched_switch", prev_tid=prev.tid if prev else 0, next_tid=chosen.tid if chosen else 0,
                  prev_state=state, why=why, seq=seq)
        if chosen:
            self.unlock(shard)

    def settle(self, cpu, task, ends):
        """What becomes of a task whose poll returned."""
        if not task:
            return "ready", "from_idle"
        yield from self.lock(self.home(task))
        if task.noted and not ends and not self.plant("wake_lost"):
            yield from self.enqueue(cpu, task, "yield")
            self.unlock(self.home(task))
            return "ready", "yielded"
        task.state = "dead" if ends else "waiting"
        job = task.job - 1 if self.plant("job_twice", task.job > 1) else task.job
        done, seq = self.now, self.operation()
        self.emit(cpu, "sched_job_done", tid=task.tid, job=job, done_ns=done, deadline_ns=task.due, seq=seq)
        if done > task.due:
            self.events.append((cpu, self.now, "sched_miss", dict(tid=task.tid, job=job, deadline_ns=task.due,
                                                                  late_ns=done - task.due, seq=seq)))
        self.unlock(self.home(task))
        return ("dead", "exited") if ends else ("waiting", "blocked")

    def dispatch(self, cpu, ends=False):
        prev = self.running[cpu]
        if prev:
            self.emit(cpu, "async_poll_end", tid=prev.tid, result=int(ends))
            if ends:
                self.emit(cpu, "sched_process_exit", tid=prev.tid)
        state, why = yield from self.settle(cpu, prev, ends)
        hinted = yield from self.look(cpu)
        lazy = self.plant("sleeps_with_work", bool(prev) and any(t.may_use(cpu) for t in self.waiting()))
        chosen = None if lazy else (yield from self.choose(cpu, None, IDLE))
        if lazy:
            self.promised[cpu] = IDLE[0]
        twice = [t for c, t in enumerate(self.running) if c != cpu and t]
        if self.plant("two_cpus", bool(twice) and not chosen):
            self.emit(cpu, "sched_switch", prev_tid=prev.tid if prev else 0, next_tid=twice[0].tid,
                      prev_state=state, why=why, seq=self.operation())
        elif prev or chosen:
            self.place(cpu, prev, state, why, chosen)
        if why == "yielded" and prev is not chosen:
            yield from self.hint_for(cpu, prev)
        if hinted or not (prev or chosen):
            yield from self.settled(cpu, hinted and not lazy)
        if not chosen and self.pending(cpu) and not lazy:
            yield from self.dispatch(cpu)  # its own hint: nobody else will tell it
            return
        self.go_on(cpu, chosen)
        if chosen and self.pending(cpu):
            yield from self.preempt(cpu)

    def hint_itself(self, cpu, task):
        self.hints[cpu] += 1
        self.emit(cpu, "sched_hint", target_cpu=cpu, tid=task.tid, seq=self.operation(), ipi=0,
                  number=self.hints[cpu])

    def go_on(self, cpu, chosen):
        """With what the CPU runs now: a suspended poll, a fresh one, or idle."""
        if chosen and chosen.worker:
            worker, chosen.worker = chosen.worker, 0
            self.change_stack(cpu, worker, None)
        elif chosen:
            self.emit(cpu, "async_poll_begin", tid=chosen.tid, worker=self.stack[cpu])
            if self.plant("poll_twice"):
                self.emit(cpu, "async_poll_begin", tid=chosen.tid, worker=self.stack[cpu])
        else:
            if self.plant("own_hint_slept_over", self.tasks):
                self.hint_itself(cpu, self.tasks[0])
            self.emit(cpu, "power_cpu_idle", state=1)

    def preempt(self, cpu, quantum_over=False):
        current = self.running[cpu]
        hinted = yield from self.look(cpu)
        # Behind the current one's equals when its quantum is over, else in front of them.
        chosen = yield from self.choose(cpu, current, (current.rank, NEVER if quantum_over else 0))
        if chosen and not chosen.worker and not self.free:
            self.unlock(self.home(chosen))
            self.promised[cpu] = current.rank
            self.starved = True
            self.emit(cpu, "worker_exhausted", tid=chosen.tid, seq=self.operation())
            chosen = None
        if not chosen:
            yield from self.settled(cpu, hinted)
            return
        yield from self.replace(cpu, current, chosen, "quantum" if quantum_over else "preempt", hinted)
        if self.pending(cpu):
            yield from self.preempt(cpu)

    def replace(self, cpu, current, chosen, why, hinted):
        """The chosen task, whose shard's lock is held, takes the CPU from the current one."""
        fresh = not chosen.worker
        to = chosen.worker or self.free.pop(0)
        self.place(cpu, current, "ready", "quantum" if why == "quantum" else "preempted", chosen)
        chosen.worker = 0
        if hinted:
            yield from self.settled(cpu, hinted)
        old = self.stack[cpu]
        early = self.plant("publish_early")
        self.change_stack(cpu, to, current)
        if not self.plant("not_requeued"):
            if self.plant("limbo_open"):
                yield from self.look(cpu)
            yield from self.lock(self.home(current))
            yield from self.enqueue(cpu, current, why, old if early else None)
            self.unlock(self.home(current))
            yield from self.hint_for(cpu, current)
        if fresh:
            self.emit(cpu, "async_poll_begin", tid=chosen.tid, worker=self.stack[cpu])

    # What happens to the machine

    def take_hint(self, cpu):
        busy = self.running[cpu]
        source = "task" if busy else "halt"
        self.emit(cpu, "x86_irq_vectors_reschedule_entry", vector=240, **{"from": source})
        self.emit(cpu, "x86_irq_vectors_reschedule_exit", vector=240)
        if busy:
            yield from self.preempt(cpu)
        else:
            self.emit(cpu, "power_cpu_idle", state=0xFFFFFFFF)
            yield from self.dispatch(cpu)

    def interrupt(self, cpu, task):
        """A timer wakes somebody."""
        busy = self.running[cpu]
        source = "task" if busy else "halt"
        if self.plant("open_window", not busy):
            source = "open_window"
        self.emit(cpu, "irq_handler_entry", irq=-1, name="timer", **{"from": source})
        yield from self.wake(cpu, task, source="timer")
        self.emit(cpu, "irq_handler_exit", irq=-1, ret=1)
        if not busy:
            self.emit(cpu, "power_cpu_idle", state=0xFFFFFFFF)
            yield from self.dispatch(cpu)
        elif self.pending(cpu):
            yield from self.preempt(cpu)

    def happen(self, cpu):
        """One thing happens to the CPU."""
        current, what = self.running[cpu], self.rng.random()
        task = self.rng.choice(self.tasks)
        if self.pending(cpu) and self.rng.random() < 0.6:
            yield from self.take_hint(cpu)
        elif not current or what < 0.1:
            yield from self.interrupt(cpu, task)
        elif what < 0.4:
            yield from self.dispatch(cpu, ends=self.rng.random() < 0.03)
        elif what < 0.8:
            yield from self.wake(cpu, current if self.rng.random() < 0.3 else task)
            if self.pending(cpu):
                yield from self.preempt(cpu)
        elif what < 0.9:
            self.emit(cpu, "async_await", tid=current.tid, kind="sleep", line=12, object=0xFFFF0000)
        else:
            yield from self.preempt(cpu, quantum_over=current.sched_class == "rr")

    def alone(self, steps):
        """Runs an operation to its end with nothing in between."""
        for _ in steps:
            pass

    def run(self, steps):
        """So many things happen, to all CPUs at once; then hints are taken until none is left."""
        lives = {}
        last = None
        while steps or lives or not self.quiet():
            for cpu in range(len(self.running)):
                if cpu in lives:
                    continue
                if steps and self.rng.random() < 0.2:
                    steps -= 1
                    lives[cpu] = self.happen(cpu)
                elif not steps and self.pending(cpu):
                    lives[cpu] = self.take_hint(cpu)
            if not lives:
                continue
            if last not in lives or self.rng.random() < self.overlap:
                last = self.rng.choice(sorted(lives))
            if next(lives[last], self) is self:
                del lives[last]


KINDS = [("edf", 0, 20000), ("edf", 0, 50000), ("fifo", 9, 0), ("fifo", 9, 0), ("rr", 4, 0), ("rr", 4, 0),
         ("fifo", 31, 0)]


def random_machine(rng, cpus=3, tasks=7, steps=150, bug=None, start=1000, shards=None, overlap=0.5,
                   stacks=64):
    """A whole run: boot, spawn, `steps` things that happen, and quiet at the end."""
    m = Machine(rng, cpus, bug, start, shards, overlap, stacks)
    for cpu in range(cpus):
        m.alone(m.boot(cpu))
    # Every third task may use one or two CPUs only.
    sets = random.Random(f"{cpus} {tasks} {steps}")
    for i in range(tasks):
        sched_class, level, deadline = KINDS[i % len(KINDS)]
        some = {sets.randrange(cpus), sets.randrange(cpus)} if i % 3 == 2 else None
        m.alone(m.spawn(rng.randrange(cpus), f"{sched_class}{i}", sched_class, level, deadline, some))
    m.run(steps)
    m.emit(0, "mark", kind="user", tid=0, value=42)
    return m
