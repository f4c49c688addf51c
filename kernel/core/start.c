#include "core/start.h"
#include "base/panic.h"
#include "board/board.h"
#include "core/boot.h"
#include "core/cpu.h"
#include "core/irq.h"
#include "core/log.h"
#include "core/time.h"
#include "mm/kmalloc.h"
#include "mm/page.h"
#include "trace/trace.h"

/* A guard page and 28 KiB. The CPU leaves this stack for a worker's and does not come back. */
#define BOOT_STACK_ORDER 3
/* A CPU that takes longer is left out. Emulated machines share few host CPUs: be generous. */
#define CPU_START_LIMIT_NS SEC(10)

static void memory_init(void)
{
	const struct board_memory *m = board_memory();

	for (unsigned i = 0; i < m->free.n; i++)
		page_add(m->free.r[i].base, m->free.r[i].bytes);
	kmalloc_init(boot_word(BOOT_HEAP) == BOOT_HEAP_SLAB, boot_word(BOOT_FAIL_ALLOC));
	arch_mmu_init(m->ram.r, m->ram.n, m->mmio.r, m->mmio.n);
}

static void trace_start(void)
{
	struct trace_descriptor *d = &trace_descriptor;

	d->clock_hz = clock_hz;
	ksnprintf(d->board, sizeof(d->board), "%s", board_name);
	ksnprintf(d->build, sizeof(d->build), "%s, %s", FERMATA_VERSION, __VERSION__);
	trace_init(board_cpus());
}

/* Each CPU's way from one state to the next; whoever takes the first step decides. */
static bool cpu_step(unsigned cpu, u8 from, u8 to)
{
	/* release: what this CPU set up, for the acquire in cpu_online */
	return atomic_compare_exchange_strong_explicit(&cpus[cpu].state, &from, to,
						       memory_order_acq_rel, memory_order_relaxed);
}

static bool cpu_wait(unsigned cpu)
{
	u64 limit_ns = clock_ns() + CPU_START_LIMIT_NS;

	while (!cpu_online(cpu)) {
		if (clock_ns() >= limit_ns && cpu_step(cpu, CPU_STARTING, CPU_ABSENT))
			return false;
		arch_relax();
	}
	return true;
}

static int cpu_start(unsigned cpu)
{
	u8 *stack = page_alloc(BOOT_STACK_ORDER);

	if (!stack)
		return ERR_NOMEM;
	arch_mmu_guard((uptr)stack);
	(void)cpu_step(cpu, CPU_ABSENT, CPU_STARTING);

	int err = board_cpu_start(cpu, stack + ((usize)PAGE_BYTES << BOOT_STACK_ORDER));

	if (err)
		return err;
	return cpu_wait(cpu) ? 0 : ERR_TIMEOUT;
}

/* The numbers of the CPUs in use have no gaps: behind one that fails none is started. */
static void cpus_start(void)
{
	for (unsigned cpu = 1; cpu < cpu_count; cpu++) {
		int err = cpu_start(cpu);

		if (err) {
			klog("CPU %u did not start (%s): going on with %u of %u", cpu,
			     err_name(err), cpu, cpu_count);
			cpu_count = cpu;
		}
	}
}

void kernel_main(void *boot)
{
	cpu_init_all();
	arch_cpu_init(&cpus[0]);
	cpu_count = 1;
	board_early_init(boot);
	memory_init();
	board_init();
	ASSERT(clock_hz && irqchip);
	arch_timer_init();
	cpu_count = board_cpus();
	trace_start();
	executor_init();
	(void)cpu_step(0, CPU_ABSENT, CPU_ONLINE);
	cpus_start();
	kprintf("Fermata %s on %s: %u CPU%s, %lu MiB\n", FERMATA_VERSION, board_name, cpu_count,
		cpu_count == 1 ? "" : "s", page_total_bytes() >> 20);
	boot_report();
	init_start();
	executor_run();
}

void cpu_start_secondary(unsigned cpu)
{
	arch_cpu_init(&cpus[cpu]);
	arch_mmu_cpu_init();
	board_cpu_init();
	arch_timer_init();
	if (cpu_step(cpu, CPU_STARTING, CPU_ONLINE))
		executor_run();
	for (;;)
		arch_idle();
}
