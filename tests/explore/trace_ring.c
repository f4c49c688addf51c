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
#define PACKETS 2u
_Static_assert(PACKETS *TRACE_PACKET_BYTES <= EXPLORE_SCRATCH_BYTES, "the packets' place");
static unsigned rows;

void *page_alloc(unsigned order)
{
	ASSERT(order == page_order(PACKETS * TRACE_PACKET_BYTES));
	return explore_scratch;
}

u64 page_free_bytes(void)
{
	return 4 * PACKETS * TRACE_PACKET_BYTES; /* of which it takes its share */
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

static unsigned seen, first_seen, last_bytes;

static void note(u64 ticks, unsigned id, const void *payload, usize bytes)
{
	(void)ticks, (void)payload;
	first_seen = seen++ ? first_seen : id;
	last_bytes = (unsigned)bytes;
}

static void claim_last(unsigned n, unsigned records, unsigned first, unsigned bytes)
{
	seen = 0;
	trace_last(0, n, note);
	ASSERT(seen == records && first_seen == first && last_bytes == bytes);
}

/* A packet that is filled to its last word, and what comes behind it: in the next one. */
static void turn(void)
{
	/* Not 0, which would end the next execution's records where nobody ended them. */
	static const u64 words[8192] = {[0 ... 8191] = 0x0101010101010101};
	const unsigned packet = TRACE_PACKET_BYTES - (unsigned)sizeof(struct trace_packet) - 8;
	const unsigned rest =
		packet - 2 * 3 * 8 - 8; /* behind the two records, and for the payload */
	u64 events, lost;

	sim_cpu_set_local(&cpu[0]);
	trace_record(9, words, rest - 8, words, 8);
	claim_last(8, 3, 7, rest);
	claim_last(1, 1, 9, rest);
	trace_record(10, words, 16, words, 8);
	claim_last(8, 4, 7, 24);
	claim_last(2, 2, 9, 24);
	trace_record(11, words, packet - 8, NULL, 0); /* over the first packet */
	claim_last(8, 2, 10, packet - 8);
	trace_counts(&events, &lost);
	ASSERT(events == 5 && lost == 1);
	trace_record(12, words, packet, NULL, 0); /* which no packet holds */
	claim_last(8, 2, 10, packet - 8);
}

void explore_end(void)
{
	u64 events, lost;

	rows = 0;
	trace_last(0, 8, row);
	ASSERT(rows == 2);
	rows = 1; /* all but the first */
	trace_last(0, 1, row);
	ASSERT(rows == 2);
	trace_counts(&events, &lost);
	ASSERT(events == 2 && !lost);
	turn();
}
