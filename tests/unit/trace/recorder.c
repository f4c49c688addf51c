/*
 * The recorder: what is recorded is found again, in whole records in whole packets, and what is
 * overwritten is counted.
 * cpus: 1 4
 */
#include "../test.h"
#include "async/sleep.h"
#include "core/time.h"
#include "trace/trace.h"

/* Records marks 0 to n-1 on this CPU with nothing in between, and returns the CPU. */
static unsigned record_marks(u64 n)
{
	bool irqs = arch_irq_save();
	unsigned cpu = cpu_id();

	for (u64 i = 0; i < n; i++)
		TRACE(MARK, mark, .kind = TRACE_mark_user, .tid = -1, .value = i);
	arch_irq_restore(irqs);
	return cpu;
}

static u64 seen, next_value, last_ticks;

static void see_mark(u64 ticks, unsigned id, const void *payload, usize bytes)
{
	const struct trace_mark *m = payload;

	seen++;
	CHECK(ticks >= last_ticks);
	last_ticks = ticks;
	CHECK_EQ(id, TRACE_EV_MARK);
	CHECK_EQ(bytes, sizeof *m);
	CHECK_EQ(m->tid, -1);
	CHECK_EQ(m->value, next_value);
	next_value++;
}

static void the_last_records_are_found(void)
{
	bool irqs = arch_irq_save();
	unsigned cpu = record_marks(100);

	seen = last_ticks = 0;
	next_value = 100 - 12;
	trace_last(cpu, 12, see_mark);
	arch_irq_restore(irqs);
	CHECK_EQ(seen, 12);
	CHECK_EQ(next_value, 100);
}

static u8 more_seen[64];
static unsigned more_bytes_seen;

static void see_more(u64 ticks, unsigned id, const void *payload, usize bytes)
{
	(void)ticks;
	CHECK_EQ(id, TRACE_EV_SCHED_DECISION);
	more_bytes_seen = (unsigned)(bytes - sizeof(struct trace_sched_decision));
	memcpy(more_seen, (const u8 *)payload + sizeof(struct trace_sched_decision),
	       MIN(more_bytes_seen, sizeof more_seen));
}

static void elements_follow_the_payload(void)
{
	struct trace_sched_decision d = {.seq = 77, .candidates_len = 2};
	struct trace_candidate c[2] = {{.tid = 5, .key = 6}, {.tid = 7, .key = 8}};
	bool irqs = arch_irq_save();

	trace_record(TRACE_EV_SCHED_DECISION, &d, sizeof d, c, sizeof c);
	trace_last(cpu_id(), 1, see_more);
	arch_irq_restore(irqs);
	CHECK_EQ(more_bytes_seen, sizeof c);
	CHECK_EQ(memcmp(more_seen, c, sizeof c), 0);
}

/* Follows the records of a packet; returns how many, or panics where one is broken. */
static u64 packet_records(const struct trace_packet *p)
{
	const u64 *w = (const u64 *)(p + 1),
		  *end = (const u64 *)((const u8 *)p + TRACE_PACKET_BYTES);
	u64 n = 0;

	for (; w < end && *w; w += *w >> 48, n++) {
		unsigned id = (unsigned)(*w >> 32) & 0xffff;

		if (!id || id >= TRACE_EVENTS_END || !(*w >> 48))
			panic("packet %p: broken record at word %zu", (const void *)p,
			      (usize)(w - (const u64 *)p));
	}
	if (p->content_bits)
		CHECK_EQ(p->content_bits / 64, (usize)(w - (const u64 *)p));
	return n;
}

static const struct trace_packet *packet(unsigned cpu, u32 i)
{
	return (const struct trace_packet *)(uptr)(trace_descriptor.ring[cpu] +
						   (u64)i * trace_descriptor.packet_bytes);
}

/* Checks the packets of one CPU and returns the records in them; the newest packet's number in
 * *@p newest. */
static u64 check_ring(unsigned cpu, u64 *newest)
{
	static const u8 uuid[16] = {TRACE_UUID_BYTES};
	u64 records = 0, open = 0;

	*newest = 0;
	for (u32 i = 0; i < trace_descriptor.packets; i++) {
		const struct trace_packet *p = packet(cpu, i);

		if (!p->magic)
			continue; /* not used yet */
		CHECK_EQ(p->magic, TRACE_CTF_MAGIC);
		CHECK_EQ(memcmp(p->uuid, uuid, sizeof uuid), 0);
		CHECK_EQ(p->cpu, cpu);
		CHECK_EQ(p->packet_bits, TRACE_PACKET_BYTES * 8);
		CHECK_EQ(p->packet_seq % trace_descriptor.packets, i);
		if (p->content_bits)
			CHECK(p->timestamp_end >= p->timestamp_begin);
		else
			open++;
		*newest = MAX(*newest, p->packet_seq);
		records += packet_records(p);
	}
	CHECK_EQ(open, 1);
	return records;
}

static void a_full_ring_loses_the_oldest_packets_and_counts_them(void)
{
	u64 events, lost, newest, per_packet = (TRACE_PACKET_BYTES - 88) / 24;
	bool irqs = arch_irq_save();
	unsigned cpu = record_marks((trace_descriptor.packets + 2) * per_packet);
	u64 records = check_ring(cpu, &newest);

	trace_counts(&events, &lost);
	arch_irq_restore(irqs);
	CHECK(newest >= trace_descriptor.packets + 1);
	CHECK(lost >= newest + 1 - trace_descriptor.packets);
	CHECK(records >= (trace_descriptor.packets - 1) * per_packet);
	CHECK(events >= (trace_descriptor.packets + 2) * per_packet);
}

static void the_last_records_reach_over_packets(void)
{
	u64 per_packet = (TRACE_PACKET_BYTES - 88) / 24, n = per_packet + 10;
	bool irqs = arch_irq_save();
	unsigned cpu = record_marks(per_packet * 2);

	seen = last_ticks = 0;
	next_value = per_packet * 2 - n;
	trace_last(cpu, (unsigned)n, see_mark);
	arch_irq_restore(irqs);
	CHECK_EQ(seen, n);
	CHECK_EQ(next_value, per_packet * 2);
}

static void see_time(u64 ticks, unsigned id, const void *payload, usize bytes)
{
	(void)id;
	(void)payload;
	(void)bytes;
	CHECK(ticks >= last_ticks);
	last_ticks = ticks;
}

struct sleeper {
	struct async async;
	struct sleep sleep;
	u64 high;
};

/* The low half of the clock in a record is enough, also when the high half changes. */
static enum poll times_are_whole(void *frame)
{
	struct sleeper *me = frame;

	ASYNC_BEGIN(me);
	me->high = (arch_clock_ticks() >> 32) + 1;
	AWAIT(me, sleep_until(&me->sleep, clock_ticks_to_ns(me->high << 32) + 1));
	last_ticks = 0;
	bool irqs = arch_irq_save();
	unsigned cpu = record_marks(1);

	trace_last(cpu, 20, see_time);
	arch_irq_restore(irqs);
	CHECK_EQ(last_ticks >> 32, me->high);
	ASYNC_END(me);
}

static void nothing_is_recorded_when_off(void)
{
	u64 before, after, lost;
	bool irqs = arch_irq_save();

	/* What this CPU records: on others the trace goes on until they see the level. */
	trace_set_level(TRACE_OFF);
	trace_counts(&before, &lost);
	record_marks(10);
	trace_counts(&after, &lost);
	trace_set_level(TRACE_FULL);
	arch_irq_restore(irqs);
	CHECK(after < before + 10);
}

static void a_record_too_long_is_dropped(void)
{
	static u64 much[TRACE_PACKET_BYTES / 8];
	u64 newest;
	bool irqs = arch_irq_save();

	trace_record(TRACE_EV_MARK, much, TRACE_PACKET_BYTES - 88, NULL, 0);
	(void)check_ring(cpu_id(), &newest);
	/* The longest that fits takes a packet for itself. */
	trace_record(TRACE_EV_MARK, much, TRACE_PACKET_BYTES - 96, NULL, 0);
	(void)check_ring(cpu_id(), &newest);
	CHECK_EQ(packet_records(packet(cpu_id(), (u32)(newest % trace_descriptor.packets))), 1);
	CHECK_EQ(packet(cpu_id(), (u32)(newest % trace_descriptor.packets))->events_discarded, 1);
	arch_irq_restore(irqs);
}

static void events_have_names_and_layouts(void)
{
	CHECK_STR(trace_event_name(TRACE_EV_SCHED_SWITCH), "sched_switch");
	CHECK_STR(trace_event_name(TRACE_EV_HINT_ENTRY), "x86_irq_vectors_reschedule_entry");
	CHECK_STR(trace_event_name(0), "?");
	CHECK_STR(trace_event_name(TRACE_EVENTS_END), "?");
	CHECK_STR(trace_event_layout(TRACE_EV_MARK), "u32 kind;i32 tid;u64 value;");
	CHECK_STR(trace_event_layout(TRACE_EVENTS_END), "");
}

TESTS_MAIN(PLAIN(the_last_records_are_found), PLAIN(elements_follow_the_payload),
	   PLAIN(a_full_ring_loses_the_oldest_packets_and_counts_them),
	   PLAIN(the_last_records_reach_over_packets), ASYNC(times_are_whole),
	   PLAIN(nothing_is_recorded_when_off), PLAIN(a_record_too_long_is_dropped),
	   PLAIN(events_have_names_and_layouts));
