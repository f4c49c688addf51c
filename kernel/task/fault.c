/* Faults of tasks: containing them, clearing away, and the record. */
#include "task/fault.h"
#include "base/printf.h"
#include "base/string.h"
#include "core/ksym.h"
#include "task/executor.h"
#include "task/frame.h"

bool fault_containment = true;

static struct spin records_lock;
static struct fault_record records[FAULTS_KEPT] GUARDED_BY(records_lock);
static u64 recorded GUARDED_BY(records_lock);

/* The task's own: nobody else ends it. */
static bool is_tasks_own(const struct cpu *c, const struct fault *f)
{
	const struct task *t = c->current;

	return fault_containment && t && f->irqs && !c->irq_depth && !c->preempt_off &&
	       !t->essential && !t->ending;
}

/* @p t comes to its end. */
static void record(struct task *t, const struct fault *f, int status)
{
	bool irqs = spin_lock(&records_lock);
	struct fault_record *r = &records[recorded % FAULTS_KEPT];

	*r = (struct fault_record){.number = ++recorded,
				   .at_ns = clock_ns(),
				   .tid = t->id,
				   .job = t->job,
				   .status = status};
	strlcpy(r->task, t->name, sizeof r->task);
	strlcpy(r->what, f->what, sizeof r->what);
	r->exact = f->pc;
	if (f->pc)
		r->pcs[r->count++] = f->pc;
	r->count += arch_backtrace(f->fp, r->pcs + r->count, FAULT_TRACE_MAX - r->count);
	spin_unlock(&records_lock, irqs);
	t->ending = (i8)status;
	TRACE(TASK_FAULT, task_fault, .tid = (i32)t->id, .status = status, .pc = f->pc);
}

void fault_release(struct task *t)
{
	bool irqs = arch_irq_save(); /* a kill must not come between the two */
	struct owned *o;

	task_own(t, NULL); /* settles what is lent */
	/* release disowns it, under the lock that makes sure that it is owned still */
	while ((o = task_owned(t, NULL, NULL)) != NULL)
		o->release(o);
	arch_irq_restore(irqs);
}

static void clear(struct task *t)
{
	async_withdraw((struct async *)t->frame);
	fault_release(t);
	(void)arena_release(&t->arena);
}

/* First thing on the worker's stack after it was abandoned. */
static void begin_anew(void)
{
	struct task *t = arch_cpu()->current;

	clear(t);
	executor_end(t->ending);
}

static _Noreturn void end_current(const struct fault *f, int status)
{
	struct cpu *c = arch_cpu();
	struct task *t = c->current;
	void *nothing;

	bool overflow = f->address && worker_guards(c->worker, f->address);
	struct fault told = *f;
	char text[48];

	if (overflow) {
		ksnprintf(text, sizeof text, "stack overflow: cannot use %p", (void *)f->address);
		told.what = text;
	}
	record(t, &told, status);
	if (status == ERR_FAULT) {
		kprintf("\ntask %u, %.16s, job %u: %s\n", t->id, t->name, t->job, told.what);
		backtrace_print(f->pc, f->fp);
	}
	arch_switch(&nothing, worker_fresh(c->worker, begin_anew));
	__builtin_unreachable();
}

static void contain(const struct fault *f)
{
	if (is_tasks_own(arch_cpu(), f))
		end_current(f, ERR_FAULT);
}

void fault_killed(void)
{
	struct fault f = {.what = "killed", .fp = (uptr)__builtin_frame_address(0)};

	end_current(&f, ERR_KILLED);
}

void fault_unshielded(const struct task *t)
{
	bool irqs = arch_irq_save();
	const struct cpu *c = arch_cpu();

	if (irqs && !t->shields && !t->ending && !c->irq_depth && !c->preempt_off)
		fault_killed();
	arch_irq_restore(irqs);
}

void fault_end_between_polls(struct task *t)
{
	record(t, &(struct fault){.what = "killed"}, ERR_KILLED);
	clear(t);
}

void fault_init(void)
{
	panic_contain = contain;
}

bool fault_next(u64 after, struct fault_record *found)
{
	bool irqs = spin_lock(&records_lock);
	u64 oldest = recorded > FAULTS_KEPT ? recorded - FAULTS_KEPT + 1 : 1;
	u64 number = MAX(after + 1, oldest);
	bool some = number <= recorded;

	if (some)
		*found = records[(number - 1) % FAULTS_KEPT];
	spin_unlock(&records_lock, irqs);
	return some;
}

u64 fault_count(void)
{
	return SPIN_READ(&records_lock, recorded);
}

static void enter(struct task *t, struct owned *o) REQUIRES(t->lock)
{
	*o = (struct owned){t->owned, &t->owned, t, o->release, o->what};
	if (o->below)
		o->below->at = &o->below;
	t->owned = o;
}

void task_own(struct task *t, struct owned *o)
{
	bool irqs = spin_lock(&t->lock);

	/* An interrupt may have come just while it lends. */
	if (t == task_current() && !arch_cpu()->irq_depth && t->lent) {
		enter(t, t->lent);
		t->lent = NULL;
	}
	if (o)
		enter(t, o);
	spin_unlock(&t->lock, irqs);
}

void task_disown(struct owned *o)
{
	struct task *t = o->task;

	if (!t)
		return;

	bool irqs = spin_lock(&t->lock);

	/* The task may be ending, and have taken it off the list already. */
	if (o->task) {
		*o->at = o->below;
		if (o->below)
			o->below->at = o->at;
	}
	o->task = NULL;
	spin_unlock(&t->lock, irqs);
}

struct owned *task_owned(struct task *t, void (*release)(struct owned *o), const void *what)
{
	bool irqs = spin_lock(&t->lock);
	struct owned *o = t->owned;

	while (o && release && (o->release != release || o->what != what))
		o = o->below;
	spin_unlock(&t->lock, irqs);
	return o;
}

int task_kill(struct task *t)
{
	/* Done: who joined it knows already, even if the executor is not done with it. */
	int err = t->essential ? ERR_INVAL : SPIN_READ(&t->lock, t->done) ? ERR_CLOSED : 0;
	bool irqs = arch_irq_save(), running;
	struct wanted w;

	home_lock(t);
	if (!err)
		/* relaxed: read under the same lock, or behind the hint */
		atomic_store_explicit(&t->killed, true, memory_order_relaxed);
	running = t->state == TASK_RUNNING;
	w = wanted(t);
	home_unlock(t);
	if (!err && running && hint_runner(w) == cpu_id())
		act_on_own_hint(arch_cpu(), irqs);
	arch_irq_restore(irqs);
	if (!err)
		task_wake(t);
	return err;
}
