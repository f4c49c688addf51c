"""The mutants. Each edit's old text must stand exactly once in its file."""

import changes
import dags
import devices
import exploring
import faults
import handed_over
import inherit
import leaks
import memory
import oracles
import reference
import scheduling
import sessions
import simulator
import timers
from mutants import CHANNELS, MESSAGES, PREEMPTION, SELECTS, SERVICE, TASKS, TOPICS, WAITS, Mutant, Runs
from sched_table import SCHED_MUTANTS

OPEN_WINDOW = {
    "sim": (("kernel/arch/sim/irq.c", "{\n\t__asm__ volatile(\".globl arch_idle_halt",
             "{\n\tarch_irq_enable();\n\t__asm__ volatile(\".globl arch_idle_halt"),),
    "pc": (("kernel/arch/x86_64/switch.S", "	sti\n	.globl	arch_idle_halt\n",
            "	sti\n	nop\n	.globl	arch_idle_halt\n"),),
    "virt": (("kernel/arch/aarch64/switch.S", "	dsb	sy\n	.globl	arch_idle_halt\n",
              "	msr	daifclr, #2\n	dsb	sy\n	.globl	arch_idle_halt\n"),),
}

MUTANTS = [
    *scheduling.MUTANTS,
    *changes.MUTANTS,
    *inherit.MUTANTS,

    # Seen by the simulator's checkers alone.
    *simulator.MUTANTS,
    *exploring.MUTANTS,
    *devices.MUTANTS,

    # Policies, seen in the trace alone.
    *oracles.MUTANTS,

    # Seen by the tests of whole systems.
    *handed_over.MUTANTS,

    # What many tasks cost.
    Mutant("sixteen-bytes-more", "a task that waits and its handle take 512 bytes",
           (("kernel/task/task.h", "	u64 polls;\n", "	u64 polls, spare[2];\n"),), "test",
           Runs("tests/system/idle_tasks.c", cpus=1, seeds=1, words="tasks=10000", judged=False)),

    # Wake-ups.
    Mutant("join-wakes-one", "the end of a task wakes only the first of its joiners",
           (("kernel/task/task.c", "waiter_wake_all(&t->joiners);", "waiter_wake_first(&t->joiners);"),),
           "no-progress test", Runs(TASKS, seeds=3)),
    Mutant("join-looks-before-it-waits", "join looks whether the task is done, and then, without "
           "the lock, begins to wait",
           (("kernel/async/join.c", "	} else {\n		waiter_join(",
             "	} else {\n		spin_unlock(&j->task->lock, irqs);\n"
             "		irqs = spin_lock(&j->task->lock);\n		waiter_join("),),
           "no-progress", Runs(TASKS, seeds=200)),
    Mutant("cancel-swallows", "a cancelled waiter that was woken keeps the wake-up to itself",
           (("kernel/async/channel.c", "		waiter_leave(&op->waiter);\n	wake_able(op->channel, irqs);\n",
             "		waiter_leave(&op->waiter);\n	spin_unlock(&op->channel->lock, irqs);\n"),), "no-progress", Runs(CHANNELS, seeds=3)),
    Mutant("receiver-overtakes", "a receiver takes a message past those who wait",
           (("kernel/async/channel.c", "if (!c->count || !waiter_first(&c->receivers, w))", "(void)w;\n	if (!c->count)"),),
           "test no-progress", Runs(CHANNELS, cpus=1, seeds=3)),

    # Awaitables.
    Mutant("select-keeps-the-others", "what select did not choose stays where it waits",
           (("kernel/async/select.c", "		cancel_others(s, arm);\n", ""),), "test", Runs(SELECTS, cpus=1, seeds=1)),
    Mutant("select-begins-at-the-first", "a fair select always looks at the same arm first",
           (("kernel/async/select.c", "	s->first = behind_last % count;\n", "	(void)behind_last;\n"),),
           "test", Runs(SELECTS, cpus=1, seeds=1)),
    Mutant("grant-lost", "a wait that is cancelled after it was granted keeps what it got",
           (("kernel/async/wait.c", "		if (q->ops->revoke)\n			q->ops->revoke(q, w);\n", ""),),
           "test", Runs(WAITS, cpus=1, seeds=1)),
    Mutant("leaving-serves-nobody", "who gives up leaves the next in the queue where it is",
           (("kernel/async/wait.c", "	}\n	wait_serve(q, irqs);\n", "	}\n	spin_unlock(&q->lock, irqs);\n"),), "test", Runs(WAITS, cpus=1, seeds=1)),
    Mutant("newcomer-overtakes", "a wait that can have what it asks for passes those before it",
           (("kernel/async/wait.c", "		list_add_tail(&q->waits, &w->link);\n",
             "		list_add_head(&q->waits, &w->link);\n"),), "test", Runs(WAITS, cpus=1, seeds=1)),
    Mutant("stranger-unlocks", "anybody can unlock a mutex that is locked",
           (("kernel/async/lock.c", "mine = owner_of(m) == task_self();", "mine = owner_of(m) != NULL;"),),
           "test no-end", Runs(WAITS, seeds=3)),
    Mutant("barrier-opens-early", "a barrier opens when one task is still missing",
           (("kernel/async/event.c", "q->count == b->tasks)", "q->count + 1 >= b->tasks)"),),
           "test no-progress", Runs(WAITS, seeds=3)),
    Mutant("mailbox-last-in-first-out", "the newest message leaves first",
           (("kernel/async/mailbox.c", "list_add_tail(", "list_add_head("),), "test", Runs(MESSAGES, cpus=1, seeds=1)),
    Mutant("skipping-leaves-the-grid", "after a missed tick the next one lies anywhere",
           (("kernel/async/interval.c", " - late_ns % i->period_ns;", " / 2;"),), "test", Runs(MESSAGES, cpus=1, seeds=1)),
    Mutant("overwriting-is-not-noticed", "a subscriber who was too slow receives what now stands in its slot",
           (("kernel/async/pubsub.c", "		s->next = oldest;\n", ""),), "test", Runs(TOPICS, cpus=1, seeds=3)),
    Mutant("publisher-does-not-wait", "a topic whose publishers should wait overwrites",
           (("kernel/async/pubsub.c", "			if (receivable(t, s) == t->params.queue)\n", "			if (receivable(t, s) > t->params.queue)\n"),),
           "test", Runs(TOPICS, cpus=1, seeds=3)),
    Mutant("leaving-subscriber-tells-nobody", "a publisher that waits for a subscriber which leaves is not woken",
           (("kernel/async/pubsub.c", "	task_disown(&s->owned);\n	waiter_wake_first(&s->topic->publishers);\n", "	task_disown(&s->owned);\n"),),
           "no-progress", Runs(TOPICS, seeds=3)),
    Mutant("publisher-swallows", "a publisher that gives up keeps its wake-up to itself",
           (("kernel/async/pubsub.c", "	waiter_leave(&op->waiter);\n	waiter_wake_first(&op->topic->publishers);\n", "	waiter_leave(&op->waiter);\n"),),
           "no-progress", Runs(TOPICS, seeds=3)),
    Mutant("old-messages-stay", "messages are received after their time",
           (("kernel/async/pubsub.c", "	while (lifespan_ns && ", "	while (!lifespan_ns && "),), "test", Runs(TOPICS, cpus=1, seeds=1)),
    Mutant("stopped-service-keeps-its-calls", "who called a service that stops waits for ever",
           (("kernel/async/service.c", "		call_answer(c, ERR_CLOSED);\n", "		call_put(c);\n"),), "test", Runs(TOPICS, cpus=1, seeds=1)),
    Mutant("call-freed-by-one", "the memory of a call goes with the first of its two users",
           (("kernel/async/service.c", "memory_order_acq_rel) == 1)", "memory_order_acq_rel) == 2)"),), "test panic no-progress", Runs(TOPICS, seeds=3)),

    *sessions.MUTANTS,
    *dags.MUTANTS,
    *faults.MUTANTS,
    *memory.MUTANTS,
    *timers.MUTANTS,
    *reference.MUTANTS,
    *leaks.MUTANTS,

    # Idle.
    Mutant("open-window", "interrupts are enabled some instructions before the halt",
           OPEN_WINDOW["sim"], "R7 no-progress"),

    # The same on machines that QEMU emulates.
    *(Mutant(f"{name}-{board}", why, edits, by, Runs(board=board, cc="clang", seeds=seeds))
      for board in ("pc", "virt")
      for name, why, edits, by, seeds in (
          ("ties-by-task-id", "as above", scheduling.TIES_BY_ID, "R1 stall", 20),
          ("published-too-early", "as above", scheduling.PUBLISHED_TOO_EARLY, "R8", 10),
          ("open-window", "as above", OPEN_WINDOW[board], "R7 stall", 40))),
    *SCHED_MUTANTS,
]
