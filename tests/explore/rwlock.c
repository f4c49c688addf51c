/*
 * The reader-writer lock: CPUs 0 and 1 write and CPUs 2 and 3 read. A writer is alone, no reader
 * sees half of a write, readers come in together, and nobody is left waiting.
 */
#include "sync/rwlock.h"
#include "explore.h"

const unsigned explore_threads = 4;

static struct rwlock lock = RWLOCK_INIT;
static unsigned first, second;

void explore_begin(void)
{
}

static void write(void)
{
	bool irqs = write_lock(&lock);

	first++;
	second++;
	write_unlock(&lock, irqs);
}

static void read(void)
{
	bool irqs = read_lock(&lock);

	ASSERT(first == second);
	read_unlock(&lock, irqs);
}

void explore_thread(unsigned id)
{
	(id < 2 ? write : read)();
}

void explore_end(void)
{
	ASSERT(first == 2 && second == 2);
	ASSERT(atomic_load(&lock.readers_in) == 2 * RW_READER);
}
