"""Mutants of kernel/task: the executor, its looks and hints, the shards."""

from mutants import COSTS, PREEMPTION, SERVICE, SHORT, TASKS, WAITS, Mutant, Runs

EXECUTOR = "kernel/task/executor.c"
HINT = "kernel/task/hint.c"
LOOK = "kernel/task/look.c"
QUEUES = "kernel/task/runqueue.h"
SHARDS = "kernel/task/runqueue.c"
TASK = "kernel/task/task.c"
LEVELS = "kernel/sched/levels.h"

TIES_BY_ID = (
    (LEVELS, '#include "sched/ordered.h"\n', '#include "sched/ordered.h"\n#include "task/task.h"\n'),
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
    ("kernel/task/handover.h", "	arch_switch(&from->sp, to->sp);\n", """	if (frozen) {
		c->frozen = NULL;
		queue_suspended(c, frozen);
	}
	arch_switch(&from->sp, to->sp);
"""),
)

SHORT_WAYS = Runs(SHORT, cpus=1, seeds=1, words="trace=off", events=500_000_000)
MANY = Runs(COSTS, cpus=1, seeds=1, only="grows", words="many=2048 trace=off", events=500_000_000)

# Three shards for four CPUs, so that CPUs meet in them.
TREAP = Runs("tests/unit/base/treap.c", cpus=1, seeds=1)
SHARED = Runs(seeds=500, words="shards=3")

MUTANTS = [
    # Order.
    Mutant("ties-by-task-id", "equal levels run in order of task ids, not of arrival", TIES_BY_ID, "R1", Runs(cpus=1)),
    Mutant("equal-preempts-equal", "a task of the same level as the running one preempts it",
           (("kernel/task/preempt.c", "look.below = look.otherwise + quantum_over;", "look.below = look.otherwise + 1;"),
            (HINT, "if (w->rank >= was)", "if (w->rank > was)")),
           "test", Runs(PREEMPTION, cpus=1, seeds=3)),
    Mutant("deadline-recomputed", "a preempted job gets a later deadline when it is queued again",
           (("kernel/task/handover.h", "	t->preemptions++;\n", "	t->preemptions++;\n	t->entity.key += t->params.deadline_ns;\n"),), "R2 P9"),
    Mutant("preempted-to-the-tail", "a preempted task is queued behind its equals",
           ((EXECUTOR, "runqueue_add(t, c->frozen_why == TRACE_enqueue_why_preempt);", "runqueue_add(t, false);"),), "R2"),
    Mutant("quantum-end-to-the-head", "a task whose quantum ended is queued before its equals",
           ((EXECUTOR, "runqueue_add(t, c->frozen_why == TRACE_enqueue_why_preempt);", "runqueue_add(t, true);"),), "R2"),
    Mutant("preemption-renews-quantum", "a preempted task gets a whole quantum again",
           (("kernel/task/handover.h", "	t->quantum_left_ns = c->quantum_left_ns;\n",
             "	t->quantum_left_ns = t->entity.quantum_ns;\n"),),
           "test", Runs(SERVICE, cpus=1, seeds=3, strategy="time", only="equally")),
    Mutant("worst-class-first", "the classes are searched from the least urgent one",
           ((QUEUES, "	u32 first = s->classes & -s->classes;\n\n",
             "	u32 first = s->classes ? 1u << (31 - __builtin_clz(s->classes)) : 0;\n\n"),
            (SHARDS, "	for (u32 classes = s->classes; classes; classes &= classes - 1) {\n		unsigned u = (unsigned)__builtin_ctz(classes);\n		struct sched_entity *e =",
             "	for (u32 classes = s->classes; classes; classes &= ~(1u << (31 - __builtin_clz(classes)))) {\n		unsigned u = 31 - (unsigned)__builtin_clz(classes);\n		struct sched_entity *e =")),
           "R1 R11", Runs(cpus=1)),

    # Shards.
    Mutant("count-drifts", "preempted tasks are not counted, and the count says whether a class waits",
           ((QUEUES, "	count(&s->queued[u], 1);\n", "	count(&s->queued[u], !at_head);\n"),), "R1 R7 R1b no-progress no-end panic"),
    Mutant("top-not-published", "who queues a task keeps it to itself",
           ((QUEUES, "	if (unlikely(s->shared))\n		shard_publish_added(t);\n", ""),), "R1 R7 R1b no-progress"),
    Mutant("first-stays-published", "a shard still names the task that was taken as its first",
           ((QUEUES, "	if (unlikely(s->shared))\n		shard_publish_removed(t);\n", ""),), "no-end"),
    Mutant("choice-not-compared", "a CPU takes what the shard has when it gets the lock, whatever came first",
           ((LOOK, "	if (!t || place_before(p->place, place_of(t)))\n", "	if (!t)\n"),), "R1 R1b R7 R11 P2", SHARED),
    Mutant("tops-not-read-again", "a CPU that takes something less urgent does not look again",
           ((LOOK, "	atomic_thread_fence(memory_order_seq_cst);\n	return true;\n", "	return false;\n"),), "R1b R7 no-progress", SHARED),
    Mutant("version-stays", "a task that comes behind another one's place leaves the version as it is",
           ((SHARDS, "	else if (counted(&s->pinned))\n", "	else if (counted(&s->pinned) && !t)\n"),), "R1b R7", SHARED),
    Mutant("empty-is-never-published", "the top of a shard that ran empty stays",
           ((SHARDS, "first ? first->rank : RANK_IDLE", "first ? first->rank : 1"),), "no-end"),

    # Hints.
    Mutant("stale-promise", "a CPU that looked still counts as promised what it did not get",
           ((LOOK, "if (must_read_again(l->cpu, l->otherwise) && overtaken(&p, none))", "if (overtaken(&p, none))"),),
           "R7 R1 R1b H no-progress"),
    Mutant("hint-to-the-last-cpu", "the hint goes to where the task ran last, busy or not",
           ((HINT, "	return target == TRACE_NO_CPU ? least_urgent_cpu(may, w->cpu, promise_seen) : target;\n",
             "	if (target == TRACE_NO_CPU)\n		target = least_urgent_cpu(may, w->cpu, promise_seen);\n"
             "	*promise_seen = may ? promise_of(w->cpu) : 0;\n	return may ? w->cpu : target;\n"),), "R7 R1b no-progress"),
    Mutant("promise-read-twice", "which promise is the worst is found by one reading, whether the task outranks it by another",
           ((HINT, "		if (w->rank >= was)\n", "		was = target == TRACE_NO_CPU ? 0 : promise_of(target);\n		if (w->rank >= was)\n"),),
           "R1b R7 no-progress", Runs(seeds=3000, words="shards=3")),
    Mutant("first-stack-goes-on", "a CPU that comes when others run begins on a stack where somebody left it",
           (("kernel/core/start.c", "	init_start();\n", "	init_start();\n	while (clock_ns() < 200000)\n		arch_relax();\n"),
            (EXECUTOR, "	first->sp = worker_fresh(first, worker_main);\n", "")), "R7"),
    Mutant("two-interrupts", "a wake-up hints two CPUs for one task",
           ((TASK, "	return hint_for(w);\n", "	(void)hint_for(w);\n	return hint_for(w);\n"),), "R5 H"),
    Mutant("hint-not-sent", "the flag is set, but no interrupt follows",
           ((HINT, "	irqchip->send_hint(target);\n", "	(void)target;\n"),),
           "test no-end", Runs(PREEMPTION, seeds=3, strategy="time")),
    Mutant("private-pending-place", "a task that another CPU is told to run waits outside the queues",
           (("kernel/task/executor.h", "extern struct shard shards[SHARDS_MAX];\n",
             "extern struct shard shards[SHARDS_MAX];\nextern struct task *pending_place[CPUS_MAX];\n"),
            (SHARDS, "struct shard shards[SHARDS_MAX];\n",
             "struct shard shards[SHARDS_MAX];\nstruct task *pending_place[CPUS_MAX];\n"),
            (TASK, "	return hint_for(w);\n", """	unsigned target = hint_for(w);

	if (target != TRACE_NO_CPU && target != cpu_id() && !pending_place[target]) {
		home_lock(t);
		if (t->state == TASK_READY) {
			runqueue_remove(t);
			pending_place[target] = t;
		}
		home_unlock(t);
	}
	return target;
"""),
            (EXECUTOR, "	look_begin(&look, c, on);\n	if (unlikely(look.spent || !prev) && is_to_leave(c))\n", """	if (pending_place[c->id]) {
		home_lock(pending_place[c->id]);
		runqueue_add(pending_place[c->id], false);
		home_unlock(pending_place[c->id]);
		pending_place[c->id] = NULL;
	}
	look_begin(&look, c, on);
	if (unlikely(look.spent || !prev) && is_to_leave(c))
""")), "R1 R3 R7 R1b no-progress"),
    Mutant("cpu0-runs-no-tasks", "CPU 0 leaves all tasks to the others",
           ((EXECUTOR, "	next = look_take(&look, held);\n",
             "	next = c->id ? look_take(&look, held) : NULL;\n"),), "test",
           Runs(PREEMPTION, seeds=3, strategy="time", only="every_cpu")),
    Mutant("no-rest", "a look that spent a hint leaves the rest to nobody",
           (("kernel/task/look.h", "	if (unlikely(l->spent) && !alone)\n		hint_rest();\n", ""),), "R7 R1b no-progress", Runs(seeds=200)),
    Mutant("rest-for-the-first-only", "the last look hints only for the most urgent task of all",
           ((HINT, "	if (!any_pinned()) {\n", "	if (!any_pinned() || true) {\n"),), "R7 R1b no-progress",
           Runs(cpus=8, seeds=100)),
    Mutant("interrupt-does-not-look", "the end of an interrupt ignores the hint that it brought",
           (("kernel/core/irq.h", "	c->irq_depth--;\n	irq_look(c);\n", "	c->irq_depth--;\n"),),
           "test no-end", Runs(PREEMPTION, seeds=12, strategy="time")),
    Mutant("preempt-enable-does-not-look", "a hint that came while preemption was off is forgotten",
           (("kernel/core/cpu.c", "	if (on)\n		irq_look(c);\n	else if (!c->", "	if (!on && !c->"),),
           "test", Runs(PREEMPTION, cpus=1, seeds=3, strategy="time")),

    # Affinity.
    Mutant("affinity-ignored-at-pick", "a CPU takes the most urgent task, allowed there or not",
           (("kernel/sched/ordered.c", "tree_next(&q->tree, NULL, 1ull << cpu, TREE_NO_LIMIT)",
             "tree_next(&q->tree, NULL, ~0ull | cpu, TREE_NO_LIMIT)"),), "A"),
    Mutant("hint-to-a-forbidden-cpu", "the hint goes to the least urgent CPU, allowed or not",
           ((HINT, "	unsigned target = claim(w, w->cpus & cpus);\n", "	unsigned target = claim(w, cpus);\n"),), "A R7 no-progress"),

    # Notes.
    Mutant("wake-while-running-lost", "only a waiting task can be woken",
           ((TASK, "atomic_store_explicit(&t->noted, !dead, memory_order_relaxed);",
             "atomic_store_explicit(&t->noted, dead, memory_order_relaxed);"),), "R6 no-progress"),
    Mutant("note-cleared-on-resume", "resuming a suspended poll forgets what came meanwhile",
           (("kernel/task/handover.h", "	if (likely(!holds)) {\n		note_clear(next);\n", "	note_clear(next);\n	if (likely(!holds)) {\n"),), "R6"),
    Mutant("note-cleared-after-poll", "a note is cleared when the poll returns, not when it begins",
           ((EXECUTOR, "	TRACE(POLL_END, async_poll_end, .tid = (i32)t->id, .result = POLL_PENDING);\n",
             "	note_clear(t);\n	TRACE(POLL_END, async_poll_end, .tid = (i32)t->id, .result = POLL_PENDING);\n"),), "R6 no-progress"),

    # Stacks.
    Mutant("published-too-early", "a suspended task is queued, and can be resumed, before its stack "
           "was left", PUBLISHED_TOO_EARLY, "R8"),
    Mutant("queued-without-the-lock", "a suspended task is queued without its home's lock",
           (("kernel/task/handover.h", "	home_lock(t);\n	t->worker = c->left;\n", "	t->worker = c->left;\n"),
            (EXECUTOR, "	w = wanted(t);\n	home_unlock(t);\n", "	w = wanted(t);\n")),
           "R1 R1b R3 R7 R11 H J S5 panic no-progress no-end test", SHARED),
    Mutant("stays-queued", "a task that is resumed stays in its run queue",
           ((EXECUTOR, "		runqueue_remove(next);\n		holds = place(",
             "		if (!next->worker)\n			runqueue_remove(next);\n		holds = place("),), "R3 no-end panic"),
    Mutant("stack-given-back-early", "a stack with a suspended poll on it is free for others",
           (("kernel/task/handover.h", "	else if (worker_give(c, c->left))\n", "	if (worker_give(c, c->left))\n"),),
           "R8 J R3 panic no-progress test"),
    Mutant("dead-task-kept", "nobody drops the executor's reference to a dead task",
           ((EXECUTOR, "	if (unlikely(why == TRACE_switch_why_exited))\n		task_unref(prev);\n", ""),), "test", Runs(TASKS, seeds=1)),
    Mutant("handle-not-counted", "a handle is no reference: joining reads freed memory",
           ((TASK, "atomic_init(&t->refs, handle ? 2 : 1);", "atomic_init(&t->refs, 1);"),),
           "panic test no-progress", Runs(TASKS, seeds=3)),

    # What a wake-up may cost.
    Mutant("hint-under-the-lock", "a waker looks for the CPU to hint with the queue locked",
           ((TASK, "		record_wake(t, TRACE_wake_result_released, seq);\n	}\n	home_unlock(t);\n	if (alone && !seq)\n",
             "		record_wake(t, TRACE_wake_result_released, seq);\n	}\n	seq = hint_for(w);\n	home_unlock(t);\n"
             "	if (shard_count)\n		return seq;\n	if (alone && !seq)\n"),),
           "test", Runs(COSTS, cpus=64, seeds=1, only="held")),
    Mutant("wake-allocates", "a wake-up takes memory for a moment",
           ((TASK, "		u64 now_ns = clock_ns();\n\n		task_release(", "		u64 now_ns = clock_ns();\n\n		kfree(kmalloc(16));\n		task_release("),),
           "test", Runs(COSTS, cpus=4, seeds=1, only="allocated")),
    Mutant("hints-twice", "a waker sends its interrupt a second time",
           ((HINT, "	irqchip->send_hint(target);\n}\n\n/* Lowers", "	irqchip->send_hint(target);\n	irqchip->send_hint(target);\n}\n\n/* Lowers"),),
           "test", Runs(COSTS, cpus=4, seeds=1, only="two_locks")),
    Mutant("wake-asks-the-registry", "a waker looks up its task, twice",
           ((TASK, "	home_lock(t);\n	if (held)\n",
             "	spin_lock_raw(&registry_lock);\n	spin_unlock_raw(&registry_lock);\n	spin_lock_raw(&registry_lock);\n"
             "	spin_unlock_raw(&registry_lock);\n	home_lock(t);\n	if (held)\n"),),
           "test", Runs(COSTS, cpus=4, seeds=1, only="two_locks")),
    Mutant("hint-takes-a-lock", "the interrupt of a hint takes a lock",
           (("kernel/core/irq.c", "void irq_hint(struct cpu *c)\n{\n",
             "void irq_hint(struct cpu *c)\n{\n	static struct spin lock;\n\n	spin_lock_raw(&lock);\n	spin_unlock_raw(&lock);\n"),),
           "test", Runs(COSTS, cpus=4, seeds=1, only="no_lock")),
    Mutant("level-is-walked", "who is queued at a level looks at all who stand there",
           ((LEVELS, "\telse\n\t\tlist_add_tail(q, &e->link);\n", """\telse {
		struct list *last = q;

		while (last->next != q)
			last = last->next;
		list_add_head(last, &e->link);
	}
"""),), "test", MANY),
    Mutant("tree-out-of-balance", "the tree of deadlines is a list",
           (("kernel/base/tree.c", "	return z ^ (z >> 31);\n", "	return z - z;\n"),), "test", MANY),
    Mutant("tree-hides-its-new-node", "who passes on the way down does not take note of who comes below it",
           (("kernel/base/tree.c", "		p->masks |= mask;\n", ""),), "test", TREAP),
    Mutant("tree-remembers-who-left", "who leaves a tree is told to its parent alone",
           (("kernel/base/tree.c", "	for (n = n->parent; n && sum(n); n = n->parent)\n		;\n",
             "	if (n->parent)\n		(void)sum(n->parent);\n"),), "test", TREAP),

    # The short ways, which are taken while nothing is recorded.
    Mutant("preempted-goes-behind", "on the short way who is preempted goes behind its equals",
           (("kernel/task/handover.h", "	runqueue_add(t, true);\n", "	runqueue_add(t, false);\n"),),
           "test", SHORT_WAYS),
    Mutant("nobody-to-hint-but-oneself", "the only CPU does not hint itself",
           (("kernel/task/executor.h", "fetch_add_explicit(&c->hints, 1,", "fetch_add_explicit(&c->hints, 0,"),),
           "test", SHORT_WAYS),
    Mutant("lesser-ones-take-over", "a wake gives the CPU to a task that is less urgent than its waker",
           (("kernel/task/handover.h", "t->rank >= cur->rank ||", "t->rank == cur->rank ||"),),
           "test", SHORT_WAYS),
    Mutant("blocked-leaves-its-place", "on the short way the next task stays in its queue",
           ((QUEUES, "	if (levels_pop(l))\n		s->classes ^= first;\n", ""),), "test panic no-end no-progress simulator", SHORT_WAYS),
    Mutant("blocked-forgets-its-note", "on the short way a task that was woken while it ran waits all the same",
           ((EXECUTOR, "next = noted(prev) ? take_next(", "next = noted(prev) && prev->next_deadline_ns ? take_next("),),
           "test panic no-end no-progress", SHORT_WAYS),
    Mutant("permits-past-waits", "permits are taken although somebody waits for them",
           (("kernel/async/semaphore.h", "	while (likely(!(free & SEMAPHORE_WAITED) && free >= w->wants))\n",
             "	while (likely((free & ~SEMAPHORE_WAITED) >= w->wants))\n"),),
           "test no-progress", Runs(WAITS, cpus=1, seeds=1)),
    Mutant("permits-for-nobody", "permits are given back without a look at who waits",
           (("kernel/async/semaphore.h", "	while (likely(!(free & SEMAPHORE_WAITED)))\n", "	while (likely(s))\n"),),
           "test no-progress", Runs(WAITS, cpus=1, seeds=1)),
    Mutant("wait-is-not-said", "who gives permits back is not told that somebody waits",
           (("kernel/async/semaphore.c", "free < n ? was | SEMAPHORE_WAITED\n", "free < n ? was\n"),),
           "test no-progress", Runs(WAITS, cpus=1, seeds=1)),
    Mutant("unlocked-past-waits", "who unlocks a mutex is not told that somebody waits",
           (("kernel/async/lock.c", "was & ~MUTEX_WAITED ? was | MUTEX_WAITED\n", "was & ~MUTEX_WAITED ? was\n"),),
           "test no-progress no-end panic", Runs(WAITS, seeds=3)),
    Mutant("owner-before-the-wait", "who took a mutex while nobody waited inherits nothing from those who come",
           (("kernel/async/lock.c", "		inherit_own(&m->inherit, owner_of(m));\n", ""),),
           "test panic", Runs("tests/unit/async/inversion.c", cpus=1, seeds=1, strategy="time", only="the_inversion", events=2_000_000_000)),
    Mutant("turns-with-lesser-ones", "who yields gives its turn to a less urgent task of its class",
           ((QUEUES, "		if (t->rank != behind->rank)\n			return NULL;\n", ""),),
           "test panic", Runs(TASKS, cpus=1, seeds=3, words="trace=off")),
    Mutant("turns-without-a-turn", "who yields goes before its equals",
           ((LEVELS, "	list_add_tail(q, &e->link);\n	q->next = first->link.next;\n	q->next->prev = q;\n",
             "	q->next = first->link.next;\n	q->next->prev = q;\n	list_add_head(q, &e->link);\n"),),
           "test", Runs(TASKS, cpus=1, seeds=3, words="trace=off")),
    Mutant("equals-never-have-a-turn", "who yields goes on before its equals on the short way, but for those in levels",
           ((EXECUTOR, "		if (!next || next->rank > prev->rank)\n			return prev;\n", "		if (prev)\n			return prev;\n"),), "test", SHORT_WAYS),
    Mutant("has-its-turn-and-waits", "whose turn it is stays in its queue on the short way of a yield",
           ((EXECUTOR, "	if (next)\n		runqueue_remove(next);\n	return next;\n", "	return next;\n"),),
           "test panic no-end no-progress simulator", SHORT_WAYS),
    Mutant("equals-take-over", "a task that is woken takes the CPU from its equal at once",
           (("kernel/task/handover.h", "t->rank >= cur->rank ||", "t->rank > cur->rank ||"),),
           "test", Runs(PREEMPTION, cpus=1, seeds=3, words="trace=off")),
    Mutant("takes-over-though-preemption-is-off", "a wake takes the CPU from a task that may not be preempted",
           (("kernel/task/handover.h", "!cur || c->preempt_off ||\n", "!cur ||\n"),),
           "test", Runs(PREEMPTION, cpus=1, seeds=3, words="trace=off")),
]
