#include "task/fault.h"
#include "base/string.h"
#include "core/ksym.h"
#include "core/log.h"
#include "core/irq.h"
#include "core/time.h"
#include "task/executor.h"
#include "task/frame.h"
#include "task/owned.h"

#define FAULTS_KEPT 16u

enum { RELEASED_AWAIT = 1, RELEASED_ARENA = 2 };

static struct spin lock;
static struct fault_record kept[FAULTS_KEPT] VAR_GUARDED_BY(lock);
static u32 count VAR_GUARDED_BY(lock);

static u8 fate_of(const struct task *t)
{
	/* relaxed: the task's own bits, and see fault_point for the killed one */
	return atomic_load_explicit(&t->fate, memory_order_relaxed);
}

static void fate_add(struct task *t, u8 bits)
{
	atomic_fetch_or_explicit(&t->fate, bits, memory_order_relaxed);
}

static void keep(struct task *t, const struct fault *f)
{
	struct fault_record r = {
		.tid = t->id,
		.job = t->job,
		.kind = f->kind,
		.cpu = (u8)cpu_id(),
		.exact = f->pc,
		.again = fate_of(t) & FATE_ENDING,
		.at_ns = clock_ns(),
		.address = f->address,
	};

	memcpy(r.task, t->name, sizeof r.task);
	strlcpy(r.text, f->text, sizeof r.text);
	if (f->pc)
		r.frame[r.frames++] = f->pc;
	r.frames += (u8)arch_backtrace(f->fp, r.frame + r.frames, FAULT_FRAMES_MAX - r.frames);
	TRACE(TASK_FAULT, task_fault, .tid = (i32)t->id, .kind = f->kind, .again = r.again,
	      .job = t->job, .pc = r.frame[0], .address = f->address);
	spin_lock_raw(&lock);
	t->fault = r.number = ++count;
	kept[r.number % FAULTS_KEPT] = r;
	spin_unlock_raw(&lock);
}

/* Leaves the poll for good. What is written to the stack's top lies above all frames in use. */
static void abandon(const struct fault *f)
{
	struct cpu *c = arch_cpu();
	struct task *t = c->current;
	void *abandoned_sp;

	if (fate_of(t) & FATE_VITAL)
		return;
	if (!t->fault)
		t->status = f->kind == TRACE_fault_kind_killed ? ERR_CANCELED : ERR_FAULTED;
	keep(t, f);
	fate_add(t, fate_of(t) & FATE_ENDING ? FATE_TORN : FATE_ENDING);
	arch_switch(&abandoned_sp, arch_stack_prepare(worker_top(c->worker), worker_abandoned));
}

void fault_init(void)
{
	fault_end_task = abandon;
}

void fault_killed_here(struct task *t)
{
	u8 fate = fate_of(t);

	if (fate & FATE_ENDING || t->shield)
		return;
	abandon(&(struct fault){.kind = TRACE_fault_kind_killed,
				.fp = (uptr)__builtin_frame_address(0),
				.text = "killed"});
}

/* Takes the place of a killed task's function. */
static enum poll killed(void *frame)
{
	struct task *t = CONTAINER_OF(frame, struct task, frame);

	arch_irq_disable();
	t->shield = 0;
	fault_killed_here(t);
	panic("task %u cannot be ended", t->id);
}

/* The calling task could be preempted here, had @p irqs not been masked since. */
static bool preemptible(bool irqs)
{
	const struct cpu *c = arch_cpu();

	return irqs && c->current && !c->irq_depth && !c->preempt_off;
}

int task_kill(struct task *t)
{
	const struct task *self = task_current();
	struct task_info info;
	bool irqs;

	if (fate_of(t) & FATE_VITAL)
		return ERR_NOTSUP;
	TRACE(TASK_KILLED, task_killed, .tid = (i32)t->id,
	      .killer_tid = self ? (i32)self->id : 0);
	/* relaxed: who dispatches the task after the wake below took its lock later, and sees both */
	atomic_store_explicit(&t->fn, killed, memory_order_relaxed);
	fate_add(t, FATE_KILLED);
	task_wake(t);
	/* A poll that began before comes to a fault_point: at once, or when it is resumed. */
	task_info(t, &info);
	if (info.state == TASK_RUNNING)
		cpu_attend(info.cpu);
	irqs = arch_irq_save();
	if (t == self && preemptible(irqs))
		fault_point();
	arch_irq_restore(irqs);
	return 0;
}

void task_shield(void)
{
	struct task *t = task_current();

	if (t)
		t->shield++;
}

void task_unshield(void)
{
	struct task *t = task_current();
	bool irqs;

	if (!t || --t->shield)
		return;
	irqs = arch_irq_save();
	if (preemptible(irqs))
		fault_point();
	arch_irq_restore(irqs);
}

/* The innermost awaitable on the chain of frames. A damaged chain faults, or ends. */
static void cancel_await(struct task *t)
{
	struct async *a = (struct async *)t->frame;

	while (a->callee)
		a = a->callee;

	struct awaitable *waits_for = a->awaiting;

	a->awaiting = NULL;
	if (waits_for)
		await_cancel(waits_for);
}

/* The last thing on the list, taken off; NULL when there is none, or the list is damaged. */
static struct owned *take_last(struct task *t)
{
	bool irqs = arch_irq_save();
	struct list *last = t->owned.prev;
	struct owned *o = NULL;

	if (last != &t->owned && last->next == &t->owned && last->prev->next == last) {
		list_del(last);
		o = LIST_ENTRY(last, struct owned, link);
	} else if (last != &t->owned) {
		fate_add(t, FATE_TORN);
		list_init(&t->owned);
	}
	arch_irq_restore(irqs);
	return o;
}

void task_release_owned(struct task *t)
{
	struct owned *o;

	if (t->fault && !(t->released & RELEASED_AWAIT)) {
		t->released |= RELEASED_AWAIT;
		cancel_await(t);
	}
	while ((o = take_last(t)) != NULL) {
		void (*release)(struct owned *) = o->release;

		o->release = NULL;
		release(o);
	}
	if (!(t->released & RELEASED_ARENA)) {
		t->released |= RELEASED_ARENA;
		arena_release(&t->arena);
	}
}

void task_end(struct task *t)
{
	struct fault_record r;

	t->shield = 0;
	arch_irq_enable();
	if (fault_record(t->fault, &r))
		fault_print(&r);
	task_release_owned(t);
	arch_irq_disable();
	if (fate_of(t) & FATE_TORN)
		task_get(t);
}

u32 fault_count(void)
{
	bool irqs = spin_lock(&lock);
	u32 n = count;

	spin_unlock(&lock, irqs);
	return n;
}

bool fault_record(u32 number, struct fault_record *r)
{
	bool irqs = spin_lock(&lock);

	*r = kept[number % FAULTS_KEPT];
	spin_unlock(&lock, irqs);
	return number && r->number == number;
}

void fault_print(const struct fault_record *r)
{
	kprintf("task %u, %.16s, job %u, %s: %s\n", r->tid, r->task, r->job,
		r->again ? "faulted again" : r->kind == TRACE_fault_kind_killed ? "ended" : "faulted",
		r->text);
	frames_print(r->frame, r->frames, r->exact);
}
