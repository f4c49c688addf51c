#include "base/types.h"
#include "core/cpu.h"
#include "mm/page.h"
#include "trace/trace.h"

#define RINGS_BYTES_MAX MIB(32)
#define RINGS_SHARE     4 /* at most this part of the free memory */
#define PACKETS_MAX     16
#define FIRST_RECORD    sizeof(struct trace_packet)
#define WORD            8u

/* A record's first word. */
#define HEAD(ticks, id, words) ((u32)(ticks) | (u64)(id) << 32 | (u64)(words) << 48)
#define HEAD_LOW(head)         ((u32)(head))
#define HEAD_ID(head)          ((unsigned)((head) >> 32) & 0xffff)
#define HEAD_WORDS(head)       ((usize)((head) >> 48))

/* One CPU's place in its ring. Zero: no ring, so the first record takes the slow way. */
struct ring {
	u8 *next;  /* where the next record goes */
	u8 *limit; /* the packet's last word, which stays 0 */
	u64 high;  /* high half of the clock in this packet */
	u8 *base;
	struct trace_packet *packet;
	_Atomic u64 seq; /* of that packet; relaxed, for trace_counts, as is records */
	u64 discarded;
	_Atomic u64 records;
} CACHE_ALIGNED;

_Atomic u8 trace_level = TRACE_OFF;
struct trace_descriptor trace_descriptor __attribute__((aligned(PAGE_BYTES)));
static struct ring rings[CPUS_MAX];

/* Field names for people, and the payload rule for the compiler. */
#define FIELD(type, name, meaning)     #type " " #name ";"
#define CODE(type, name, set, meaning) #type " " #name ";"
#define TEXT(name, bytes, meaning)     "t" #bytes " " #name ";"
#define ITEMS(item, name, count, meaning)
#define EVENT(ID, number, name, meaning, ...) [number] = {#name, "" __VA_ARGS__},
static const struct {
	const char *name, *layout;
} events[TRACE_EVENTS_END] = {
#include "trace/events.def"
};

#define EVENT(ID, number, name, ...)                                                               \
	_Static_assert(sizeof(struct trace_##name) % WORD == 0, "payload of " #name);
#include "trace/events.def"

/* By the ring's own CPU alone. */
static inline void count(_Atomic u64 *n)
{
	atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

static inline u64 seq_of(const struct ring *r)
{
	return atomic_load_explicit(&r->seq, memory_order_relaxed);
}

/* The first word of a record is written last: readers in a panic, and of a machine that stopped
 * at any instruction, see whole records or the 0 behind them. */
static inline void publish(u8 *record, u64 head)
{
	/* release: pairs with the acquire in head_at; a plain store on x86, stlr on Arm */
	atomic_store_explicit((_Atomic u64 *)record, head, memory_order_release);
}

static inline u64 head_at(const u8 *record)
{
	/* acquire: pairs with the release in publish */
	return atomic_load_explicit((_Atomic u64 *)record, memory_order_acquire);
}

/* Where the ring's packet number @p seq lies. */
static struct trace_packet *packet_at(const struct ring *r, u64 seq)
{
	return (void *)(r->base + seq % trace_descriptor.packets * (usize)TRACE_PACKET_BYTES);
}

static void packet_magic(struct trace_packet *p, u32 magic)
{
	/* release: what was written before; for whoever reads a machine that stopped */
	atomic_store_explicit((_Atomic u32 *)&p->magic, magic, memory_order_release);
}

/* The machine may stop at any instruction, so a packet has its magic only while it is whole. */
static void packet_open(struct ring *r, u64 ticks)
{
	struct trace_packet *p = r->packet;

	packet_magic(p, 0);
	/* release fence: the old magic is gone before anything of the old packet */
	atomic_thread_fence(memory_order_release);
	*p = (struct trace_packet){
		.uuid = {TRACE_UUID_BYTES},
		.timestamp_begin = ticks,
		.packet_bits = TRACE_PACKET_BYTES * 8,
		.packet_seq = seq_of(r),
		.events_discarded = r->discarded,
		.cpu = (u32)(r - rings),
	};
	r->high = ticks >> 32;
	r->next = (u8 *)p + FIRST_RECORD;
	r->limit = (u8 *)p + TRACE_PACKET_BYTES - WORD;
	publish(r->next, 0);
	packet_magic(p, TRACE_CTF_MAGIC);
}

static void packet_close(struct ring *r, u64 ticks)
{
	struct trace_packet *p = r->packet;

	p->timestamp_end = ticks;
	/* release: the end, before the length says that the packet is closed */
	atomic_store_explicit((_Atomic u64 *)&p->content_bits, (u64)(r->next - (u8 *)p) * 8,
			      memory_order_release);
}

static inline u8 *copy_words(u8 *to, const void *from, usize bytes)
{
	const u64 *f = from;

	for (; bytes; bytes -= WORD, to += WORD)
		*(u64 *)to = *f++;
	return to;
}

/* Writes a record that has its place in the open packet. */
static inline void store(struct ring *r, u64 ticks, unsigned id, const void *payload, usize bytes,
			 const void *more, usize more_bytes)
{
	u8 *record = r->next;
	u8 *end = copy_words(record + WORD, payload, bytes);

	end = copy_words(end, more, more_bytes);
	*(u64 *)end = 0;
	r->next = end;
	count(&r->records);
	publish(record, HEAD(ticks, id, (usize)(end - record) / WORD));
}

/* Goes to the next packet of the ring, over the oldest, and writes the record there. Apart from
 * trace_record, so that the common way through that has no registers to save. */
static __attribute__((noinline)) void record_turn(unsigned id, const void *payload, usize bytes,
						  const void *more, usize more_bytes, bool irqs)
{
	struct ring *r = &rings[cpu_id()];
	u64 ticks = arch_clock_ticks();

	if (r->base && bytes + more_bytes <= TRACE_PACKET_BYTES - FIRST_RECORD - 2 * WORD) {
		packet_close(r, ticks);
		count(&r->seq);
		r->packet = packet_at(r, seq_of(r));
		packet_open(r, ticks);
		store(r, ticks, id, payload, bytes, more, more_bytes);
	} else {
		r->discarded++;
	}
	arch_irq_restore(irqs);
}

void trace_record(unsigned id, const void *payload, usize bytes, const void *more, usize more_bytes)
{
	bool irqs = arch_irq_save();
	struct ring *r = &rings[cpu_id()];
	u64 ticks = arch_clock_ticks();

	if (unlikely((usize)(r->limit - r->next) < WORD + bytes + more_bytes ||
		     ticks >> 32 != r->high)) {
		record_turn(id, payload, bytes, more, more_bytes, irqs);
		return;
	}
	store(r, ticks, id, payload, bytes, more, more_bytes);
	arch_irq_restore(irqs);
}

static u32 packets_for(unsigned cpus)
{
	u64 budget = MIN(RINGS_BYTES_MAX, page_free_bytes() / RINGS_SHARE);
	u32 packets = PACKETS_MAX;

	while (packets > 1 && (u64)packets * cpus * TRACE_PACKET_BYTES > budget)
		packets /= 2;
	return packets;
}

void trace_init(unsigned cpus)
{
	struct trace_descriptor *d = &trace_descriptor;

	d->version = TRACE_VERSION;
	d->cpus = cpus;
	d->packet_bytes = TRACE_PACKET_BYTES;
	d->packets = packets_for(cpus);
	for (unsigned i = 0; i < cpus; i++) {
		struct ring *r = &rings[i];

		r->base = page_alloc(page_order(d->packets * (usize)TRACE_PACKET_BYTES));
		if (!r->base)
			continue; /* this CPU's events are dropped, and counted */
		/* What lies there must not look like packets of this run. */
		for (u32 seq = 0; seq < d->packets; seq++)
			packet_magic(packet_at(r, seq), 0);
		r->packet = packet_at(r, 0);
		packet_open(r, arch_clock_ticks());
		d->ring[i] = (uptr)r->base;
	}
	d->magic = TRACE_MAGIC;
	trace_set_level(TRACE_FULL);
}

void trace_set_level(enum trace_level level)
{
	atomic_store_explicit(&trace_level, (u8)level, memory_order_relaxed);
}

/* Calls row, when there is one, for the records of packet p from number `from`; counts them. */
static u64 packet_walk(const struct trace_packet *p, u64 from,
		       void (*row)(u64 ticks, unsigned id, const void *payload, usize bytes))
{
	const u8 *at = (const u8 *)p + FIRST_RECORD, *end = (const u8 *)p + TRACE_PACKET_BYTES;
	u64 high = p->timestamp_begin & ~(u64)UINT32_MAX, n = 0;

	while (at < end) {
		u64 head = head_at(at);
		usize bytes = HEAD_WORDS(head) * WORD;

		if (!head || !bytes || bytes > (usize)(end - at))
			break;
		if (row && n >= from)
			row(high | HEAD_LOW(head), HEAD_ID(head), at + WORD, bytes - WORD);
		n++;
		at += bytes;
	}
	return n;
}

/* The packet `back` packets before the ring's current one, or NULL. */
static const struct trace_packet *packet_back(const struct ring *r, u64 back)
{
	if (!r->base || back > seq_of(r) || back >= trace_descriptor.packets)
		return NULL;
	return packet_at(r, seq_of(r) - back);
}

void trace_last(unsigned cpu, unsigned n,
		void (*row)(u64 ticks, unsigned id, const void *payload, usize bytes))
{
	const struct ring *r = &rings[cpu];
	const struct trace_packet *p;
	u64 found = 0, back = 0;

	for (; found < n && (p = packet_back(r, back)) != NULL; back++)
		found += packet_walk(p, 0, NULL);

	u64 skip = found > n ? found - n : 0;

	while (back--) {
		packet_walk(packet_back(r, back), skip, row);
		skip = 0;
	}
}

void trace_counts(u64 *records, u64 *packets_lost)
{
	*records = *packets_lost = 0;
	for (unsigned i = 0; i < CPUS_MAX; i++) {
		const struct ring *r = &rings[i];

		*records += atomic_load_explicit(&r->records, memory_order_relaxed);
		if (r->base && seq_of(r) >= trace_descriptor.packets)
			*packets_lost += seq_of(r) + 1 - trace_descriptor.packets;
	}
}

const char *trace_event_name(unsigned id)
{
	return id < TRACE_EVENTS_END && events[id].name ? events[id].name : "?";
}

const char *trace_event_layout(unsigned id)
{
	return id < TRACE_EVENTS_END && events[id].layout ? events[id].layout : "";
}
