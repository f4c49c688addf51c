/* Making, waking and ending tasks. */
#include "base/printf.h"
#include "base/string.h"
#include "core/ksym.h"
#include "sched/admission.h"
#include "task/handover.h"
#include "task/waiter.h"

static struct spin registry_lock;
static struct list registry GUARDED_BY(registry_lock) = LIST_INIT(registry);
/* The task that was listed last, or one before it: whoever lists them all goes on from there. */
static struct list *listed GUARDED_BY(registry_lock) = &registry;
static u32 last_id GUARDED_BY(registry_lock);
static unsigned registered GUARDED_BY(registry_lock);

void task_essential(void)
{
	task_self()->essential = true;
}

u64 task_cpu_ns(void)
{
	/* While a task runs, only its own CPU writes these fields, with interrupts masked. */
	bool irqs = arch_irq_save();
	const struct task *t = arch_cpu()->current;
	u64 ns = t->cpu_ns + clock_ns() - t->since_ns;

	arch_irq_restore(irqs);
	return ns;
}

/* The woken task should have this CPU: now, if that can be, else as soon as it can. */
void act_on_own_hint(struct cpu *c, bool irqs)
{
	if (!c->current || c->irq_depth || c->preempt_off)
		return; /* the executor, the end of the interrupt, or preempt_enable looks next */
	if (irqs)
		executor_preempt();
	else
		irqchip->send_hint(c->id); /* taken when the caller unmasks interrupts */
}

/* Queues @p t, whose next job begins. Gives its lock back, and returns the CPU that was hinted. */
static unsigned queue_released(struct task *t, u8 why) RELEASE(t->home->lock)
{
	struct wanted w;
	u32 seq;

	runqueue_add(t, false);
	w = wanted(t);
	seq = op_seq(traced());
	if (unlikely(seq)) {
		task_record_release(t, seq);
		runqueue_record(t, why, seq);
		record_wake(t, TRACE_wake_result_released, seq);
	}
	home_unlock(t);
	if (alone && !seq)
		return hint_alone(arch_cpu(), w.rank);
	return hint_for(w);
}

/* The next job of @p t begins when its server lets it. Gives its lock back. */
static void park_released(struct task *t) RELEASE(t->home->lock)
{
	u32 seq = op_seq(traced());

	task_record_release(t, seq);
	server_park(t, seq);
	if (seq)
		record_wake(t, TRACE_wake_result_released, seq);
	home_unlock(t);
	server_arm(t);
}

/* What others wait for is owned by @p t, whose new job may be less urgent than the last was. */
static __attribute__((noinline)) void queue_owner(struct task *t, u8 why) RELEASE(t->home->lock)
{
	unsigned target;

	task_get(t); /* once it is queued it may run, and end */
	target = queue_released(t, why);
	inherit_changed(t);
	task_unref(t);
	if (target == cpu_id())
		act_on_own_hint(arch_cpu(), false);
}

/* @p deadline_ns: of the job that begins; 0: what the task's parameters say. @p held: a lock to be
 * given back as soon as t cannot go away, or NULL. @p irqs: whether interrupts are to be enabled in
 * the end; masked now. */
ALWAYS_INLINE void wake(struct task *t, u8 why, u64 deadline_ns, struct spin *held, bool irqs)
	NO_THREAD_SAFETY_ANALYSIS
{
	struct cpu *c = arch_cpu();

	home_lock(t);
	if (held)
		spin_unlock_raw(held);
	if (deadline_ns)
		t->next_deadline_ns = deadline_ns;
	if (likely(t->state == TASK_WAITING)) {
		u64 now_ns = clock_ns();

		task_release(t, now_ns);
		if (server_throttles(t))
			park_released(t);
		else if (unlikely(holds_contended(t)))
			queue_owner(t, why);
		else if ((!irqs || !hand_over(c, t, now_ns)) && queue_released(t, why) == c->id)
			act_on_own_hint(c, irqs);
	} else {
		bool dead = t->state == TASK_DEAD;

		/* relaxed: read under this lock, and see task_poll_again */
		atomic_store_explicit(&t->noted, !dead, memory_order_relaxed);
		if (traced())
			record_wake(t, dead ? TRACE_wake_result_dead : TRACE_wake_result_noted,
				    op_seq(true));
		home_unlock(t);
	}
	arch_irq_restore(irqs);
}

void task_wake(struct task *t)
{
	wake(t, TRACE_enqueue_why_wake, 0, NULL, arch_irq_save());
}

void task_wake_release(struct task *t, struct spin *held, bool irqs) NO_THREAD_SAFETY_ANALYSIS
{
	wake(t, TRACE_enqueue_why_wake, 0, held, irqs);
}

static __attribute__((noinline)) void wake_seldom(struct task *t, u8 why, u64 deadline_ns)
{
	wake(t, why, deadline_ns, NULL, arch_irq_save());
}

void task_wake_deadline(struct task *t, u64 deadline_ns)
{
	ASSERT(deadline_ns);
	wake_seldom(t, TRACE_enqueue_why_wake, deadline_ns);
}

bool task_can_run(const struct task *t, u64 cpus, u64 out)
{
	u64 those = cpus & SCHED_CPUS_ALL >> (CPUS_MAX - cpu_count);

	return t->admitted ? !(those & out) : (those & ~out) != 0;
}

/* Errors: ERR_BUSY (there is no CPU for it), and it is not in. */
static int enlist(struct task *t)
{
	bool irqs = spin_lock(&registry_lock);
	/* relaxed: see cpus_out */
	u64 out = atomic_load_explicit(&cpus_out, memory_order_relaxed);
	bool runs = task_can_run(t, t->entity.cpus, out);

	if (runs) {
		t->id = ++last_id;
		t->home = runqueue_home(t->id, t->policy);
		registered++;
		list_add_tail(&registry, &t->all);
	}
	spin_unlock(&registry_lock, irqs);
	if (!runs)
		kprintf("task_spawn: %s: CPUs that it needs are out of scheduling\n", t->name);
	return runs ? 0 : ERR_BUSY;
}

bool task_needing(u64 out, u32 *id)
{
	bool irqs = spin_lock(&registry_lock);
	bool found = false;

	LIST_FOR_EACH(it, &registry)
	{
		struct task *t = LIST_ENTRY(it, struct task, all);

		home_lock(t);
		found = !task_can_run(t, t->entity.cpus, out);
		home_unlock(t);
		*id = t->id;
		if (found)
			break;
	}
	spin_unlock(&registry_lock, irqs);
	return found;
}

static int check(const struct task_spec *s)
{
	char why[SCHED_WHY_BYTES];
	int err = sched_validate(&s->params, why);

	if (err)
		kprintf("task_spawn: %s: %s\n", s->name, why);
	return err;
}

/* *@p slot: as in struct task. */
static int admit(const struct task_spec *s, u8 *slot)
{
	char why[ADMISSION_WHY_BYTES];
	struct admission_task t;
	unsigned n = 0;
	int err;

	*slot = 0;
	if (!s->admit)
		return 0;
	err = admission_describe(&t, s->name, &s->params, s->period_ns, s->wcet_ns, why);
	if (!err)
		err = admission_enter(&t, &n, why);
	if (err)
		kprintf("task_spawn: %s: not admitted: %s\n", s->name, why);
	else
		*slot = (u8)(n + 1);
	return err;
}

static void record_spawn(const struct task *t)
{
	const struct task *self = task_current();
	struct trace_sched_process_fork e = {
		.parent_tid = self ? (i32)self->id : 0,
		.child_tid = (i32)t->id,
		.child_pid = (i32)t->id,
		.class = (u8)t->params.class,
		.prio = t->params.level,
		.share = t->params.share,
		.deadline_ns = t->params.deadline_ns,
		.quantum_ns = t->params.quantum_ns,
		.budget_ns = t->params.budget_ns,
		.period_ns = t->params.period_ns,
		.hard = t->params.hard,
	};

	memcpy(e.child_comm, t->name, sizeof e.child_comm);
	trace_record(TRACE_EV_TASK_SPAWN, &e, sizeof e, NULL, 0);
}

/* The handle that somebody got of the task which stands behind it. Its spawner owns it. */
struct handle {
	struct owned owned;
	u32 spawner; /* 0: start-up */
} __attribute__((aligned(16)));

static struct handle *handle_of(struct task *t)
{
	return (struct handle *)t - 1;
}

static void handle_lost(struct owned *o)
{
	struct handle *h = CONTAINER_OF(o, struct handle, owned);
	bool died = o->task->ending; /* else it may have left it to others */

	task_disown(o);
	if (died)
		task_unref((struct task *)(h + 1));
}

void task_hand_on(struct task *t)
{
	struct task *self = task_current();
	struct handle *h = handle_of(t);

	if (!self || !t->has_handle || h->spawner != self->id)
		return;
	if (self->lent == &h->owned)
		self->lent = NULL;
	else
		task_disown(&h->owned);
}

static void release_memory(struct task *t)
{
	kfree(t->server);
	kfree(t->has_handle ? (void *)handle_of(t) : t);
}

/* A task that nobody knows yet; NULL: no memory. */
static struct task *make(const struct task_spec *s, bool handle)
{
	usize server = server_bytes(&s->params), before = handle ? sizeof(struct handle) : 0;
	usize frame = ALIGN_UP(MAX(s->frame_bytes, sizeof(int)), 16);
	char *block = kzalloc(before + sizeof(struct task) + frame);
	void *memory = server ? kmalloc(server) : NULL;
	struct task *t;

	if (!block || (server && !memory)) {
		kfree(memory);
		kfree(block);
		return NULL;
	}
	t = (struct task *)(block + before);
	t->has_handle = handle;
	if (server)
		server_init(t, memory);
	t->on_miss = s->on_miss;
	strlcpy(t->name, s->name, sizeof t->name);
	memcpy(t->frame, s->frame, s->frame_bytes);
	t->fn = s->fn;
	t->params = s->params;
	t->policy = sched_policy_of(s->params.class);
	t->entity.cpus = sched_cpus(&s->params);
	t->state = TASK_WAITING;
	arena_init(&t->arena, s->mem_max_bytes, s->service);
	list_init(&t->joiners);
	return t;
}

/* From here on the calling task, @p self, owns the handle that it is about to get of @p t. */
static void own_handle(struct task *self, struct task *t)
{
	struct handle *h = handle_of(t);

	if (!self)
		return;
	h->owned.release = handle_lost;
	h->spawner = self->id;
	if (self->lent)
		task_own(self, NULL);
	self->lent = &h->owned;
}

int task_spawn(const struct task_spec *s, struct task **handle)
{
	TASK_SHIELD();
	struct task *t;
	int err = check(s);

	if (err)
		return err;
	t = make(s, handle);
	if (!t)
		return ERR_NOMEM;
	atomic_init(&t->refs, handle ? 2 : 1);
	err = admit(s, &t->admitted);
	if (!err)
		err = enlist(t);
	if (err) {
		if (t->admitted)
			admission_leave(t->admitted - 1u);
		release_memory(t);
		return err;
	}
	if (s->owned)
		task_own(t, s->owned);
	if (traced())
		record_spawn(t);
	if (handle) {
		own_handle(task_current(), t);
		*handle = t;
	}
	wake_seldom(t, TRACE_enqueue_why_spawn, 0);
	return 0;
}

void task_finish(struct task *t, int status)
{
	TRACE(TASK_EXIT, sched_process_exit, .tid = (i32)t->id, .status = status);
	if (t->admitted)
		admission_leave(t->admitted - 1u);

	bool irqs = spin_lock(&registry_lock);

	if (listed == &t->all)
		listed = t->all.prev;
	list_del(&t->all);
	registered--;
	spin_unlock(&registry_lock, irqs);

	irqs = spin_lock(&t->lock);
	t->done = true;
	t->status = status;
	waiter_wake_all(&t->joiners);
	spin_unlock(&t->lock, irqs);
}

void task_get(struct task *t)
{
	/* relaxed: the caller holds a reference already */
	atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
}

void task_unref(struct task *t)
{
	/* acq_rel: all use of t by others comes before the free by the last */
	if (atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) == 1)
		release_memory(t);
}

void task_put(struct task *t)
{
	TASK_SHIELD();

	task_hand_on(t);
	task_unref(t);
}

static void copy_info(const struct task *t, struct task_info *info) REQUIRES(t->home->lock)
{
	*info = (struct task_info){
		.id = t->id,
		.state = t->state,
		.preempted = t->state == TASK_READY && t->worker,
		.params = t->params,
		.cpu = t->cpu,
		.preemptions = t->preemptions,
		.polls = t->polls,
		.misses = t->misses,
		.cpu_ns = t->cpu_ns,
		.last_run_ns = t->since_ns,
		.job = t->job,
		.mem_bytes = arena_bytes(&t->arena),
	};
	if (t->state == TASK_RUNNING) {
		u64 now_ns = clock_ns();

		info->cpu_ns += now_ns - t->since_ns;
		info->last_run_ns = now_ns;
	}
	memcpy(info->name, t->name, sizeof info->name);
}

void task_info(struct task *t, struct task_info *info)
{
	bool irqs = arch_irq_save();

	home_lock(t);
	copy_info(t, info);
	home_unlock(t);
	arch_irq_restore(irqs);
}

/* The task with the least id above @p after, or NULL. Ids rise along the list: tasks enter at its
 * tail. */
static struct task *next_after(u32 after) REQUIRES(registry_lock)
{
	struct list *it = listed;

	if (it == &registry || LIST_ENTRY(it, struct task, all)->id > after)
		it = &registry;
	do
		it = it->next;
	while (it != &registry && LIST_ENTRY(it, struct task, all)->id <= after);
	if (it == &registry)
		return NULL;
	listed = it;
	return LIST_ENTRY(it, struct task, all);
}

bool task_next_info(u32 after, struct task_info *info)
{
	bool irqs = spin_lock(&registry_lock);
	struct task *t = next_after(after);

	if (t)
		task_info(t, info);
	spin_unlock(&registry_lock, irqs);
	return t;
}

int task_find(u32 id, struct task **found)
{
	bool irqs = spin_lock(&registry_lock);
	struct task *t = next_after(id - 1);
	bool is = t && t->id == id;

	if (is)
		task_get(*found = t);
	spin_unlock(&registry_lock, irqs);
	return is ? 0 : ERR_NODEV;
}

void task_backtrace(u32 id)
{
	TASK_SHIELD();
	uptr pcs[16];
	unsigned n = 0;
	struct task *t;

	if (task_find(id, &t))
		return;

	bool irqs = arch_irq_save();

	home_lock(t);
	if (t->worker)
		n = arch_backtrace(arch_saved_fp(t->worker->sp), pcs, ARRAY_LEN(pcs));
	home_unlock(t);
	arch_irq_restore(irqs);
	frames_print(pcs, n, false);
	task_unref(t);
}

void task_statedump(void)
{
	for (struct task_info t = {.id = 0}; task_next_info(t.id, &t);) {
		i32 id = (i32)t.id;
		struct trace_lttng_statedump_process_state e = {
			.tid = id, .vtid = id, .pid = id, .vpid = id, .type = 1, .mode = 5, .status = 5};

		memcpy(e.name, t.name, sizeof e.name);
		trace_record(TRACE_EV_STATEDUMP, &e, sizeof e, NULL, 0);
	}
}

unsigned task_count(void)
{
	return SPIN_READ(&registry_lock, registered);
}
