/*
 * links: trace/record.c
 *
 * The trace's ring and an interrupt: a CPU records an event, and is struck, at any point, by an
 * interrupt that records another; a second CPU looks. Both records are whole, and neither
 * overwrites the other.
 */
#include "core/cpu.h"
#include "explore.h"
#include "mm/page.h"
#include "trace/trace.h"

const unsigned explore_threads = 2;
const unsigned explore_interrupts[] = {1, 0};

static struct cpu cpu[3];
static unsigned seen, rows;

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
	ASSERT((id == 7 || id == 8) && bytes == 16 && !(seen & 1u << id));
	ASSERT(words[0] == 100 + id && words[1] == 200 + id);
	seen |= 1u << id;
	rows++;
}

static void record(u64 id)
{
	trace_record((unsigned)id, (const u64[]){100 + id, 200 + id}, 16, NULL, 0);
}

void explore_interrupt(unsigned id)
{
	(void)id;
	record(8);
}

void explore_thread(unsigned id)
{
	sim_cpu_set_local(&cpu[id]);
	if (id)
		trace_last(0, 8, row);
	else
		record(7);
}

void explore_end(void)
{
	u64 events, lost;

	seen = rows = 0;
	trace_last(0, 8, row);
	trace_counts(&events, &lost);
	ASSERT(rows == 2 && events == 2 && !lost);
}
