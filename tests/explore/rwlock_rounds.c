/*
 * The reader-writer lock: one CPU writes twice, so that both parities of its ticket are used, while
 * another reads twice.
 */
#include "explore.h"
#include "sync/rwlock.h"

const unsigned explore_threads = 2;

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

/* Sees whole writes, none older than before. */
static void read(unsigned *seen)
{
	bool irqs = read_lock(&lock);

	ASSERT(first == second && first >= *seen);
	*seen = first;
	read_unlock(&lock, irqs);
}

void explore_thread(unsigned id)
{
	unsigned seen = 0;

	for (int i = 0; i < 2; i++) {
		if (id == 0)
			write();
		else
			read(&seen);
	}
}

void explore_end(void)
{
	ASSERT(first == 2 && second == 2);
}
