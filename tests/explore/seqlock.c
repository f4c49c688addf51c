/*
 * The sequence lock: two CPUs write, one reads twice. Both words that it gets are of one write, and
 * the second time of none that is older.
 */
#include "sync/seqlock.h"
#include "explore.h"

const unsigned explore_threads = 3;

static struct seqlock lock = SEQLOCK_INIT;
static _Atomic u64 data[2];

void explore_begin(void)
{
}

void explore_thread(unsigned id)
{
	u64 got[2] = {7, 7}, before = 0;

	if (id < 2) {
		seq_write(&lock, data, (const u64[]){id + 1, 10 * (id + 1)}, 2);
		return;
	}
	for (int i = 0; i < 2; i++) {
		seq_read(&lock, got, data, 2);
		ASSERT(got[1] == 10 * got[0]);
		ASSERT(!before || got[0]); /* nothing comes before what was there first */
		before = got[0];
		got[0] = got[1] = 7; /* nothing is left of it */
	}
}

void explore_end(void)
{
	ASSERT(atomic_load(&lock.seq) == 4);
	ASSERT(atomic_load(&data[1]) == 10 * atomic_load(&data[0]) && atomic_load(&data[0]));
}
