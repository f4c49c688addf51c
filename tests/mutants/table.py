"""The mutants. Each edit's old text must stand exactly once in its file."""

import dags
import memory
import sessions
import timers
from mutants import CHANNELS, MESSAGES, PREEMPTION, SELECTS, SERVICE, TASKS, TOPICS, WAITS, Mutant, Runs

EXECUTOR = "kernel/task/executor.c"
HINT = "kernel/task/hint.c"
QUEUE = "kernel/task/runqueue.c"
TASK = "kernel/task/task.c"
LEVELS = "kernel/sched/levels.c"

TIES_BY_ID = (
    (LEVELS, '#include "sched/levels.h"\n', '#include "sched/levels.h"\n#include "task/task.h"\n'),
    (LEVELS, "\telse\n\t\tlist_add_tail(q, &e->link);\n", """\telse {
		struct list *at = q->next;

		while (at != q && CONTAINER_OF(at, struct task, entity.link)->id <
					  CONTAINER_OF(e, struct task, entity)->id)
			at = at->next;
		list_add_tail(at, &e->link);
	}
"""),
)

PUBLISHED_TOO_EARLY = (
    (EXECUTOR, "	arch_switch(from ? &from->sp : &boot_sp, to->sp);\n", """	if (frozen) {
		c->frozen = NULL;
		runqueue_add(frozen, c->frozen_why, clock_ns());
		hint_for(frozen);
		spin_unlock_raw(&scheduler.lock);
		(void)spin_lock(&scheduler.lock);
	}
	arch_switch(from ? &from->sp : &boot_sp, to->sp);
"""),
)

OPEN_WINDOW = {
    "sim": (("kernel/arch/sim/irq.c", "{\n\t__asm__ volatile(\".globl arch_idle_halt",
             "{\n\tarch_irq_enable();\n\t__asm__ volatile(\".globl arch_idle_halt"),),
    "pc": (("kernel/arch/x86_64/switch.S", "	sti\n	.globl	arch_idle_halt\n",
            "	sti\n	nop\n	.globl	arch_idle_halt\n"),),
    "virt": (("kernel/arch/aarch64/switch.S", "	dsb	sy\n	.globl	arch_idle_halt\n",
              "	msr	daifclr, #2\n	dsb	sy\n	.globl	arch_idle_halt\n"),),
}

MUTANTS = [
    # Order.
    Mutant("ties-by-task-id", "equal levels run in order of task ids, not of arrival", TIES_BY_ID, "R1"),
    Mutant("equal-preempts-equal", "a task of the same level as the running one preempts it",
           ((EXECUTOR, "rank_of(next) >= rank_of(cur) + quantum_over", "rank_of(next) > rank_of(cur)"),
            (HINT, "if (rank >= scheduler.promised[target])", "if (rank > scheduler.promised[target])")),
           "test", Runs(PREEMPTION, cpus=1, seeds=3)),
    Mutant("deadline-recomputed", "a preempted job gets a later deadline when it is queued again",
           ((QUEUE, "	t->state = TASK_READY;\n",
             "	if (why == TRACE_enqueue_why_preempt)\n"
             "		t->entity.key = t->policy->key(&t->params, now_ns);\n	t->state = TASK_READY;\n"),),
           "R2"),
    Mutant("preempted-to-the-tail", "a preempted task is queued behind its equals",
           ((QUEUE, "bool at_head = why == TRACE_enqueue_why_preempt;", "bool at_head = false;"),), "R2"),
    Mutant("quantum-end-to-the-head", "a task whose quantum ended is queued before its equals",
           ((QUEUE, "bool at_head = why == TRACE_enqueue_why_preempt;",
             "bool at_head = why == TRACE_enqueue_why_preempt ||\n"
             "		       why == TRACE_enqueue_why_quantum;"),), "R2"),
    Mutant("preemption-renews-quantum", "a preempted task gets a whole quantum again",
           ((EXECUTOR, "		cur->quantum_left_ns = c->quantum_end_ns - now_ns;\n",
             "		cur->quantum_left_ns = cur->params.quantum_ns;\n"),),
           "test", Runs(SERVICE, cpus=1, seeds=3, strategy="time", only="equally")),
    Mutant("worst-class-first", "the classes are searched from the least urgent one",
           ((QUEUE, "		const struct sched_policy *p = sched_policy_of((unsigned)__builtin_ctz(classes));\n		struct sched_entity *e =",
             "		const struct sched_policy *p = sched_policy_of((unsigned)__builtin_ctz(classes & (classes - 1) ? classes & (classes - 1) : classes));\n		struct sched_entity *e ="),),
           "R1 R11"),

    # Hints.
    Mutant("count-drifts", "a count of waiting tasks misses those whose quantum ended, and decides "
           "whether anybody needs to look",
           ((QUEUE, "	scheduler.waiting++;\n", "	scheduler.waiting += why != TRACE_enqueue_why_quantum;\n"),
            (QUEUE, "	for (u32 classes = scheduler.classes; classes; classes &= classes - 1) {\n		const struct sched_policy *p = sched_policy_of((unsigned)__builtin_ctz(classes));\n		struct sched_entity *e =",
             "	for (u32 classes = scheduler.waiting ? scheduler.classes : 0; classes; classes &= classes - 1) {\n		const struct sched_policy *p = sched_policy_of((unsigned)__builtin_ctz(classes));\n		struct sched_entity *e =")), "R7 R1b no-progress"),
    Mutant("stale-promise", "a CPU that looked still counts as promised what it did not get",
           ((HINT, "	scheduler.promised[c->id] = scheduler.running[c->id];\n", ""),), "R7 R1 R1b no-progress"),
    Mutant("hint-to-the-last-cpu", "the hint goes to where the task ran last, busy or not",
           ((HINT, "	return best;\n", "	return t->cpu;\n"),), "R7 R1b no-progress"),
    Mutant("two-interrupts", "a wake-up hints two CPUs for one task",
           ((TASK, "		target = hint_for(t);\n", "		target = hint_for(t);\n		(void)hint_for(t);\n"),), "R5"),
    Mutant("hint-not-sent", "the flag is set, but no interrupt follows",
           ((HINT, "		irqchip->send_hint(target);\n", "		(void)target;\n"),),
           "test no-end", Runs(PREEMPTION, seeds=3, strategy="time")),
    Mutant("private-pending-place", "a task that another CPU is told to run waits outside the queues",
           (("kernel/task/executor.h", "extern struct scheduler scheduler;\n",
             "extern struct scheduler scheduler;\nextern struct task *pending_place[CPUS_MAX];\n"),
            (HINT, "unsigned hint_for(const struct task *t)\n",
             "struct task *pending_place[CPUS_MAX];\n\nunsigned hint_for(const struct task *t)\n"),
            (HINT, "		irqchip->send_hint(target);\n", """		irqchip->send_hint(target);
		if (!pending_place[target]) {
			pending_place[target] = CONTAINER_OF(&t->id, struct task, id);
			runqueue_remove(pending_place[target]);
		}
"""),
            (HINT, "	if (hinted) {\n", """	if (pending_place[c->id]) {
		runqueue_add(pending_place[c->id], TRACE_enqueue_why_wake, 0);
		pending_place[c->id] = NULL;
	}
	if (hinted) {
""")), "R1 R3"),
    Mutant("cpu0-runs-no-tasks", "CPU 0 leaves all tasks to the others",
           ((EXECUTOR, "	next = runqueue_first(c->id);\n	if (prev || next)\n",
             "	next = c->id ? runqueue_first(c->id) : NULL;\n	if (prev || next)\n"),), "test",
           Runs(PREEMPTION, seeds=3, strategy="time", only="every_cpu")),
    Mutant("interrupt-does-not-look", "the end of an interrupt ignores the hint that it brought",
           (("kernel/core/irq.c", "	c->irq_depth--;\n	irq_look(c);\n", "	c->irq_depth--;\n"),),
           "test no-end", Runs(PREEMPTION, seeds=12, strategy="time")),
    Mutant("preempt-enable-does-not-look", "a hint that came while preemption was off is forgotten",
           (("kernel/core/cpu.c", "	if (on)\n		irq_look(c);\n	else if (!c->", "	if (!on && !c->"),),
           "test", Runs(PREEMPTION, cpus=1, seeds=3, strategy="time")),

    # Affinity.
    Mutant("affinity-ignored-at-pick", "a CPU takes the most urgent task, allowed there or not",
           (("kernel/sched/ordered.c", "tree_next(&q->tree, NULL, 1ull << cpu, TREE_NO_LIMIT)",
             "tree_next(&q->tree, NULL, ~0ull | cpu, TREE_NO_LIMIT)"),), "A"),
    Mutant("hint-to-a-forbidden-cpu", "the hint goes to the least urgent CPU, allowed or not",
           ((HINT, "		if (may_use(t, i) && scheduler.promised[i] > scheduler.promised[best])\n",
             "		if (scheduler.promised[i] > scheduler.promised[best])\n"),), "A R7 no-progress"),
    Mutant("rest-for-the-first-only", "the last look hints only for the most urgent task of all",
           ((HINT, "	unsigned searches = scheduler.pinned ? cpu_count : 1;\n",
             "	unsigned searches = 1;\n"),), "R7 R1b no-progress", Runs(seeds=200)),

    # Wake-ups.
    Mutant("wake-while-running-lost", "only a waiting task can be woken",
           ((TASK, "		t->noted = true;\n", "		t->noted = false;\n"),), "R6 no-progress"),
    Mutant("note-cleared-on-resume", "resuming a suspended poll forgets what came meanwhile",
           ((EXECUTOR, "		if (!next->worker)\n			next->noted = false;\n",
             "		next->noted = false;\n"),), "R6"),
    Mutant("note-cleared-after-poll", "a note is cleared when the poll returns, not when it begins",
           ((EXECUTOR, "	arch_irq_disable();\n	TRACE(POLL_END,",
             "	arch_irq_disable();\n	t->noted = false;\n	TRACE(POLL_END,"),), "R6 no-progress"),
    Mutant("join-wakes-one", "the end of a task wakes only the first of its joiners",
           ((TASK, "waiter_wake_all(&t->joiners);", "waiter_wake_first(&t->joiners);"),),
           "no-progress test", Runs(TASKS, seeds=3)),
    Mutant("join-looks-before-it-waits", "join looks whether the task is done, and then, without "
           "the lock, begins to wait",
           (("kernel/async/join.c", "	} else {\n		waiter_join(",
             "	} else {\n		spin_unlock(&j->task->lock, irqs);\n"
             "		irqs = spin_lock(&j->task->lock);\n		waiter_join("),),
           "no-progress", Runs(TASKS, seeds=200)),
    Mutant("cancel-swallows", "a cancelled waiter that was woken keeps the wake-up to itself",
           (("kernel/async/channel.c", "	waiter_leave(&op->waiter);\n	wake_able(op->channel);\n",
             "	waiter_leave(&op->waiter);\n"),), "no-progress", Runs(CHANNELS, seeds=3)),
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
           (("kernel/async/wait.c", "	}\n	wait_serve(q);\n", "	}\n"),), "test", Runs(WAITS, cpus=1, seeds=1)),
    Mutant("newcomer-overtakes", "a wait that can have what it asks for passes those before it",
           (("kernel/async/wait.c", "		list_add_tail(&q->waits, &w->link);\n",
             "		list_add_head(&q->waits, &w->link);\n"),), "test", Runs(WAITS, cpus=1, seeds=1)),
    Mutant("stranger-unlocks", "anybody can unlock a mutex that is locked",
           (("kernel/async/semaphore.c", "s->owner == task_self()", "s->owner != NULL"),),
           "test", Runs(WAITS, seeds=3)),
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
           (("kernel/async/pubsub.c", "	list_del(&s->link);\n	waiter_wake_first(&s->topic->publishers);\n", "	list_del(&s->link);\n"),),
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
    *memory.MUTANTS,
    *timers.MUTANTS,

    # Stacks.
    Mutant("published-too-early", "a suspended task is queued, and can be resumed, before its stack "
           "was left", PUBLISHED_TOO_EARLY, "R8"),
    Mutant("queued-without-the-lock", "the successor gives the lock on before it has queued the "
           "suspended task",
           ((EXECUTOR, "	if (frozen) {\n		c->frozen = NULL;\n",
             "	spin_unlock_raw(&scheduler.lock);\n	if (frozen) {\n		c->frozen = NULL;\n"),
            (EXECUTOR, "		hint_for(frozen);\n	}\n	spin_unlock_raw(&scheduler.lock);\n	reap(c);\n",
             "		hint_for(frozen);\n	}\n	reap(c);\n")), "R3 R1 R7 J S5 panic no-progress"),
    Mutant("stays-queued", "a task that is resumed stays in its run queue",
           ((EXECUTOR, "		runqueue_remove(next);\n",
             "		if (!next->worker)\n			runqueue_remove(next);\n"),), "R3"),
    Mutant("stack-given-back-early", "a stack with a suspended poll on it is free for others",
           ((EXECUTOR, "	c->freed = frozen ? NULL : from;\n", "	c->freed = from;\n"),),
           "R8 J R3 panic no-progress test"),
    Mutant("dead-task-kept", "nobody drops the executor's reference to a dead task",
           ((EXECUTOR, "		task_put(dead);\n", "		(void)dead;\n"),), "test", Runs(TASKS, seeds=1)),
    Mutant("handle-not-counted", "a handle is no reference: joining reads freed memory",
           ((TASK, "atomic_init(&t->refs, handle ? 2 : 1);", "atomic_init(&t->refs, 1);"),),
           "panic test no-progress", Runs(TASKS, seeds=3)),

    # Idle.
    Mutant("open-window", "interrupts are enabled some instructions before the halt",
           OPEN_WINDOW["sim"], "R7 no-progress"),

    # The same on machines that QEMU emulates.
    *(Mutant(f"{name}-{board}", why, edits, by, Runs(board=board, cc="clang", seeds=seeds))
      for board in ("pc", "virt")
      for name, why, edits, by, seeds in (
          ("ties-by-task-id", "as above", TIES_BY_ID, "R1", 20),
          ("published-too-early", "as above", PUBLISHED_TOO_EARLY, "R8", 10),
          ("open-window", "as above", OPEN_WINDOW[board], "R7 stall", 40))),
]
