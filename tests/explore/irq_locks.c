/*
 * The locks and an interrupt: CPU 0 takes the MCS lock, the spin lock and the reader-writer lock to
 * write and to read, one after the other, and is struck at any point by an interrupt that takes the
 * same; CPU 1 takes them, too. Nobody waits for itself, and interrupts are as they were.
 */
#include "explore.h"
#include "sync/mcs.h"
#include "sync/rwlock.h"
#include "sync/spin.h"

#ifndef CPUS
#define CPUS 2
#endif

const unsigned explore_threads = CPUS;
const unsigned explore_interrupts[] = {1, 0};

static struct mcs mcs = MCS_INIT;
static struct spin spin = SPIN_INIT;
static struct rwlock rw = RWLOCK_INIT;
static unsigned n[3];

void explore_begin(void)
{
}

static void with_mcs(void)
{
	struct mcs_node node;

	mcs_lock(&mcs, &node);
	ASSERT(!arch_irq_enabled());
	n[0]++;
	mcs_unlock(&mcs, &node);
}

static void with_spin(void)
{
	bool irqs = spin_lock(&spin);

	ASSERT(!arch_irq_enabled());
	n[1]++;
	spin_unlock(&spin, irqs);
}

static void with_rw(void)
{
	bool irqs = write_lock(&rw);

	ASSERT(!arch_irq_enabled());
	n[2]++;
	write_unlock(&rw, irqs);
}

static void read(void)
{
	bool irqs = read_lock(&rw);

	ASSERT(!arch_irq_enabled());
	read_unlock(&rw, irqs);
}

static void all(void)
{
	bool irqs = arch_irq_enabled();

	with_mcs();
	ASSERT(arch_irq_enabled() == irqs);
	with_spin();
	ASSERT(arch_irq_enabled() == irqs);
	with_rw();
	ASSERT(arch_irq_enabled() == irqs);
	read();
	ASSERT(arch_irq_enabled() == irqs);
}

void explore_interrupt(unsigned id)
{
	(void)id;
	all();
}

void explore_thread(unsigned id)
{
	if (!id)
		all();
	else
		with_mcs();
}

void explore_end(void)
{
	ASSERT(n[0] == 3 && n[1] == 2 && n[2] == 2);
}
