/*
 * links: trace/record.c
 *
 * The trace's ring: a CPU records two events while another looks at it, as a panic and the shell
 * do. What it sees are whole records, in order, and counts that do not go back.
 */
#include "core/cpu.h"
#include "explore.h"
#include "mm/page.h"
#include "trace/trace.h"

const unsigned explore_threads = 2;

static struct cpu cpu[3];
_Static_assert(TRACE_PACKET_BYTES <= EXPLORE_SCRATCH_BYTES, "a packet's place");
static unsigned rows;

void *page_alloc(unsigned order)
{
	ASSERT(order == page_order(TRACE_PACKET_BYTES));
	return explore_scratch;
}

u64 page_free_bytes(void)
{
	return TRACE_PACKET_BYTES;
}

void explore_begin(void)
{
	for (unsigned i = 0; i < 3; i++)
		cpu[i].id = i;
	sim_cpu_set_local(&cpu[2]);
	trace_init(1);
}

static void row(u64 ticks, unsigned id, const void *payload, usize bytes)
{
	const u64 *words = payload;

	(void)ticks;
	ASSERT(id == 7 + rows && bytes == 16);
	ASSERT(words[0] == 100 + rows && words[1] == 200 + rows);
	rows++;
}

void explore_thread(unsigned id)
{
	u64 events, lost, before;

	sim_cpu_set_local(&cpu[id]);
	if (id == 0) {
		for (u64 i = 0; i < 2; i++)
			trace_record(7 + (unsigned)i, (const u64[]){100 + i, 200 + i}, 16, NULL, 0);
		return;
	}
	trace_counts(&before, &lost);
	ASSERT(!lost);
	trace_last(0, 8, row);
	trace_counts(&events, &lost);
	ASSERT(events >= rows && events >= before);
}

void explore_end(void)
{
	u64 events, lost;

	rows = 0;
	trace_last(0, 8, row);
	ASSERT(rows == 2);
	trace_counts(&events, &lost);
	ASSERT(events == 2 && !lost);
}
