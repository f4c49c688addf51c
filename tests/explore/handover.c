/*
 * links: task/executor.c task/preempt.c task/task.c task/worker.c task/runqueue.c task/hint.c
 * links: task/decision.c
 * links: task/look.c task/server.c task/inherit.c task/fault.c sched/fifo.c sched/levels.c
 * links: sched/ordered.c base/tree.c arch/sim/switch.c arch/sim/irq.c
 *
 * The executor itself, on two CPUs. A task wakes a more urgent one, so it is preempted in the
 * middle of its poll, which is left on its worker's stack, or the other CPU takes what was woken.
 * Nobody runs on a stack that another has not left, each task is polled by one CPU at a time and to
 * its end, no stack is lost, and no CPU sleeps while a task waits. Reads are of what was written
 * last.
 *
 * handover_irq.c, handover_alone.c and handover_rr.c are the same with interrupts, and on one CPU:
 * what they ask for stands there.
 */
#include "core/irq.h"
#include "explore.h"
#include "mm/kmalloc.h"
#include "mm/page.h"
#include "sched/admission.h"
#include "task/fault.h"
#include "task/look.h"
#include "unreached.h"

#ifndef CPUS
#define CPUS  2
#define TASKS 2
#endif
#ifndef POLICY
#define POLICY     sched_fifo
#define QUANTUM_NS 0
#endif
#define WORKERS 5

const unsigned explore_threads = CPUS;
#ifdef INTERRUPTS
const unsigned explore_interrupts[] = {INTERRUPTS, 0};
#endif
const bool explore_locks_given = true, explore_halts_end = true, explore_newest = true;

struct cpu cpus[CPUS_MAX];
unsigned cpu_count = CPUS;
struct clock_scale clock_scale = {1ull << 63, 1};
_Atomic u64 sched_heads, sched_tails, cpus_out;
_Atomic u8 trace_level = TRACE_OFF;
void (*panic_contain)(const struct fault *f);
void (*panic_describe)(void);

/* Each with a frame behind it. */
static char memory[TASKS][sizeof(struct task) + 64] __attribute__((aligned(64)));
#define TASK(i) ((struct task *)memory[i])
static volatile unsigned polls[TASKS];
static _Atomic u64 ticks = 1;
#if CPUS == 1
static volatile unsigned struck; /* the first task, by an interrupt */
#endif
static usize pages_used;

/* relaxed, both: the time orders nothing */
uint64_t sim_clock_ns(void)
{
	return atomic_load_explicit(&ticks, memory_order_relaxed);
}

static void pass_ns(u64 ns)
{
	atomic_fetch_add_explicit(&ticks, ns, memory_order_relaxed);
}

static enum poll low(void *frame)
{
	volatile unsigned canary = 7;

	(void)frame;
	polls[0]++;
	pass_ns(5);
	if (!QUANTUM_NS)
		task_wake(TASK(1));
#if CPUS == 1
	if (!QUANTUM_NS)
		ASSERT(polls[1] == 1); /* it is more urgent */
	unsigned before = struck, preempted = *(volatile u32 *)&TASK(0)->preemptions;

	if (before == struck) /* else it was struck in between */
		ASSERT(preempted == before + !QUANTUM_NS);
	if (struck) /* what is more urgent, or all its equals, came first */
		ASSERT(polls[1] == 1 && polls[2] == 1);
	before = struck;

	u64 end_ns = *(volatile u64 *)&cpus[0].quantum_end_ns, set_ns = *(volatile u64 *)&cpus[0].timer_quantum_ns;

	if (before == struck)
		ASSERT(set_ns == end_ns); /* the timer is set for its quantum, not for that of who ran last */
#endif
	polls[0]++;
	ASSERT(canary == 7);
	return POLL_READY;
}

static enum poll high(void *frame)
{
	(void)frame;
	polls[1]++;
	return POLL_READY;
}

#if CPUS == 1
static enum poll third(void *frame)
{
	(void)frame;
	polls[2]++;
	pass_ns(3); /* whose quantum begins now has another end */
	return POLL_READY;
}
#endif

static void send_hint(unsigned cpu)
{
	sim_hint(cpu);
}

static const struct irqchip chip = {.name = "explorer", .send_hint = send_hint};
const struct irqchip *irqchip = &chip;

void *page_alloc(unsigned order)
{
	usize at = pages_used;

	pages_used += PAGE_BYTES << order;
	return pages_used <= EXPLORE_SCRATCH_BYTES ? explore_scratch + at : NULL;
}

const struct sched_policy *sched_policy_at(unsigned urgency)
{
	return urgency == POLICY.urgency ? &POLICY : NULL;
}

const struct sched_policy *sched_policy_of(unsigned class)
{
	(void)class;
	return &POLICY;
}

void timer_program(void)
{
	struct cpu *c = arch_cpu();

	c->timer_quantum_ns = c->quantum_end_ns;
}

unsigned arena_release(struct arena *a)
{
	(void)a;
	return 0;
}

void arch_mmu_guard(uptr page)
{
	(void)page;
}

static void make(unsigned i, task_fn *fn, unsigned level)
{
	struct task *t = TASK(i);

	t->id = i + 1;
	t->fn = fn;
	t->policy = &POLICY;
	t->home = &shards[0];
	t->entity.cpus = SCHED_CPUS_ALL;
	t->entity.quantum_ns = QUANTUM_NS;
	t->params = (struct sched_params){
		.class = (u8)POLICY.urgency, .level = (u8)level, .quantum_ns = QUANTUM_NS};
	t->state = TASK_WAITING;
	list_init(&t->joiners);
	list_init(&t->all);
	atomic_init(&t->refs, 2);
}

void explore_begin(void)
{
	for (unsigned i = 0; i < CPUS; i++) {
		cpus[i].id = i;
		cpus[i].quantum_end_ns = cpus[i].timer_quantum_ns = TIME_NEVER;
	}
	sim_cpu_set_local(&cpus[0]);
	runqueue_init(1);
	workers_init(WORKERS);
	make(0, low, 10);
	make(1, high, QUANTUM_NS ? 10 : 20);
	arch_irq_disable();
	task_wake(TASK(0));
#if CPUS == 1
	make(2, third, QUANTUM_NS ? 10 : 15);
	if (QUANTUM_NS) {
		task_wake(TASK(1));
		task_wake(TASK(2));
	}
#endif
}

void explore_interrupt(unsigned id)
{
	(void)id;
	(void)irq_enter(0);
#if CPUS == 1
	if (cpus[0].current == TASK(0))
		struck++;
	pass_ns(QUANTUM_NS);
	if (!QUANTUM_NS)
		task_wake(TASK(2));
#endif
	irq_exit();
}

void explore_thread(unsigned id)
{
	sim_cpu_set_local(&cpus[id]);
	arch_irq_disable();
	executor_run();
}

void explore_end(void)
{
	u64 switches = 0;

	ASSERT(polls[0] == 2 && polls[1] == 1 && polls[TASKS - 1] == 1);
	for (unsigned i = 0; i < TASKS; i++)
		ASSERT(TASK(i)->done && TASK(i)->state == TASK_DEAD && !TASK(i)->worker);
	ASSERT(QUANTUM_NS || TASK(0)->cpu_ns == 5);
	ASSERT(workers_free() == WORKERS - CPUS);
	for (unsigned i = 0; i < CPUS; i++)
		ASSERT(!cpus[i].current && cpus[i].worker != cpus[i].spare);
	for (unsigned i = 0; i < CPUS; i++)
		switches += cpus[i].switches;
	/* Each task is taken once, and again when it was preempted; and then there is none. */
	ASSERT(switches >= TASKS + TASK(0)->preemptions + 1 && switches < 20);
	ASSERT(CPUS == 1 || cpus[0].worker != cpus[1].worker);
}

/*
 * What these files name and nothing here reaches.
 */

void frames_print(const uptr *pcs, unsigned n, bool exact)
{
	(void)pcs, (void)n, (void)exact;
	UNREACHED("frames_print");
}

void timer_arm(struct timer *t, u64 at_ns)
{
	(void)t, (void)at_ns;
	UNREACHED("timer_arm");
}

void *kmalloc(usize bytes)
{
	(void)bytes;
	UNREACHED("kmalloc");
}

void *kzalloc(usize bytes)
{
	(void)bytes;
	UNREACHED("kzalloc");
}

void kfree(void *p)
{
	(void)p;
	UNREACHED("kfree");
}

u64 arena_bytes(const struct arena *a)
{
	(void)a;
	UNREACHED("arena_bytes");
}

void arena_init(struct arena *a, u64 max_bytes, bool service)
{
	(void)a, (void)max_bytes, (void)service;
	UNREACHED("arena_init");
}

int admission_describe(struct admission_task *t, const char *name, const struct sched_params *p,
		       u64 period_ns, u64 wcet_ns, char why[ADMISSION_WHY_BYTES])
{
	(void)t, (void)name, (void)p, (void)period_ns, (void)wcet_ns, (void)why;
	UNREACHED("admission_describe");
}

int admission_enter(const struct admission_task *t, unsigned *slot, char why[ADMISSION_WHY_BYTES])
{
	(void)t, (void)slot, (void)why;
	UNREACHED("admission_enter");
}

void admission_leave(unsigned slot)
{
	(void)slot;
	UNREACHED("admission_leave");
}

int sched_validate(const struct sched_params *p, char why[SCHED_WHY_BYTES])
{
	(void)p, (void)why;
	UNREACHED("sched_validate");
}

u64 sched_cpus(const struct sched_params *p)
{
	(void)p;
	UNREACHED("sched_cpus");
}

bool sim_memory_ok(uintptr_t at, size_t bytes)
{
	(void)at, (void)bytes;
	UNREACHED("sim_memory_ok");
}

struct cpu *irq_note_struck(uptr pc)
{
	(void)pc;
	UNREACHED("irq_note_struck");
}
