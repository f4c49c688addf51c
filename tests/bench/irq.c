/* From an interrupt to a handler, to a task, and back to what was interrupted. */
#include "bench.h"
#include "core/irq.h"

#define ROUNDS 200u
#define DUE_NS US(20)

static volatile bool fired;
static struct task *high;

/* bench's plugin counts at this function's first instruction, by its name. */
static void on_timer(struct timer *t)
{
	(void)t;
	fired = true;
}

static void wake_high(struct timer *t)
{
	(void)t;
	task_wake(high);
	fired = true;
}

static enum poll woken(void *frame)
{
	(void)frame;
	arch_mark(MARK_END);
	return POLL_PENDING;
}

static void measure_timer(const char *metric, void (*fn)(struct timer *t))
{
	static struct timer timer;

	timer_init(&timer, fn);
	for (unsigned i = 0; i < ROUNDS; i++) {
		fired = false;
		timer_arm(&timer, clock_ns() + DUE_NS);
		bench_push(bench_stolen(&fired));
	}
	bench_report(metric);
}

static void on_device(void *arg)
{
	(void)arg;
	fired = true;
}

/* A device's interrupt, with an empty handler. The lines are free on both boards. */
static void measure_device(void)
{
	u32 irq = strcmp(board_name, "pc") == 0 ? 22 : 100;

	must(irq_register(irq, "bench", on_device, NULL));
	for (unsigned i = 0; i < ROUNDS; i++) {
		fired = false;
		arch_irq_disable();
		irqchip->raise(irq);
		arch_mark(MARK_ARM);
		arch_irq_enable();
		while (!fired)
			;
	}
	kprintf("sample irq.device_stolen 0 0 0 0\n");
	bench_reset();
}

/* The inter-processor interrupt, sent to oneself: nothing to look at when it ends. */
static void measure_hint(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct cpu *c = arch_cpu();
		u64 before = c->irqs;

		arch_irq_disable();
		irqchip->send_hint(c->id);
		arch_mark(MARK_ARM);
		arch_irq_enable();
		while (((volatile struct cpu *)c)->irqs == before)
			;
	}
	kprintf("sample irq.hint_stolen 0 0 0 0\n");
	bench_reset();
}

/* Two tasks of one level take turns by their quanta: the interrupt of one returns into the other. */
static volatile unsigned spinning, spun;

static enum poll spinner(void *frame)
{
	u64 end_ns = clock_ns() + MS(30);

	(void)frame;
	spinning++;
	while (clock_ns() < end_ns)
		if (spinning == 2)
			arch_mark(MARK_ARM);
	spinning--;
	spun++;
	return POLL_READY;
}

struct main {
	struct async async;
	struct sleep sleep;
};

static enum poll bench(void *frame)
{
	struct main *me = frame;

	ASYNC_BEGIN(me);
	bench_calibrate();
	measure_timer("irq.timer_stolen", on_timer);
	must(TASK_SPAWN(&high, "high", woken, (struct async){}, SCHED_PARAMS_FIFO(12)));
	measure_timer("irq.to_task_and_back", wake_high);
	measure_hint();
	if (irqchip->raise)
		measure_device();
	for (unsigned i = 0; i < 2; i++)
		must(TASK_SPAWN(NULL, "spin", spinner, (struct async){},
				SCHED_PARAMS_RR(9, SCHED_QUANTUM_MIN_NS)));
	while (spun < 2)
		AWAIT(me, sleep_for(&me->sleep, MS(50)));
	kprintf("sample irq.quantum_to_task 0 0 0 0\n");
	bench_reset();
	bench_done();
	ASYNC_END(me);
}

BENCH_MAIN(bench, struct main)
